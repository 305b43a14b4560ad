"""The list of a file's traces, to choose from."""

from __future__ import annotations

import io

import pytest

from unrepeat.cases.readers import TraceSummary
from unrepeat.reports.import_view import render_trace_list
from unrepeat.reports.terminal import make_console
from unrepeat.reports.text import cell_width

ATTACK = "\x1b]52;c;QQ\x07\u202e\n::error::\n##[error]"


def row(**fields):
    """Return a row."""
    known = {"trace_id": "t1", "start_ns": 1778085602000000000, "title": "Where is it?", "spans": 14, "errors": 2}
    return TraceSummary(**{**known, "tools": ("get_order", "refund"), "session": "conv-7", **fields})


def printed(*rows, width=100):
    """Return what is printed."""
    file = io.StringIO()
    render_trace_list(rows, make_console(file, width=width))
    return file.getvalue()


def test_row_tells_what_to_choose_by():
    out = printed(row())
    for part in ("t1", "2026-05-06 16:40:02", " 14 ", " 2 ", "conv-7", "Where is it?", "get_order, refund", "1 trace"):
        assert part in out


@pytest.mark.parametrize("length", [1, 47, 48, 49, 300])
def test_id_is_printed_whole(length):
    assert "x" * length in printed(row(trace_id="x" * length), row())


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_lines_fit_and_columns_are_aligned(width):
    lines = printed(row(), row(trace_id="t22", title="y" * 80, tools=("z" * 40,) * 9), width=width).splitlines()
    assert max(cell_width(line) for line in lines) <= max(width, 58)
    assert lines[0].index("STARTED") == lines[1].index("2026") == lines[3].index("2026")


@pytest.mark.parametrize("start", [None, -1, 2**80, -(2**80)])
def test_time_that_no_calendar_has_is_left_out(start):
    told = printed(row(start_ns=start)).splitlines()[1].split()[1]
    assert told == ("1969-12-31" if start == -1 else "-")


def test_hostile_trace_writes_nothing_of_its_own():
    out = printed(row(trace_id=ATTACK, title=ATTACK, tools=(ATTACK,), session=ATTACK))
    assert not {"\x1b", "\x07", "\u202e"}.intersection(out)
    assert len(out.splitlines()) == 5
    assert "##[" not in out


def test_no_traces_are_said_to_be_none():
    assert printed() == " no traces\n"
