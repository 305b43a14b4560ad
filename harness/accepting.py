"""Accepting proposed assertions later: a draft becomes a case that asserts something; the rest of its text stays."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..cases.case import Case, load_case, read_case
from ..cases.errors import CaseError
from ..cases.evidence import CASE
from ..cases.files import editing
from ..cases.library import LoadedCase
from ..cases.strict_yaml import read_limited
from ..scorers.proposals import Proposal
from .case_text import assertion_lines

_DRAFT = re.compile(rb"^assert:[ \t]*\[[ \t]*\][ \t]*\r?\n(?:[ \t]+#[^\n]*\n)*", re.MULTILINE)
"""The empty list of a draft, with the proposals that stand below it in comments."""


def accept(loaded: LoadedCase, proposals: Sequence[Proposal], chosen: Sequence[int]) -> Case:
    """Put chosen proposals into a draft's case.yaml.

    Args:
        loaded: The draft.
        proposals: What is proposed for it.
        chosen: Indices of those a person accepts, at least one.

    Returns:
        The case as it now is.

    Raises:
        CaseError: The case asserts something already, or its `assert` is not the empty list that import writes.
    """
    path = loaded.folder.path / CASE
    with editing(loaded.folder.path) as edit:
        text = read_limited(path)
        lines = "\n".join(assertion_lines(proposals, chosen)) + "\n"
        replaced, found = _DRAFT.subn(lambda _: lines.encode(), text, count=1)
        if not found:
            raise CaseError(
                "expected `assert: []` to put the accepted assertions into, got something else",
                where=str(path),
                hint="Add them under `assert` yourself",
            )
        read_case(replaced, str(path))
        edit.write(CASE, replaced)
    return load_case(path)
