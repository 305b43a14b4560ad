"""Runs the desk once and records what passes its boundaries, as OpenTelemetry spans."""

from __future__ import annotations

import copy
import datetime as dt
import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from . import scripted_model, scripted_people
from .attributes import answered, describe, guardrail, permission, schema_check, write
from .otlp import Span, Tracer, dump
from .scenarios import Scenario

_DURATION_MS = {"model": 900, "retrieval": 12, "tool": 35, "approval": 240_000, "user": 41_000}

Stand = Callable[..., Any]


class Recorder:
    """Stands between the desk and its boundaries while it runs.

    Args:
        scenario: What is run.
        version: Name of the desk's version, ``v1``.
    """

    def __init__(self, scenario: Scenario, version: str) -> None:
        self._scenario = scenario
        self._version = version
        self._store = importlib.import_module("support_desk.store")
        self._proposed: dict[str, str] = {}
        received = dt.datetime.fromisoformat(scenario.started_at)
        start_ns = (int(received.timestamp()) + 2) * 1_000_000_000
        resource = {"service.name": "support-desk", "service.version": version, "unrepeat.example": True}
        self._tracer = Tracer(f"support-desk {scenario.name}", start_ns, resource)
        self._agent = "nightly" if scenario.entry.startswith("nightly") else "support-desk"
        self._root = self._tracer.start(f"invoke_agent {self._agent}")

    def run(self) -> dict[str, Any]:
        """Run the scenario's entry and return the trace as OTLP/JSON."""
        module, _, entry = self._scenario.entry.partition(":")
        app = importlib.import_module(f"support_desk.{module}")
        self._store.reset()
        if self._scenario.lost_answer:
            self._lose_an_answer(self._store.current())
        arguments = self._scenario.arguments
        with self._watched():
            output = getattr(app, entry)(**copy.deepcopy(arguments))
        self._root.attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self._agent,
            "gen_ai.conversation.id": self._scenario.conversation,
            "unrepeat.user.id": self._scenario.user,
            "unrepeat.input": dump(arguments),
            "unrepeat.output": dump(output),
        }
        self._tracer.end(self._root, after_ms=3)
        return self._tracer.document("cases.shipped.recording", "1")

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Replace the boundary functions while the desk runs."""
        replacements = list(self._replacements())
        originals = [(module, name, getattr(module, name)) for module, name, _ in replacements]
        for module, name, replacement in replacements:
            setattr(module, name, replacement)
        try:
            yield
        finally:
            for module, name, original in originals:
                setattr(module, name, original)

    def _replacements(self) -> Iterator[tuple[ModuleType, str, Stand]]:
        llm, knowledge, review, chat, tools, access, guard, toolbox = (
            importlib.import_module(f"support_desk.{name}")
            for name in ("llm", "knowledge", "review", "chat", "tools", "access", "guard", "toolbox")
        )
        yield llm, "complete", self._boundary("model", llm.complete, self._model)
        yield knowledge, "search", self._boundary("retrieval", knowledge.search)
        yield review, "decide", self._boundary("approval", review.decide, scripted_people.decide)
        yield chat, "ask_user", self._boundary("user", chat.ask_user, self._customer)
        for name, function in inspect.getmembers(tools, inspect.isfunction):
            if function.__module__ == tools.__name__ and not name.startswith("_"):
                yield tools, name, self._boundary("tool", function)
        yield access, "objection", self._check(access, permission)
        yield guard, "objection", self._check(guard, guardrail)
        yield toolbox, "objection", self._schema_check(toolbox.objection)

    def _model(self, **request: Any) -> dict[str, Any]:
        """Answer as the scripted model, in the shape of the vendor's update where one is in force."""
        answer = scripted_model.complete(**request)
        if self._scenario.model_update:
            answer["content"] = scripted_model.after_update(answer["content"])
        return answer

    def _lose_an_answer(self, shop: Any) -> None:
        """Let the first payment go through and its answer get lost."""
        write, lost = shop.write, []

        def lossy(table: str, key: str, record: dict[str, Any], **rest: Any) -> None:
            write(table, key, record, **rest)
            if record.get("state") == "paid" and not lost:
                lost.append(key)
                raise TimeoutError

        shop.write = lossy

    def _customer(self, question: str) -> str:
        return scripted_people.answer(self._scenario, question)

    def _boundary(self, kind: str, function: Stand, stand_in: Stand | None = None) -> Stand:
        signature = inspect.signature(function)

        def recorded(*args: Any, **kwargs: Any) -> Any:
            arguments = copy.deepcopy(dict(signature.bind(*args, **kwargs).arguments))
            update = self._scenario.model_update
            attributes = describe(kind, function.__name__, arguments, self._version, update)
            span = self._tracer.start(attributes.pop("name"), self._root, client=kind != "user")
            changes = len(self._store.current().journal)
            result = (stand_in or function)(**copy.deepcopy(arguments))
            call_id = self._proposed.pop(function.__name__, "")
            tied = {"gen_ai.tool.call.id": call_id} if kind == "tool" and call_id else {}
            verbatim = {
                "unrepeat.boundary": kind,
                "unrepeat.arguments": dump(arguments),
                "unrepeat.result": dump(result),
            }
            # The traces of a group are as plain OpenTelemetry instrumentation writes them, and small.
            span.attributes = {**attributes, **tied, **({} if self._scenario.group else verbatim)}
            self._finish(kind, span, result)
            self._writes(span, changes)
            self._tracer.end(span, after_ms=_DURATION_MS[kind])
            return result

        return recorded

    def _finish(self, kind: str, span: Span, result: Any) -> None:
        """Add what is known only with the answer."""
        span.attributes |= answered(kind, result)
        for call in result.get("tool_calls", ()) if kind == "model" else ():
            self._proposed[call["function"]["name"]] = call["id"]

    def _writes(self, span: Span, since: int) -> None:
        for change in self._store.current().journal[since:]:
            child = self._tracer.start(f"shop {change['operation']} {change['resource']}", span)
            child.attributes = write(change)
            self._tracer.end(child, after_ms=2)

    def _schema_check(self, function: Callable[[str, Any], str]) -> Stand:
        def recorded(tool: str, arguments: Any) -> str:
            objection = function(tool, arguments)
            if objection:
                span = self._tracer.start("toolbox.objection", self._root)
                span.attributes = schema_check(tool, objection, self._scenario)
                self._tracer.end(span, after_ms=1)
            return objection

        return recorded

    def _check(self, module: ModuleType, attributes: Callable[..., dict[str, Any]]) -> Stand:
        function = module.objection
        name = f"{module.__name__.rpartition('.')[2]}.objection"

        def recorded(tool: str, arguments: dict[str, Any], subject: Any) -> str:
            span = self._tracer.start(name, self._root)
            objection: str = function(tool, arguments, subject)
            span.attributes = attributes(module, tool, objection, self._scenario)
            self._tracer.end(span, after_ms=1)
            return objection

        return recorded
