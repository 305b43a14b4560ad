"""The file ``allowed_signers`` of OpenSSH: which keys belong to which principal.

``ssh-keygen`` decides whether a signature is good. This module only finds the line of a key, to say who signs with it
and to tell a stranger's key from a known one that is out of date; and it refuses a line that ssh-keygen would skip.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from ..cases.errors import ConfigError

_KEY_TYPE = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+")
_FIELD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+')


@dataclass(frozen=True, slots=True)
class AllowedKey:
    """One line."""

    principals: tuple[str, ...]
    """Patterns with ``*`` and ``?``; a leading ``!`` excludes."""
    options: str
    key: bytes
    """The public key as SSH encodes it."""

    @property
    def is_authority(self) -> bool:
        """Whether it is the key of an authority that certifies others."""
        return "cert-authority" in self.options

    def covers(self, principal: str) -> bool:
        """Tell whether a principal is one of this line's."""
        if any(_matches(principal, each[1:]) for each in self.principals if each.startswith("!")):
            return False
        return any(_matches(principal, each) for each in self.principals)


def parse_allowed_signers(data: bytes, where: str) -> tuple[AllowedKey, ...]:
    """Return the keys of a file.

    Raises:
        ConfigError: A line is not a principal and a key; names the line.
    """
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        raise ConfigError("expected text, got something else", where=where) from None
    stripped = ((number, line.strip()) for number, line in enumerate(lines, 1))
    return tuple(_line(line, f"{where}:{number}") for number, line in stripped if line and line[0] != "#")


def _line(line: str, where: str) -> AllowedKey:
    fields = _FIELD.findall(line)
    at = next((index for index, field in enumerate(fields[1:3], 1) if _KEY_TYPE.fullmatch(field)), None)
    if at is None or len(fields) <= at + 1:
        raise _malformed(where, "no key")
    try:
        key = base64.b64decode(fields[at + 1], validate=True)
    except (binascii.Error, ValueError):
        raise _malformed(where, "a key that is not base64") from None
    name = fields[at].encode()
    if key[:4] != len(name).to_bytes(4, "big") or key[4 : 4 + len(name)] != name:
        raise _malformed(where, f"a key that is no {fields[at]}")
    return AllowedKey(tuple(fields[0].strip('"').split(",")), fields[1] if at == 2 else "", key)


def _malformed(where: str, got: str) -> ConfigError:
    return ConfigError(
        f"expected a principal and a public key, got {got}",
        where=where,
        hint="Write: ada@example.org ssh-ed25519 AAAA…",
    )


def _matches(text: str, pattern: str) -> bool:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text) is not None
