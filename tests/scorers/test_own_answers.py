"""A program that runs a tool by itself, where nobody sees it, is not taken for one that does not run it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.replayers.programs import DESK, GUARDED, replayed_command
from tests.replayers.recordings import refund_trace

from unrepeat.scorers.own_answers import own_answers

BY_ITSELF = '    return {{"get_order": "paid 10", "refund": {refund!r}}}[name]'


def desk(refund: str, only: str = "") -> str:
    """Return a desk that answers its tools by itself."""
    line = BY_ITSELF.format(refund=refund)
    rest = f'    if name != "{only}": return tool(name, arguments)\n' if only else ""
    return DESK.replace("    return tool(name, arguments)", rest + line)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (DESK, []),
        (desk("refunded 0"), [("get_order", True), ("refund", True)]),
        (desk("refunded 0", only="refund"), [("refund", True)]),
        (desk("ref_9", only="refund"), [("refund", False)]),
        (GUARDED, [("refund", False)]),
    ],
)
def test_answers_that_nobody_was_asked_for_are_found(tmp_path, program, expected):
    replay = replayed_command(tmp_path, program)
    assert own_answers(refund_trace(), replay) == expected


def test_callables_have_none(tmp_path):
    replay = replace(replayed_command(tmp_path, GUARDED), replayer="python")
    assert own_answers(refund_trace(), replay) == []
