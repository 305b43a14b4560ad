"""The 14 evidence items, and where each was found."""

import pytest

from unrepeat.cases.case import read_case
from unrepeat.cases.completeness import completeness, share
from unrepeat.cases.trace import (
    Approval,
    Document,
    Evaluation,
    Guardrail,
    Message,
    ModelCall,
    Origin,
    Permission,
    Prompt,
    Retrieval,
    Session,
    Source,
    Span,
    ToolCall,
    Trace,
    Write,
)

MESSAGES = (
    Message(role="system", parts=({"type": "text", "content": "Be kind."},)),
    Message(role="assistant", parts=({"type": "tool_call", "name": "refund", "arguments": {}},)),
)
FULL = [
    ModelCall(
        provider="openai",
        request_model="m",
        params={"temperature": 0},
        prompt=Prompt(version="3"),
        input=(0,),
        output=(1,),
    ),
    Retrieval(documents=(Document(id="d1", version="2"),)),
    ToolCall(name="refund", arguments={}, result="ok", effect="write"),
    Permission(principal="agent", decision="allow"),
    Guardrail(name="limit", verdict="pass"),
    Approval(approver="Ada", decision="approve", shown_evidence=("order",)),
    Write(resource="order", after={}),
    Evaluation(name="thumbs", label="down"),
]


def trace(*given, timed=False, **fields):
    spans = tuple(
        Span(span_id=f"s{number}", view=view, start_ns=1 if timed else None, end_ns=2 if timed else None)
        for number, view in enumerate(given, 1)
    )
    return Trace(trace_id="t", source=Source(format="x"), spans=spans, messages=MESSAGES, **fields)


def states(*given, case=None, **fields):
    return {item.name.split()[0]: item.state for item in completeness([trace(*given, **fields)], case)}


def case(extra):
    return read_case(f"id: a\ntitle: b\nassert: []\n{extra}".encode(), "case.yaml")


def test_there_are_fourteen_items_whatever_the_trace():
    assert len(completeness([])) == len(completeness([trace(*FULL)])) == 14


def test_empty_case_misses_everything():
    assert {item.state for item in completeness([])} == {"missing"}
    assert share(completeness([])) == 0


def test_full_trace_and_case_have_everything():
    stated = case("affected: {users: 1}\ndetected_by: complaint\n")
    items = completeness([trace(*FULL, timed=True, input={"q": 1})], stated)
    assert [item.name for item in items if item.state != "present"] == []
    assert share(items) == 1


def test_found_items_name_their_spans():
    items = {item.name.split()[0]: item.where for item in completeness([trace(*FULL)])}
    assert (items["tool"], items["approval"]) == ("tool calls in s3", "approvals in s6")


def test_what_is_lacking_is_named():
    (item,) = [each for each in completeness([trace(ToolCall(name="x", arguments={}))]) if each.name.startswith("tool")]
    assert (item.state, item.where) == ("inferred", "tool calls in s1; without results")


@pytest.mark.parametrize(
    ("view", "item", "state"),
    [
        (ModelCall(input=(0,), output=(1,)), "system", "inferred"),
        (ModelCall(prompt=Prompt(version="3")), "system", "inferred"),
        (ModelCall(output=(1,)), "tool", "inferred"),
        (ModelCall(tool_definitions=({"name": "x"},)), "tool", "not applicable"),
        (ModelCall(), "tool", "missing"),
        (ModelCall(), "model,", "missing"),
        (ModelCall(request_model="m"), "model,", "inferred"),
        (Retrieval(documents=(Document(content="x"),)), "retrieved", "inferred"),
        (ToolCall(name="x", effect="read"), "approval", "not applicable"),
        (ToolCall(name="x", effect="read"), "downstream", "not applicable"),
        (ToolCall(name="x", effect="write"), "downstream", "inferred"),
        (ToolCall(name="x"), "downstream", "missing"),
        (ToolCall(name="x"), "approval", "missing"),
        (Approval(decision="approve"), "approval", "inferred"),
    ],
)
def test_partial_evidence_is_graded(view, item, state):
    assert states(view)[item] == state


def test_inferred_input_is_inferred():
    origin = {"input": Origin(kind="inferred", note="last user message")}
    assert states(input="q", origins=origin)["user"] == "inferred"
    assert states(input="q")["user"] == "present"


def test_session_lets_the_affected_user_be_inferred():
    assert states(session=Session(user_id="u1"))["affected"] == "inferred"


def test_inapplicable_items_do_not_count():
    items = completeness([trace(ToolCall(name="x", arguments={}, result="r", effect="read"))])
    assert share(items) == 1 / 12


def test_item_is_a_plain_mapping_for_reports():
    assert completeness([])[0].as_dict() == {"name": "user request or business event", "state": "missing", "where": ""}
