"""What a recorded tool answered, as an MCP tool result."""

from __future__ import annotations

import mcp_types
import pytest

from unrepeat.replayers.wire.mcp_results import tool_error, tool_result

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


def test_results_are_valid_for_the_protocol():
    for sent in (tool_result("paid"), tool_result({"a": 1}), tool_result(None), tool_error("no stock")):
        mcp_types.CallToolResult.model_validate(sent)
    assert tool_error("no stock") == {"content": [{"type": "text", "text": "no stock"}], "isError": True}
