"""The schemas that editors use."""

import json

import jsonschema
import pytest

from unrepeat.cases import strict_yaml, trace_file
from unrepeat.cases.schema import case_schema, trace_schema

from .case_samples import document
from .test_case import FULL


def errors_of(text):
    value = strict_yaml.parse(text.encode(), "case.yaml")
    return list(jsonschema.Draft202012Validator(case_schema()).iter_errors(value))


@pytest.mark.parametrize("schema", [case_schema, trace_schema])
def test_schema_is_valid_draft_2020_12(schema):
    jsonschema.Draft202012Validator.check_schema(schema())


def test_schema_accepts_a_full_case():
    assert errors_of(FULL) == []


@pytest.mark.parametrize(
    "text",
    [
        "id: a\ntitle: b\n",
        "id: a\ntitle: b\nassert: []\ntitel: c\n",
        "id: ../a\ntitle: b\nassert: []\n",
        "id: a\ntitle: b\nassert: [{type: x}]\n",
    ],
)
def test_schema_refuses_what_loading_refuses(text):
    assert errors_of(text)


def test_every_key_has_a_description():
    schema = case_schema()
    for name, definition in [("case", schema), *schema["$defs"].items()]:
        bare = [
            key for key, each in definition.get("properties", {}).items() if "description" not in each and key != "type"
        ]
        assert not bare, f"{name}: {bare}"


def test_trace_schema_accepts_what_is_written():
    jsonschema.validate(json.loads(trace_file.encode(document())), trace_schema())
