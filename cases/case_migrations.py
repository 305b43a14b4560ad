"""Converters of older case.yaml formats, one step each.

The format has its own version, apart from the release. A change of format N adds ``convert_N_M`` to
``CONVERTERS`` and an old file to the tests.
"""

from __future__ import annotations

from .migrations import Converter, Document, convert

CASE_FORMAT = 1
CONVERTERS: dict[int, Converter] = {}


def to_current(document: Document, where: str) -> Document:
    """Return a case document in the current format; a missing ``format`` means the current one.

    Raises:
        CaseError: The format is unknown or newer.
    """
    return convert(document, "format", CASE_FORMAT, CONVERTERS, where, default=CASE_FORMAT)
