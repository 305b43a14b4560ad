"""Results as a table, and what changed between two of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
from tests.reports.samples import cannot_judge, fixed, still_failing

from unrepeat.harness.history import changes, results_table
from unrepeat.harness.results import save


def at(verdict, minute: int):
    moment = dt.datetime(2026, 5, 4, 9, minute, tzinfo=dt.UTC)
    return msgspec.structs.replace(
        verdict, run_id=f"run-{minute}", created_at=moment.strftime("%Y-%m-%dT%H:%M:%SZ"), case_id="inc-1"
    )


def test_each_kept_result_is_a_row_oldest_first(tmp_path: Path):
    for verdict, minute in ((fixed(), 2), (still_failing(), 1)):
        save(tmp_path, at(verdict, minute))
    table = results_table(tmp_path)
    assert list(table["verdict"]) == ["still_failing", "fixed"]


def test_no_results_are_an_empty_table_with_its_columns(tmp_path: Path):
    table = results_table(tmp_path)
    assert (len(table), "verdict" in table.columns) == (0, True)


def test_results_that_differ_only_in_their_run_have_no_changes():
    assert changes(at(fixed(), 1), at(fixed(), 2)) == {}


def test_changed_verdict_is_named_with_both_words():
    found = changes(at(cannot_judge(), 1), at(fixed(), 2))["values_changed"]["root['verdict']"]
    assert (found["old_value"], found["new_value"]) == ("cannot_judge", "fixed")
