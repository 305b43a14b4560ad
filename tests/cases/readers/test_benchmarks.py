"""Runs of AgentDojo, tau-bench and Who&When."""

import json
from typing import Any

from unrepeat.cases.readers import read_traces
from unrepeat.cases.trace import ModelCall, ToolCall

from .files import CHAT, only, rebuilt, write

DOJO_CALL = {"function": "send_money", "args": {"amount": 5}, "id": ""}
DOJO: dict[str, Any] = {
    "suite_name": "banking",
    "pipeline_name": "gpt-4o-tool_filter",
    "user_task_id": "user_task_1",
    "injection_task_id": None,
    "attack_type": None,
    "injections": {},
    "messages": [
        {"role": "user", "content": "Pay"},
        {"role": "assistant", "content": None, "tool_calls": [DOJO_CALL]},
        {"role": "tool", "content": "", "tool_call_id": None, "tool_call": DOJO_CALL, "error": "ValueError: no"},
    ],
    "error": None,
    "utility": True,
    "security": False,
    "duration": 1.5,
}
TAU = {"task_id": 3, "trial": 1, "reward": 0.0, "info": {"source": "user"}, "traj": CHAT}
WHO = {
    "question": "How many?",
    "question_ID": "q-1",
    "mistake_agent": "Expert",
    "mistake_step": "1",
    "history": [
        {"role": "assistant", "name": "Expert", "content": "Run this"},
        {"role": "user", "name": "Computer_terminal", "content": "exitcode: 1 (execution failed)\nCode output: x"},
        {"role": "user", "name": "Checker", "content": "It failed"},
    ],
    "system_prompt": {"Checker": "You check."},
}


def test_an_agentdojo_run_is_named_by_pipeline_and_tasks(tmp_path):
    trace = only(write(tmp_path, DOJO, indent=4))
    assert trace.trace_id == "gpt-4o-tool_filter/banking/user_task_1/none/none"
    assert trace.source.format == "agentdojo"


def test_agentdojo_labels_are_kept_apart(tmp_path):
    trace = only(write(tmp_path, DOJO))
    assert trace.labels == {key: value for key, value in DOJO.items() if key != "messages"}


def test_the_model_of_an_agentdojo_run_is_inferred_from_the_pipeline(tmp_path):
    span, call = next(only(write(tmp_path, DOJO)).views(ModelCall))
    assert call.request_model == "gpt-4o"
    assert span.origins["request_model"].kind == "inferred"


def test_an_agentdojo_tool_error_is_kept(tmp_path):
    span, call = next(only(write(tmp_path, DOJO)).views(ToolCall))
    assert (call.name, call.arguments, call.error, span.parent_id) == (
        "send_money",
        {"amount": 5},
        "ValueError: no",
        "s1",
    )


def test_tau_bench_records_are_traces_with_their_labels(tmp_path):
    path = write(tmp_path, [TAU, {**TAU, "task_id": 4}], indent=2)
    first, second = read_traces(path)
    assert (first.trace_id, second.trace_id) == ("task-3-trial-1", "task-4-trial-1")
    assert first.labels == {key: value for key, value in TAU.items() if key != "traj"}
    assert json.loads(rebuilt(second))["task_id"] == 4


def test_every_entry_of_a_whoandwhen_history_is_one_span(tmp_path):
    trace = only(write(tmp_path, WHO, indent=4))
    assert [span.operation for span in trace.spans] == ["chat", "execute_code", "chat"]
    assert trace.spans[1].error == "exitcode: 1 (execution failed)"


def test_whoandwhen_authors_are_taken_from_the_name(tmp_path):
    trace = only(write(tmp_path, WHO))
    checker = trace.spans[2]
    assert trace.outputs(checker.view)[0].name == "Checker"
    assert checker.view.system_instructions[0]["content"] == "You check."
    assert checker.origins["output"].kind == "inferred"


def test_a_whoandwhen_question_is_the_observed_input(tmp_path):
    trace = only(write(tmp_path, WHO))
    assert trace.input == "How many?"
    assert "input" not in trace.origins
    assert trace.labels == {"question_ID": "q-1", "mistake_agent": "Expert", "mistake_step": "1"}
