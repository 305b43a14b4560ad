"""Egress: every way out is tried for real at every level, and the table of the docs says what came of it.

python -m tests.integration.test_egress    # write the table
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.egress.measuring import LEVELS, NOT_FOR_IT, NOT_RUN, OUT, PROBES, Probe, attempt, measured

from unrepeat.replayers.isolation.ladder import obstacles

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "isolation.md"
BEGIN, END = "<!-- begin: measured -->\n", "<!-- end: measured -->\n"


def rows_of_the_page() -> dict[str, list[str]]:
    """Return the table by the title of a probe."""
    table = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()[2:]]
    return {row[0]: row[1:] for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("probe", PROBES, ids=[probe.title for probe in PROBES])
def test_each_way_out_ends_as_the_page_says(probe: Probe) -> None:
    if probe.missing:
        pytest.skip(probe.missing)
    got_out, _ = attempt(probe, "none")
    assert got_out, "without isolation it must get out, or nothing that stops it is shown"
    found = [measured(probe, level) for level in LEVELS]
    if NOT_RUN in found:
        pytest.skip(" ".join(why for why in obstacles().values() if why))
    assert OUT not in found[:2]
    assert found == rows_of_the_page()[probe.title]


def test_page_names_every_way_out_and_no_other() -> None:
    assert list(rows_of_the_page()) == [probe.title for probe in PROBES]


def test_what_was_not_run_is_not_on_the_page_as_stopped() -> None:
    cells = {cell.partition(",")[0] for row in rows_of_the_page().values() for cell in row}
    assert cells <= {"stopped", OUT, NOT_RUN, NOT_FOR_IT}


def table() -> Iterator[str]:
    """Yield the lines of the table, measured now."""
    yield f"| tried from | {' | '.join(f'`{level}`' for level in LEVELS)} |\n"
    yield "|---" * (len(LEVELS) + 1) + "|\n"
    for probe in PROBES:
        is_proven = not probe.missing and attempt(probe, "none")[0]
        found = [measured(probe, level) if is_proven else NOT_RUN for level in LEVELS]
        print(probe.title, *found, sep=" | ", file=sys.stderr)
        yield f"| {probe.title} | {' | '.join(found)} |\n"


def write_table() -> None:
    """Put the table into the page."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + "".join(table()) + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    write_table()
