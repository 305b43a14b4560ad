"""The schemas that editors use, against the files they are for."""

from __future__ import annotations

import json

import jsonschema
import pytest

from unrepeat.cases import strict_yaml

from .command_line import SHIPPED, call, desk

CASES = sorted((SHIPPED / "incidents").glob("*/case.yaml"))


def schema(document, folder):
    """Return a schema as the command prints it."""
    found = call("schema", document, cwd=folder).json
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def as_editors_read(path):
    """Return a document as YAML 1.2 has it, in which times are text."""
    return strict_yaml.parse(path.read_bytes(), path.name)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_shipped_case_is_valid(tmp_path, path):
    schema("case", tmp_path).validate(as_editors_read(path))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_shipped_trace_is_valid(tmp_path, path):
    schema("trace", tmp_path).validate(json.loads(path.with_name("trace.json").read_bytes()))


@pytest.mark.parametrize("key", ["tilte", "asserts", "ownerss", "Title"])
def test_misspelt_key_is_rejected(tmp_path, key):
    case = as_editors_read(CASES[0]) | {key: "x"}
    assert not schema("case", tmp_path).is_valid(case)


def test_misspelt_key_of_an_assertion_is_rejected(tmp_path):
    case = as_editors_read(CASES[0])
    case["assert"][0]["toool"] = "x"
    assert not schema("case", tmp_path).is_valid(case)


def test_result_is_valid(tmp_path):
    project = desk(tmp_path / "desk")
    result = call("prove", "inc-blind-approval", "--candidate", "v2", "--json", cwd=project).json
    schema("result", tmp_path).validate(result)


def test_imported_draft_is_valid_and_names_the_schema(tmp_path):
    call("init", cwd=tmp_path)
    call("import", SHIPPED / "traces/wrong-account.json", "--id", "i1", cwd=tmp_path)
    path = tmp_path / "incidents/i1/case.yaml"
    named = path.read_text().splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    written = json.loads((tmp_path / "incidents/i1" / named).read_bytes())
    jsonschema.Draft202012Validator(written).validate(as_editors_read(path))


def test_schema_is_written_to_a_file(tmp_path):
    done = call("schema", "case", "--out", "new/case.schema.json", cwd=tmp_path)
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "new/case.schema.json").read_text() == call("schema", cwd=tmp_path).out
