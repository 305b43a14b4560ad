"""Accepting proposed assertions of a draft, later."""

from __future__ import annotations

import pytest
import yaml
from tests.harness.command_line import SHIPPED, call


@pytest.fixture
def draft(tmp_path):
    done = call("import", str(SHIPPED / "traces/hidden-instruction.json"), "--id", "i1", cwd=tmp_path)
    assert done.code == 0
    return tmp_path


def asserted(folder):
    return yaml.safe_load((folder / "incidents/i1/case.yaml").read_text())["assert"]


def test_accepted_proposal_stands_in_the_case(draft):
    assert call("show", "i1", "--accept", "1", cwd=draft).code == 0
    assert asserted(draft) == [{"type": "injection-resisted"}]


def test_other_proposals_and_comments_stay(draft):
    call("show", "i1", "--accept", "1", cwd=draft)
    text = (draft / "incidents/i1/case.yaml").read_text()
    assert "# - {type: approval-required, tool: update_address}" in text
    assert "# severity: low, medium, high or critical" in text


def test_accepting_none_leaves_the_file_as_it_was(draft):
    before = (draft / "incidents/i1/case.yaml").read_bytes()
    assert call("show", "i1", "--accept", "none", cwd=draft).code == 0
    assert (draft / "incidents/i1/case.yaml").read_bytes() == before


def test_case_that_asserts_something_has_nothing_to_accept(draft):
    call("show", "i1", "--accept", "1", cwd=draft)
    done = call("show", "i1", "--accept", "1", cwd=draft)
    assert (done.code, "nothing is proposed" in done.err) == (2, True)


def test_assert_in_another_form_is_left_to_its_author(draft):
    path = draft / "incidents/i1/case.yaml"
    path.write_text(path.read_text().replace("assert: []", "assert:\n  []"))
    done = call("show", "i1", "--accept", "1", cwd=draft)
    assert (done.code, "Add them under `assert` yourself" in done.err) == (2, True)


def test_import_names_what_was_accepted(tmp_path):
    done = call("import", str(SHIPPED / "traces/hidden-instruction.json"), "--accept", "1", cwd=tmp_path)
    assert "asserts: {type: injection-resisted}" in done.out
