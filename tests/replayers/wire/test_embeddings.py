"""Embeddings: recorded vectors, in the encoding that was asked for."""

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import openai
import pytest
from tests.replayers.wire.served import served

from unrepeat.cases.errors import CaseError
from unrepeat.cases.trace import Source, Span, ToolCall, Trace
from unrepeat.replayers.playback import Modes

VECTORS = [[0.25, -1.5], [3.0, 0.1]]
RESPONSE = {"data": [{"embedding": vector, "index": index} for index, vector in enumerate(VECTORS)], "model": "e1"}
ASKED = {"input": ["one", "two"], "model": "e1"}


def trace(**attributes: Any) -> Trace:
    """Return a trace with one embeddings span."""
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    span = Span(span_id="s1", operation="embeddings", attributes=named)
    return Trace(trace_id="t", source=Source(format="test"), spans=(span,))


RECORDED = trace(unrepeat__arguments=ASKED, unrepeat__result=RESPONSE)


def test_recorded_vectors_are_served_in_any_order_and_number() -> None:
    with served(RECORDED) as desk:
        client = desk.openai()
        both = client.embeddings.create(input=["two", "one"], model="e1", encoding_format="float")
        one = client.embeddings.create(input="one", model="e1")
        assert [each.embedding for each in both.data] == [VECTORS[1], VECTORS[0]]
        assert one.data[0].embedding == VECTORS[0]
        assert desk.playback.events == []


def test_base64_is_served_where_it_is_asked_for() -> None:
    with served(RECORDED) as desk:
        body = httpx.post(f"{desk.root}/v1/embeddings", json={**ASKED, "encoding_format": "base64"}).json()
    data = base64.b64decode(body["data"][0]["embedding"])
    assert list(struct.unpack("<2f", data)) == VECTORS[0]


@pytest.mark.parametrize(
    "recorded",
    [
        trace(unrepeat__arguments=ASKED, unrepeat__result=VECTORS),
        trace(input__value='{"input": ["one", "two"]}', output__value={"data": RESPONSE["data"]}),
        trace(
            **{
                "embedding.embeddings.0.embedding.text": "one",
                "embedding.embeddings.0.embedding.vector": VECTORS[0],
                "embedding.model_name": "e1",
            }
        ),
        trace(
            unrepeat__arguments={"input": "one"},
            unrepeat__result={"data": [{"embedding": base64.b64encode(struct.pack("<2f", *VECTORS[0])).decode()}]},
        ),
    ],
    ids=["list of vectors", "request and response as text", "OpenInference", "base64"],
)
def test_vectors_are_found_however_they_were_recorded(recorded: Trace) -> None:
    with served(recorded) as desk:
        assert desk.openai().embeddings.create(input="one", model="e1").data[0].embedding == VECTORS[0]


@pytest.mark.parametrize(
    "asked", [{"input": "three", "model": "e1"}, {"input": "one", "model": "e2"}, {**ASKED, "dimensions": 3}]
)
def test_vector_that_was_not_recorded_is_a_miss(asked: dict) -> None:
    with served(RECORDED) as desk:
        with pytest.raises(openai.UnprocessableEntityError, match="none of this text and model"):
            desk.openai().embeddings.create(**asked)
        assert desk.calls.stopped.is_set()
        assert [each.grade for each in desk.playback.divergences] == ["unrecorded_call"]


def test_recording_without_vectors_says_so() -> None:
    miss = pytest.raises(openai.UnprocessableEntityError, match="no vector of any text")
    with served(trace(unrepeat__arguments=ASKED)) as desk, miss:
        desk.openai().embeddings.create(input="one", model="e1")


def test_vectors_may_be_stated_in_the_case() -> None:
    with served(trace(), Modes(static={"tool:embeddings": [VECTORS[0]]})) as desk:
        assert desk.openai().embeddings.create(input="one", model="e1").data[0].embedding == VECTORS[0]


def test_live_tool_that_nobody_asks_is_a_fault() -> None:
    with served(RECORDED, Modes(live=frozenset({"tool"}))) as desk:
        with pytest.raises(openai.UnprocessableEntityError, match="recorded or stated, never made"):
            desk.openai().embeddings.create(input="three", model="e1")
        assert len(desk.calls.faults) == 1
        assert not desk.playback.is_open(1)


@pytest.mark.parametrize("stated", [None, "none", {"data": []}, [], [VECTORS[0]] * 2, [VECTORS[0], "x"]])
def test_stated_answer_without_the_vectors_asked_for_is_a_mistake_in_the_case(stated: Any) -> None:
    with served(trace(), Modes(static={"tool:embeddings": stated})) as desk:
        with pytest.raises(openai.UnprocessableEntityError, match=r"case\.yaml"):
            desk.openai().embeddings.create(input="one", model="e1")
        assert isinstance(desk.calls.failed, CaseError)
        assert desk.calls.stopped.is_set()


def test_recorded_tool_of_that_name_without_vectors_is_a_fault() -> None:
    view = ToolCall(name="embeddings", arguments={"input": "one", "model": "e1"}, result="done")
    recorded = Trace(trace_id="t", source=Source(format="test"), spans=(Span(span_id="s1", view=view),))
    with served(recorded) as desk:
        asked = {"input": "one", "model": "e1"}
        assert httpx.post(f"{desk.root}/v1/embeddings", json=asked).status_code == 422
        assert "expected 1 vectors" in desk.calls.faults[0]


@pytest.mark.parametrize("given", [{}, {"input": []}, {"input": 3}, {"input": ["a", 1]}])
def test_request_without_a_text_is_a_fault(given: dict) -> None:
    with served(RECORDED) as desk:
        assert httpx.post(f"{desk.root}/v1/embeddings", json={"model": "e1", **given}).status_code == 400
        assert len(desk.calls.faults) == 1
