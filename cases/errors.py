"""Errors, by who must act on them.

Every message reads ``<where>: expected <rule>, got <value>. <next command>``; the parts are kept as
attributes so that callers can render them differently.
"""

from __future__ import annotations


class UnrepeatError(Exception):
    """Root of everything this project raises on purpose.

    Args:
        message: What was expected and what was found, in one sentence.
        where: File, line, JSON path or object the message is about; empty when there is none.
        hint: The next command or edit that would help; empty when there is none.
    """

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        self.message = message
        self.where = where
        self.hint = hint
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f". {self.hint}" if self.hint else ""
        return f"{place}{self.message}{advice}"


class CaseError(UnrepeatError):
    """The author of a case must act: case.yaml or trace.json is not what it must be."""


class SourceError(CaseError):
    """A trace file cannot be read: truncated, wrong encoding, unknown format, over a limit."""


class EvidenceError(UnrepeatError):
    """Preserved evidence is missing, changed, or cannot be stored safely."""


class ConfigError(UnrepeatError):
    """unrepeat.toml or a command-line value must be corrected."""


class ReplayError(UnrepeatError):
    """The engineer must act: the system under test could not be replayed."""


class UnableToReplayError(ReplayError):
    """A replay cannot be had here: no isolation, no address to listen on, no deployment. Nothing of it is a version's.

    It is never the outcome of a version, and ends what was asked for.
    """


class ScorerError(UnrepeatError):
    """A scorer was given parameters it cannot use, or crashed."""
