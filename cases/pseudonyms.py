"""Deterministic pseudonyms: the same value is the same token everywhere, for whoever has the tenant key.

    token = type "_" base32(HMAC-SHA256(key, type || 0x00 || canonical value))[:16]

Sixteen characters are 80 bits: among a million values two distinct ones share a token with a chance of 4e-13.
Lower-case letters, digits 2-7 and underscores only, so that a token stays one word, is valid inside JSON inside
JSON, and matches no pattern.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from .errors import ConfigError
from .files import write_atomic

KEY_BYTES = 32
TOKEN_LENGTH = 16
KEY_VARIABLE = "UNREPEAT_TENANT_KEY_FILE"


def default_key_path(environ: Mapping[str, str]) -> Path:
    """Return where the tenant key lies: outside of every repository.

    Args:
        environ: ``UNREPEAT_TENANT_KEY_FILE`` names the file; else ``XDG_CONFIG_HOME`` its folder's parent.
    """
    stated = environ.get(KEY_VARIABLE)
    if stated:
        return Path(stated).expanduser()
    config = environ.get("XDG_CONFIG_HOME")
    if config and os.path.isabs(config):
        return Path(config) / "unrepeat" / "tenant.key"
    try:
        return Path("~/.config/unrepeat/tenant.key").expanduser()
    except RuntimeError:  # no HOME, and nobody of this number in the list of users, as in containers
        raise ConfigError(
            "expected a home folder for the tenant key, got none",
            hint=f"Name the file with {KEY_VARIABLE}=/path/to/tenant.key",
        ) from None


def load_or_create_key(path: Path) -> bytes:
    """Return the tenant key, making one when there is none.

    Args:
        path: The key file; made with mode 0600 in a folder with mode 0700.

    Raises:
        ConfigError: The file is readable by others, a link, or not a key.
    """
    if not os.path.lexists(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, secrets.token_hex(KEY_BYTES).encode() + b"\n", mode=0o600)
    _check_private(path)
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) < KEY_BYTES:
        raise ConfigError(
            f"expected {KEY_BYTES} bytes in hexadecimal, got something else",
            where=str(path),
            hint="Restore the key: with another one, the same person becomes another token",
        )
    return key


def _check_private(path: Path) -> None:
    info = path.lstat()
    if not stat.S_ISREG(info.st_mode):
        raise ConfigError("expected a file, got a link or something else", where=str(path))
    # Windows has no such bits; there the file inherits the permissions of the user's folder.
    if os.name != "nt" and stat.S_IMODE(info.st_mode) & 0o077:
        raise ConfigError(
            f"expected a key that only its owner can read (mode 0600), got {stat.S_IMODE(info.st_mode):04o}",
            where=str(path),
            hint=f"chmod 600 {path}, and consider the key known to others",
        )


class Pseudonyms:
    """Makes tokens, and remembers them.

    Args:
        key: The tenant key, at least 16 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ConfigError(f"expected a tenant key of at least 16 bytes, got {len(key)}")
        self._key = key
        self._tokens: dict[tuple[str, str], str] = {}

    def token(self, kind: str, canonical: str) -> str:
        """Return the token of a value.

        Args:
            kind: Type of the value, ``[a-z][a-z0-9_]*``.
            canonical: The value in its canonical form.
        """
        known = self._tokens.get((kind, canonical))
        if known is None:
            text = f"{kind}\0{canonical}".encode("utf-8", "surrogatepass")
            digest = hmac.new(self._key, text, hashlib.sha256).digest()
            known = f"{kind}_{base64.b32encode(digest)[:TOKEN_LENGTH].decode().lower()}"
            self._tokens[kind, canonical] = known
        return known

    def collisions(self) -> list[str]:
        """Return tokens that stand for two distinct values; none, unless the key is broken."""
        seen: dict[str, str] = {}
        return [token for (_, value), token in self._tokens.items() if seen.setdefault(token, value) != value]
