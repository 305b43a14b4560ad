"""Replays recorded runs with the peers, each in the interpreter it is installed in; `benchmarks.replay` starts this.

The work is the same everywhere: read a run, make its ten model calls and nine tool calls again, compare every request
with the recorded one, check that no refund of a forbidden order was made and that the answer does not match a
pattern, write one JSON line with the outcome. Every peer runs on its fastest options that do so.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import importlib.util
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trajectories import BAD_ORDER, BUFFER, PATTERN

Run = dict[str, Any]


def recorded(folder: Path) -> Iterator[Run]:
    """Yield the recorded runs, one line at a time."""
    with (folder / "conversations.jsonl").open("rb", BUFFER) as lines:
        for line in lines:
            yield json.loads(line)


def is_good(calls: list[tuple[str, dict[str, Any]]], answer: str, search: Callable[[str], Any]) -> bool:
    """Apply both checks."""
    refunded = any(name == "issue_refund" and arguments["order_id"] == BAD_ORDER for name, arguments in calls)
    return not refunded and search(answer) is None


def calls_of(message: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    functions = [call["function"] for call in message.get("tool_calls", ())]
    return [(function["name"], json.loads(function["arguments"])) for function in functions]


def bare_loop(folder: Path, results: Any) -> Iterator[bool]:
    """No peer: what a program of fifty lines does, with orjson and SHA-256 over each whole request."""
    import orjson

    search = re.compile(PATTERN).search
    key = lambda value: hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()  # noqa: E731
    with (folder / "conversations.jsonl").open("rb", BUFFER) as lines:
        for line in lines:
            run = orjson.loads(line)
            messages, keys, same, calls = run["messages"], iter(run["keys"]), True, []
            for index, message in enumerate(messages):
                if message["role"] != "assistant":
                    continue
                request = {"model": run["model"], "params": run["params"], "messages": messages[:index]}
                same = same and key(request) == next(keys)
                for call in message.get("tool_calls", ()):
                    arguments = orjson.loads(call["function"]["arguments"])
                    same = same and key([call["function"]["name"], arguments]) == next(keys)
                    calls.append((call["function"]["name"], arguments))
            good = is_good(calls, messages[-1]["content"], search)
            results.write(orjson.dumps({"id": run["id"], "same": same, "good": good}) + b"\n")
            yield same and not good


def bare_traces(folder: Path, results: Any) -> Iterator[bool]:
    """The same program over the traces that unrepeat reads: recorded requests are hashed too, and not stored."""
    import orjson

    search = re.compile(PATTERN).search
    key = lambda value: hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()  # noqa: E731
    with (folder / "traces.jsonl").open("rb", BUFFER) as lines:
        for line in lines:
            trace = orjson.loads(line)
            messages, same, calls, asked = trace["messages"], True, [], {}
            history = [messages[index] for index in trace["spans"][0]["view"]["input"]]
            for span in trace["spans"]:
                view = span["view"]
                if view["view"] == "model_call":
                    head = [view["request_model"], view["params"]]
                    recorded = key([*head, [messages[index] for index in view["input"]]])
                    same = same and key([*head, history]) == recorded
                    history.append(messages[view["output"][0]])
                    asked = {part["id"]: part for part in history[-1]["parts"] if part["type"] == "tool_call"}
                else:
                    part = asked[view["id"]]
                    same = same and key([part["name"], part["arguments"]]) == key([view["name"], view["arguments"]])
                    calls.append((view["name"], view["arguments"]))
                    answer = {"type": "tool_call_response", "id": view["id"], "response": view["result"]}
                    history.append({"role": "tool", "parts": [answer]})
            good = is_good(calls, trace["output"], search)
            results.write(orjson.dumps({"id": trace["trace_id"], "same": same, "good": good}) + b"\n")
            yield same and not good


def vcrpy(folder: Path, results: Any) -> Iterator[bool]:
    """Requests over HTTP answered from one cassette a run; JSON cassettes, which load faster than YAML."""
    import vcr

    search = re.compile(PATTERN).search
    cassettes = vcr.VCR(
        serializer="json", record_mode="none", match_on=["method", "scheme", "host", "port", "path", "query", "body"]
    )
    for run in recorded(folder):
        history, calls = list(run["messages"][:2]), []
        replies = iter(run["messages"])
        with cassettes.use_cassette(str(folder / "cassettes" / f"{run['id']}.json")) as cassette:
            connection = http.client.HTTPConnection("127.0.0.1", 9)
            while True:
                answer = asked_over_http(connection, run, history)
                history.append(answer)
                if not answer.get("tool_calls"):
                    break
                calls += calls_of(answer)
                history.append(next(message for message in replies if message["role"] == "tool"))
            same = cassette.all_played
        good = is_good(calls, answer["content"], search)
        results.write(json.dumps({"id": run["id"], "same": same, "good": good}).encode() + b"\n")
        yield same and not good


def request_body(run: Run, history: list[dict[str, Any]]) -> str:
    return json.dumps({"model": run["model"], **run["params"], "messages": history})


def asked_over_http(connection: http.client.HTTPConnection, run: Run, history: list[dict[str, Any]]) -> dict[str, Any]:
    connection.request("POST", "/v1/chat/completions", request_body(run, history), {"Content-Type": "application/json"})
    answer: dict[str, Any] = json.loads(connection.getresponse().read())["choices"][0]["message"]
    return answer


def write_cassettes(folder: Path) -> None:
    """Write what vcrpy would have recorded."""
    (folder / "cassettes").mkdir(exist_ok=True)
    for run in recorded(folder):
        interactions = []
        for index, message in enumerate(run["messages"]):
            if message["role"] == "assistant":
                body = json.dumps({"choices": [{"message": message}]})
                request = {
                    "method": "POST",
                    "uri": "http://127.0.0.1:9/v1/chat/completions",
                    "body": request_body(run, run["messages"][:index]),
                    "headers": {"Content-Type": ["application/json"]},
                }
                headers = {"Content-Type": ["application/json"], "Content-Length": [str(len(body))]}
                response = {"status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": body}}
                interactions.append({"request": request, "response": response})
        cassette = {"version": 1, "interactions": interactions}
        (folder / "cassettes" / f"{run['id']}.json").write_text(json.dumps(cassette))


def pydantic_ai(folder: Path, results: Any) -> Iterator[bool]:
    """An agent on a function model that answers as recorded; each request compared by the texts it holds."""
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel

    search = re.compile(PATTERN).search
    state: dict[str, Any] = {}

    def answer(messages: list[Any], _info: Any) -> ModelResponse:
        index = state["index"]
        texts = [text for message in messages for part in message.parts if (text := getattr(part, "content", None))]
        state["same"] = state["same"] and texts == [each["content"] for each in state["run"]["messages"][:index]]
        message = state["run"]["messages"][index]
        state["index"] += 2
        parts: list[Any] = [TextPart(message["content"])]
        for call in message.get("tool_calls", ()):
            parts.append(ToolCallPart(call["function"]["name"], call["function"]["arguments"], call["id"]))
        return ModelResponse(parts)

    def tool(name: str) -> Callable[[str, str], str]:
        def called(order_id: str, note: str) -> str:
            """Do something with an order."""
            state["calls"].append((name, {"order_id": order_id, "note": note}))
            result: str = state["run"]["messages"][state["index"] - 1]["content"]
            return result

        called.__name__ = name
        return called

    agent = Agent(FunctionModel(answer), tools=[tool("get_order"), tool("issue_refund")])

    async def replay() -> list[bool]:
        found = []
        for run in recorded(folder):
            state.update(run=run, index=2, same=True, calls=[])
            system, user = (message["content"] for message in run["messages"][:2])
            outcome = await agent.run(user, message_history=[system_prompt(system)])
            good = is_good(state["calls"], outcome.output, search)
            results.write(json.dumps({"id": run["id"], "same": state["same"], "good": good}).encode() + b"\n")
            found.append(state["same"] and not good)
        return found

    yield from asyncio.run(replay())


def system_prompt(text: str) -> Any:
    from pydantic_ai.messages import ModelRequest, SystemPromptPart

    return ModelRequest([SystemPromptPart(text)])


def inspect(folder: Path, results: Any) -> Iterator[bool]:
    """A generate loop with tools on mockllm, samples one after the other, no log of samples."""
    from inspect_ai import Task, eval_async
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ChatMessageSystem, ChatMessageUser, ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import Score, accuracy, scorer
    from inspect_ai.solver import generate, use_tools
    from inspect_ai.tool import tool

    search = re.compile(PATTERN).search
    runs = list(recorded(folder))
    tool_results = iter([each["content"] for run in runs for each in run["messages"] if each["role"] == "tool"])

    @tool(name="get_order")
    def get_order() -> Any:
        async def execute(order_id: str, note: str) -> str:
            """Look an order up.

            Args:
                order_id: The order.
                note: A note.
            """
            return next(tool_results)

        return execute

    @tool(name="issue_refund")
    def issue_refund() -> Any:
        async def execute(order_id: str, note: str) -> str:
            """Refund an order.

            Args:
                order_id: The order.
                note: A note.
            """
            return next(tool_results)

        return execute

    @scorer(metrics=[accuracy()])
    def good() -> Any:
        async def score(state: Any, _target: Any) -> Score:
            run = runs[int(state.sample_id)]
            same = [each.text for each in state.messages] == [each["content"] for each in run["messages"]]
            made = [(call.function, call.arguments) for each in state.messages for call in tool_calls(each)]
            fine = is_good(made, state.output.completion, search)
            results.write(json.dumps({"id": run["id"], "same": same, "good": fine}).encode() + b"\n")
            return Score(value=int(same and not fine))

        return score

    def output(message: dict[str, Any]) -> ModelOutput:
        calls = calls_of(message)
        made = ModelOutput.from_content("mockllm/model", message["content"])
        if calls:
            made = ModelOutput.for_tool_call("mockllm/model", *calls[0], content=message["content"])
        # Without usage it counts tokens, for which it downloads a vocabulary.
        made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return made

    answers = [output(each) for run in runs for each in run["messages"] if each["role"] == "assistant"]
    samples = [
        Sample(
            id=number,
            input=[
                ChatMessageSystem(content=run["messages"][0]["content"]),
                ChatMessageUser(content=run["messages"][1]["content"]),
            ],
        )
        for number, run in enumerate(runs)
    ]
    task = Task(
        dataset=MemoryDataset(samples),
        solver=[use_tools(get_order(), issue_refund()), generate(tool_calls="loop")],
        scorer=good(),
    )
    (log,) = asyncio.run(
        eval_async(
            task,
            model=get_model("mockllm/model", custom_outputs=answers),
            log_dir=str(folder / "logs"),
            log_realtime=False,
            log_samples=False,
            max_samples=1,
        )
    )
    share = log.results.scores[0].metrics["accuracy"].value if log.results else 0
    yield from [True] * round(share * len(runs))


def tool_calls(message: Any) -> list[Any]:
    return list(getattr(message, "tool_calls", None) or ())


SIDES: dict[str, tuple[str, Callable[[Path, Any], Iterator[bool]]]] = {
    "bare loop": ("orjson", bare_loop),
    "bare traces": ("orjson", bare_traces),
    "vcrpy": ("vcr", vcrpy),
    "pydantic-ai": ("pydantic_ai", pydantic_ai),
    "inspect": ("inspect_ai", inspect),
}
"""The module that must be there, and the work. Each yields whether a run came out as recorded, failure included."""


def main(side: str, folder: Path) -> int:
    """Do one side's work and print what it took, without starting up and importing."""
    module, work = SIDES[side]
    if importlib.util.find_spec(module) is None:
        return 3
    if side == "vcrpy":
        write_cassettes(folder)
    importlib.import_module(module)
    with (folder / f"results-{module}.jsonl").open("wb", BUFFER) as results:
        started = time.process_time()
        reproduced = sum(work(folder, results))
        took = time.process_time() - started
    print(json.dumps({"loop_s": took, "reproduced": reproduced}))
    return 0


if __name__ == "__main__":
    # Its folder must not shadow the packages of the same names.
    sys.path.pop(0)
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
