"""The chain of custody: who did what to a case, when, with which tool.

``custody.jsonl`` has one entry a line. Each entry holds the hash of the one before and its own hash:

    hash = SHA-256(canonical JSON of the entry without ``hash``)

with keys sorted, no white space, UTF-8. So no entry can be changed, moved, inserted or removed without breaking
a link, except that the log can be cut off at the end or rewritten from a point on consistently; the
head digest in reports and signatures catches that.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from .errors import EvidenceError

FILE_NAME = "custody.jsonl"
GENESIS = "0" * 64
"""What the first entry names as the one before it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the log."""

    seq: int
    """From 1, without gaps."""
    at: str
    """RFC 3339 in UTC."""
    who: str
    action: str
    """created, status, evidence-added, retired, …"""
    tool: str
    """Name and version of the program."""
    before: dict[str, str]
    """Digests and status before, by name."""
    after: dict[str, str]
    """Digests and status after."""
    reason: str = ""
    details: dict[str, Any] = {}
    previous: str
    """Hash of the entry before."""
    hash: str


@dataclass(frozen=True, slots=True)
class Act:
    """What is about to be logged: the parts a caller states."""

    who: str
    at: dt.datetime
    tool: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """A broken link of the log."""

    line: int
    message: str


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the hash of an entry, given as a mapping; its own ``hash`` does not count."""
    rest = {key: value for key, value in content.items() if key != "hash"}
    return hashlib.sha256(msgspec.json.encode(rest, order="deterministic")).hexdigest()


def append(
    log: bytes,
    action: str,
    act: Act,
    *,
    before: Mapping[str, str],
    after: Mapping[str, str],
    details: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the log with one more entry.

    Args:
        log: The log so far; empty for a new case. Its chain must hold.
        action: What was done, in one word.
        act: Who, when, with what, why.
        before: Digests and status before, by name.
        after: Digests and status after.
        details: Anything else worth keeping, as JSON values.

    Raises:
        EvidenceError: The log so far is broken, or the time has no zone.
    """
    entries, problems = read(log)
    if problems:
        raise EvidenceError(
            f"expected an unbroken custody log, got: {problems[0].message}",
            where=f"{FILE_NAME}:{problems[0].line}",
            hint="Restore the log from version control",
        )
    content: dict[str, Any] = {
        "seq": len(entries) + 1,
        "at": utc(act.at),
        "who": act.who,
        "action": action,
        "tool": act.tool,
        "before": dict(before),
        "after": dict(after),
        "reason": act.reason,
        "details": dict(details or {}),
        "previous": entries[-1].hash if entries else GENESIS,
    }
    content["hash"] = digest_of(content)
    return log + msgspec.json.encode(content) + b"\n"


def utc(moment: dt.datetime) -> str:
    """Return a time as RFC 3339 in UTC, to the second.

    Raises:
        EvidenceError: It has no zone.
    """
    if moment.tzinfo is None:
        raise EvidenceError("expected a time with its zone, got none", where="custody log")
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(log: bytes) -> tuple[list[Entry], list[ChainProblem]]:
    """Return the entries of a log, and every link that does not hold."""
    entries: list[Entry] = []
    problems: list[ChainProblem] = []
    previous = GENESIS
    if log and not log.endswith(b"\n"):
        problems.append(ChainProblem(log.count(b"\n") + 1, "the last line does not end"))
    # Only the newline ends a line: a carriage return in its place is an edit, too.
    for number, line in enumerate(log.removesuffix(b"\n").split(b"\n") if log else (), 1):
        try:
            content = msgspec.json.decode(line, type=dict[str, Any])
            entry = msgspec.convert(content, Entry)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            problems.append(ChainProblem(number, "the line is not an entry"))
            continue
        problems += [ChainProblem(number, text) for text in _broken(line, content, entry, number, previous)]
        previous = entry.hash
        entries.append(entry)
    return entries, problems


def _broken(line: bytes, content: dict[str, Any], entry: Entry, number: int, previous: str) -> list[str]:
    found = []
    if entry.hash != digest_of(content):
        found.append("the entry was changed: its hash does not match its content")
    elif msgspec.json.encode(content) != line:
        # Other spacing, or a key twice of which only the last counts.
        found.append("the line was changed: it is not written as unrepeat writes it")
    if entry.previous != previous:
        found.append("an entry before it was changed, moved or removed: the link does not match")
    if entry.seq != number:
        found.append(f"expected entry number {number}, got {entry.seq}")
    return found


def head(log: bytes) -> str:
    """Return the hash of the last entry, or of nothing for an empty log.

    Reads only the last line: whether the chain holds is for ``read`` to say.
    """
    last = log.rstrip(b"\n").rpartition(b"\n")[2]
    if not last:
        return GENESIS
    try:
        return msgspec.json.decode(last, type=Entry).hash
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return hashlib.sha256(last).hexdigest()


def last_state(entries: list[Entry]) -> dict[str, str]:
    """Return the digests and status that the log says are in force, each from the last entry naming it."""
    state: dict[str, str] = {}
    for entry in entries:
        state.update(entry.after)
    return state
