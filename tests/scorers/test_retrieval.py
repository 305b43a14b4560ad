"""What was retrieved."""

import pytest

from unrepeat.cases.errors import ScorerError
from unrepeat.cases.trace import Document

from .traces import Recording, holds, scorer, violations

OLD = Document(id="kb-1", version="2", status="superseded", updated_at="2025-01-10", content="60 days")
NEW = Document(id="kb-2", version="3", status="current", updated_at="2026-02-01T00:00:00Z", content="30 days")


def retrieved(*documents, **fields):
    return Recording().call("before").retrieves(*documents, **fields)


def test_document_that_must_not_be_retrieved_is_found():
    (found,) = violations(retrieved(NEW, OLD), type="retrieved", not_={"status": "superseded"})
    assert found.span_ids == ("s2",)
    assert "kb-1 (version 2)" in found.reason


def test_not_retrieved_says_the_same():
    assert not holds(retrieved(OLD), type="not-retrieved", status="superseded")
    assert holds(retrieved(NEW), type="not-retrieved", status="superseded")


def test_label_in_another_case_is_the_same_label():
    shouted = Document(id="kb-1", status="Superseded ")
    assert not holds(retrieved(shouted), type="not-retrieved", status="superseded")


def test_every_field_given_must_match():
    assert holds(retrieved(OLD), type="not-retrieved", status="superseded", id="kb-2")


def test_document_that_does_not_state_its_status_cannot_pass():
    with pytest.raises(ScorerError, match="cannot tell"):
        violations(retrieved(Document(id="kb-3")), type="not-retrieved", status="superseded")


def test_document_that_differs_in_a_stated_field_passes_without_the_others():
    assert holds(retrieved(Document(id="kb-3")), type="not-retrieved", status="superseded", id="kb-1")


def test_absence_of_a_field_can_be_asked_for():
    assert not holds(retrieved(Document(id="kb-3")), type="not-retrieved", status={"exists": False})


def test_nothing_retrieved_holds_and_is_remarked():
    found = scorer(type="not-retrieved", status="superseded")
    trace = Recording().trace()
    assert found.find(trace) == ()
    assert found.remark is not None
    assert found.remark(trace) == "nothing was retrieved at all"


def test_nothing_retrieved_breaks_what_is_required():
    (found,) = violations(Recording(), type="retrieved", id="kb-2")
    assert found.reason == "nothing was retrieved"


def test_required_document_names_what_came_instead():
    (found,) = violations(retrieved(OLD), type="retrieved", id="kb-2")
    assert "kb-1" in found.reason


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"id": "kb-2"}, True),
        ({"id": "chunk-7"}, True),
        ({"version": 3}, True),
        ({"version": {"gte": 4}}, False),
        ({"content": "30 days"}, True),
        ({"content": {"regex": "^30"}}, True),
        ({"status": {"in": ["current", "draft"]}}, True),
        ({"data_source": "policies"}, True),
        ({"fresh_as_of": "2026-01-01"}, True),
        ({"fresh_as_of": "2026-03-01T00:00:00+02:00"}, False),
        ({"trust": "high"}, False),
        ({"id": "kb-2", "min": 2}, False),
    ],
)
def test_required_fields(fields, held):
    document = Document(
        id="kb-2", chunk_id="chunk-7", version="3", status="current", updated_at="2026-02-01", content="30 days"
    )
    assert holds(retrieved(document, data_source="policies"), type="retrieved", **fields) is held


def test_properties_follow_the_direction():
    assert scorer(type="retrieved", id="x").property == "liveness"
    assert scorer(type="retrieved", not_={"id": "x"}).property == "safety"
