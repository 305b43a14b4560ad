"""What a trace can prove, and what to add."""

import pytest

from unrepeat.cases.provability import prove_statement
from unrepeat.cases.trace import Approval, Document, ModelCall, Retrieval, ToolCall

from .test_completeness import FULL, trace


def text(sentences):
    return " ".join(sentences)


def test_without_a_trace_nothing_can_be_replayed():
    found = prove_statement([])
    assert (found.can, len(found.cannot)) == ((), 1)
    assert "unrepeat import" in found.add[0]


def test_full_trace_lacks_nothing():
    documents = Retrieval(documents=(Document(id="d", version="1"),))
    found = prove_statement([trace(*FULL, documents, timed=True, input={"q": 1}, output="done")])
    assert (found.cannot, found.add) == ((), ())


def test_every_gap_says_what_to_add():
    found = prove_statement([trace(ModelCall(output=(1,)))])
    assert len(found.cannot) == len(found.add) > 5


@pytest.mark.parametrize(
    ("view", "cannot", "add"),
    [
        (ModelCall(), "the input of the run is not recorded", "replay.input"),
        (ModelCall(), "Which documents were used cannot be judged", "gen_ai.retrieval.documents"),
        (ModelCall(output=(1,)), "What was executed cannot be judged", "execute_tool"),
        (ToolCall(name="x"), "results of tool calls are not recorded", "gen_ai.tool.call.result"),
        (ToolCall(name="x"), "no approval is recorded", "unrepeat.approval.decision"),
        (ToolCall(name="x"), "Which calls changed something cannot be told", "unrepeat.tool.effect"),
        (Retrieval(documents=(Document(id="d"),)), "out of date cannot be judged", "unrepeat.documents"),
        (Approval(decision="approve"), "on the screen cannot be judged", "shown_evidence"),
        (ModelCall(), "The prompt version that failed is not known", "unrepeat.prompt.version"),
        (ModelCall(), "Times are not recorded", "start and end times"),
    ],
)
def test_gap_names_what_to_emit(view, cannot, add):
    found = prove_statement([trace(view)])
    assert cannot in text(found.cannot)
    assert add in text(found.add)


def test_questions_that_do_not_arise_are_not_answered():
    found = prove_statement([trace(ModelCall(), input="q", output="a")])
    assert "approv" not in text(found.can + found.cannot)
