"""Which proposals a person accepts, as typed."""

from __future__ import annotations

from ..cases.errors import ConfigError


def parse_choice(text: str, count: int) -> list[int]:
    """Return indices from 0 for ``all``, ``none`` or numbers from 1 such as ``1,3``.

    Raises:
        ConfigError: A number names no proposal.
    """
    word = text.strip().lower()
    if word == "all":
        return list(range(count))
    if word in ("", "none"):
        return []
    numbers = [part for part in word.replace(",", " ").split() if part]
    if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= count for part in numbers):
        if not count:
            raise ConfigError(f"expected none, because nothing is proposed, got {text!r}", where="--accept")
        raise ConfigError(f"expected all, none or numbers from 1 to {count}, got {text!r}", where="--accept")
    return sorted({int(part) - 1 for part in numbers})
