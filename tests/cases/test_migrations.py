"""The chain of format converters."""

import pytest

from unrepeat.cases.errors import CaseError
from unrepeat.cases.migrations import convert


def convert_1_2(document):
    return {**document, "title": document["name"]}


def convert_2_3(document):
    return {**document, "title": document["title"].upper()}


CHAIN = {1: convert_1_2, 2: convert_2_3}


def test_old_document_goes_through_every_step():
    found = convert({"format": 1, "name": "a"}, "format", 3, CHAIN, "x")
    assert (found["format"], found["title"]) == (3, "A")


def test_current_document_is_left_alone():
    document = {"format": 3}
    assert convert(document, "format", 3, CHAIN, "x") is document


def test_absent_version_is_the_default():
    assert convert({"title": "a"}, "format", 3, CHAIN, "x", default=2)["title"] == "A"


@pytest.mark.parametrize(
    ("version", "message"),
    [(4, "3 or older"), (0, "from 1 to 3"), ("1", "from 1 to 3"), (True, "from 1"), (None, "from 1")],
)
def test_unknown_version_is_refused(version, message):
    with pytest.raises(CaseError, match=message):
        convert({"format": version}, "format", 3, CHAIN, "x")


def test_missing_step_is_refused():
    with pytest.raises(CaseError, match="can be converted"):
        convert({"format": 1}, "format", 3, {2: convert_2_3}, "x")
