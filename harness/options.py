"""Values of command-line options that need more than click to be understood."""

from __future__ import annotations

from collections.abc import Sequence

from ..cases.errors import ConfigError


def overrides(pairs: Sequence[str]) -> dict[str, str]:
    """Return ``--set`` values as a mapping.

    Raises:
        ConfigError: A value is not ``COMPONENT=FILE|VALUE``, or a component is given twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise ConfigError(f"expected COMPONENT=FILE or COMPONENT=VALUE, got {pair!r}", where="--set")
        if name in found:
            raise ConfigError(f"expected each component once, got {name!r} twice", where="--set")
        found[name] = value
    return found
