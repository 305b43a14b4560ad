"""Signing and verifying with ``ssh-keygen -Y``, so that agents, hardware keys and revocation lists just work.

Times are given and read as UTC, on every machine: ``ssh-keygen`` reads dates in allowed_signers in its own time zone.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cases.errors import ConfigError
from ..reports.attestation import NAMESPACE
from .allowed_signers import parse_allowed_signers
from .situation import KeyCheck

_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_SIGNING_S = 180
"""People type a passphrase or touch a key in that time."""
_CHECKING_S = 30


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that count."""

    allowed: bytes
    """Text of allowed_signers."""
    where: str
    """What to call that file in errors."""
    revoked: bytes | None = None
    """Revocation list; None without one."""


def sign(message: bytes, key: Path) -> bytes:
    """Return the binary SSHSIG of a message.

    Args:
        message: What to sign.
        key: A private key, or the public key of one that an agent or a hardware token holds.

    Raises:
        ConfigError: ssh-keygen is missing, or the key cannot be used; says what ssh-keygen said.
    """
    if not key.is_file():
        raise ConfigError(
            "expected a key file, got none", where=f"--key {key}", hint="Make one with `ssh-keygen -t ed25519`"
        )
    done = _run(["-Y", "sign", "-f", str(key), "-n", NAMESPACE], message, _SIGNING_S)
    text = "".join(done.stdout.decode("ascii", "replace").splitlines())
    if done.returncode or _BEGIN not in text or _END not in text:
        raise ConfigError(f"expected a key that signs, got: {_said(done)}", where=f"--key {key}", hint=_advice(key))
    return base64.b64decode(text.partition(_BEGIN)[2].partition(_END)[0])


def _advice(key: Path) -> str:
    if key.suffix == ".pub":
        return "With a public key, its private key must be in the agent: `ssh-add`"
    return "A key with a passphrase must be in the agent (`ssh-add`, then --key KEY.pub) or typed in at a terminal"


def public_key(key: Path) -> bytes:
    """Return the public key of a key file, as SSH encodes it.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    beside = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    try:
        words = beside.read_text("utf-8").split() if beside.is_file() else []
        if not words:
            done = _run(["-y", "-f", str(key)], b"", _SIGNING_S)
            words = done.stdout.decode().split() if not done.returncode else []
        return base64.b64decode(words[1], validate=True)
    except (OSError, ValueError, IndexError):
        hint = "Give the path of a private key, or of the public key of one in the agent"
        raise ConfigError("expected a readable SSH key, got none", where=f"--key {key}", hint=hint) from None


def fingerprint(key: bytes) -> str:
    """Return the fingerprint of a public key, as ssh-keygen writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def principals_of(key: bytes, keys: Keys) -> tuple[str, ...]:
    """Return the principals a key is listed for, patterns left out.

    Raises:
        ConfigError: The file of keys is malformed.
    """
    lines = [each for each in parse_allowed_signers(keys.allowed, keys.where) if each.key == key]
    names = (name for line in lines for name in line.principals)
    return tuple(dict.fromkeys(name for name in names if not set(name) & set("*?!")))


def check(
    message: bytes, signature: bytes, principal: str, keys: Keys, *, then: dt.datetime, now: dt.datetime
) -> KeyCheck:
    """Return what there is to know about a signature.

    Args:
        message: The bytes it should be over.
        signature: Binary SSHSIG.
        principal: Who claims to have made it.
        keys: The keys that count.
        then: When it claims to have been made.
        now: The current time.

    Raises:
        ConfigError: ssh-keygen is missing, or the file of keys is malformed.
    """
    lines = parse_allowed_signers(keys.allowed, keys.where)
    key, namespace = _parts(signature)
    # A certificate is no key of its own: two of them over one key would pass for two people.
    listed = any(line.covers(principal) and line.key == key and not line.is_authority for line in lines)
    with tempfile.TemporaryDirectory(prefix="unrepeat-verify-") as scratch:
        files = _Files(Path(scratch), signature, keys)
        plain = ["-Y", "check-novalidate", "-n", namespace, "-s", files.signature]
        known = ["-Y", "verify", "-n", namespace, "-s", files.signature, "-f", files.allowed, "-I", principal]
        authentic = bool(namespace) and _accepts(plain, message)
        able = authentic and listed and bool(principal) and not principal.startswith("-")
        at_then, at_now = (["-O", f"verify-time={_time(moment)}"] for moment in (then, now))
        valid_then = able and _accepts([*known, *at_then], message)
        valid_now = able and _accepts([*known, *at_now], message)
        usable = at_now if valid_now else at_then
        unrevoked = not files.revoked or _accepts([*known, *usable, "-r", files.revoked], message)
    revoked = (valid_then or valid_now) and not unrevoked
    return KeyCheck(fingerprint(key), namespace, authentic, listed, valid_then, valid_now, revoked)


class _Files:
    """What ssh-keygen wants as files."""

    def __init__(self, folder: Path, signature: bytes, keys: Keys) -> None:
        self.signature, self.allowed = str(folder / "sig"), str(folder / "allowed")
        self.revoked = str(folder / "revoked") if keys.revoked is not None else ""
        text = base64.b64encode(signature).decode()
        lines = [text[start : start + 70] for start in range(0, len(text), 70)]
        Path(self.signature).write_text("\n".join([_BEGIN, *lines, _END, ""]))
        Path(self.allowed).write_bytes(keys.allowed)
        if keys.revoked is not None:
            Path(self.revoked).write_bytes(keys.revoked)


def _parts(signature: bytes) -> tuple[bytes, str]:
    """Return public key and namespace of a binary SSHSIG; empty where it is none (PROTOCOL.sshsig)."""
    if signature[:6] != b"SSHSIG":
        return b"", ""
    rest, fields = signature[10:], []
    for _ in range(2):
        size = int.from_bytes(rest[:4], "big")
        fields.append(rest[4 : 4 + size])
        rest = rest[4 + size :]
    try:
        return fields[0], fields[1].decode("ascii")
    except UnicodeDecodeError:
        return fields[0], ""


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y%m%d%H%M%S")


def _accepts(arguments: Sequence[str], message: bytes) -> bool:
    return _run(arguments, message, _CHECKING_S).returncode == 0


def _run(arguments: Sequence[str], message: bytes, patience_s: float) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise ConfigError(
            "expected the program ssh-keygen (OpenSSH 8.9 or later), got none", hint="Install the OpenSSH client"
        )
    alone = not sys.stdin.isatty()  # nobody is there to type a passphrase: fail instead of waiting on a terminal
    env = {**os.environ, "TZ": "UTC", **({"SSH_ASKPASS_REQUIRE": "never"} if alone else {})}
    try:
        return subprocess.run(
            [program, *arguments],
            input=message,
            capture_output=True,
            timeout=patience_s,
            env=env,
            start_new_session=alone,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(f"expected an answer of ssh-keygen within {patience_s:.0f} s, got none") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {done.returncode}"
