"""Versions of file formats, and the chain of converters from older ones.

Each format counts its versions as integers, apart from the release of the package. A file of version N is
read by running ``convert_N_M`` for each step up to the current version; a newer one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import CaseError
from .trace import TRACE_FORMAT

Document = dict[str, Any]
Converter = Callable[[Document], Document]

TRACE_CONVERTERS: dict[int, Converter] = {}
"""By the version they start from. ``convert_1_2`` would stand under 1."""


def convert(
    document: Document,
    key: str,
    current: int,
    converters: Mapping[int, Converter],
    where: str,
    *,
    default: int | None = None,
) -> Document:
    """Return a document in the current version of its format.

    Args:
        document: The parsed file.
        key: The key that holds the version.
        current: The version this release reads.
        converters: One step each, by the version they start from.
        where: What to call the file in errors.
        default: The version of a document that does not state one; it must state one when None.

    Raises:
        CaseError: The version is missing, not a positive integer, newer, or has no converter.
    """
    version = document.get(key, default)
    if type(version) is not int or version < 1:
        raise CaseError(f"expected {key} to be a version from 1 to {current}, got {version!r}", where=where)
    if version > current:
        raise CaseError(
            f"expected {key} {current} or older, got {version}", where=where, hint="Update unrepeat to read it"
        )
    while version < current:
        if version not in converters:
            raise CaseError(f"expected a format that can be converted, got {key} {version}", where=where)
        document = converters[version](document)
        version += 1
        document = {**document, key: version}
    return document


def trace_to_current(document: Document, where: str) -> Document:
    """Return the content of a trace.json in the current format."""
    return convert(document, "format", TRACE_FORMAT, TRACE_CONVERTERS, where)
