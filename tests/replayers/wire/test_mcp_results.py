"""What a recorded tool answered, as an MCP tool result."""

from __future__ import annotations

import json

import mcp_types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.replayers.wire.mcp_results import recorded_result, tool_error, tool_result

TEXT = {"type": "text", "text": "paid"}
IMAGE = {"type": "image", "data": "aGk=", "mimeType": "image/png"}
RESOURCE = {"type": "resource", "resource": {"uri": "file:///a", "text": "a"}, "annotations": {"priority": 1}}


@pytest.mark.parametrize(
    "recorded",
    [
        {"content": [TEXT, IMAGE, RESOURCE], "isError": False},
        {"content": [TEXT], "structuredContent": {"status": "paid"}, "_meta": {"trace": 1}},
        {"content": [], "structuredContent": {"rows": []}},
        {"content": [], "isError": True},
    ],
)
def test_recorded_mcp_result_is_handed_on_as_it_is(recorded):
    assert tool_result(recorded) == recorded


def test_recorded_content_alone_is_the_content_of_a_result():
    assert tool_result([TEXT, IMAGE]) == {"content": [TEXT, IMAGE]}
    assert tool_result(TEXT) == {"content": [TEXT]}


def test_result_as_the_python_sdk_dumps_it_goes_out_as_it_came_in():
    result = mcp_types.CallToolResult(
        content=[mcp_types.ImageContent(type="image", data="aGk=", mime_type="image/png")], structured_content={"a": 1}
    )
    sent = tool_result(result.model_dump(mode="json"))
    assert sent["content"] == [IMAGE]
    assert (sent["structuredContent"], sent["isError"]) == ({"a": 1}, False)


def test_json_answer_is_text_in_its_recorded_spelling():
    assert tool_result({"cents": 1.50}, '{"cents": 1.50}') == {"content": [{"type": "text", "text": '{"cents": 1.50}'}]}


@pytest.mark.parametrize(("value", "said"), [("paid", "paid"), (["é", 1], '["é",1]'), (False, "false"), (0, "0")])
def test_answer_without_recorded_text_is_spelled_as_json(value, said):
    assert tool_result(value)["content"] == [{"type": "text", "text": said}]


@pytest.mark.parametrize(
    "value",
    [
        {"content": [{"type": "text"}]},
        {"content": [{"type": "invoice", "text": "x"}]},
        {"content": []},
        {"content": "paid"},
        [],
        [{"type": ["text"], "text": "x"}],
    ],
)
def test_answer_that_only_resembles_mcp_content_is_an_answer_like_any_other(value):
    assert [block["type"] for block in tool_result(value)["content"]] == ["text"]


def test_answer_of_a_tool_with_an_output_schema_is_structured_too():
    order = {"outputSchema": {"type": "object", "properties": {"status": {}}}}
    wrapped = {"outputSchema": {"type": "object", "properties": {"result": {}}}}
    assert tool_result({"status": "paid"}, tool=order)["structuredContent"] == {"status": "paid"}
    assert tool_result([1, 2], tool=wrapped)["structuredContent"] == {"result": [1, 2]}
    assert tool_result({"result": 3}, tool=wrapped)["structuredContent"] == {"result": 3}
    assert "structuredContent" not in tool_result("paid", tool=order)
    assert "structuredContent" not in tool_result({"status": "paid"}, tool={"name": "get_order"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "text", "content", "a"]), inner),
    max_leaves=20,
)


@given(JSON)
def test_any_answer_is_a_valid_result_that_says_the_same(value):
    sent = tool_result(value)
    mcp_types.CallToolResult.model_validate(sent)
    if value is not None and not isinstance(value, str) and recorded_result(value) is None:
        assert json.loads(sent["content"][0]["text"]) == value


def test_results_are_valid_for_the_protocol():
    for sent in (tool_result("paid"), tool_result({"a": 1}), tool_result(None), tool_error("no stock")):
        mcp_types.CallToolResult.model_validate(sent)
    assert tool_error("no stock") == {"content": [{"type": "text", "text": "no stock"}], "isError": True}
