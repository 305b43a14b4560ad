"""Builds small traces for the tests of scorers, span by span."""

from __future__ import annotations

from typing import Any, Self

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.cases.trace import (
    Approval,
    Document,
    Message,
    MessagePool,
    ModelCall,
    Origin,
    Retrieval,
    Session,
    Source,
    Span,
    ToolCall,
    Trace,
    View,
    Write,
)
from unrepeat.scorers.registry import compile_assertion
from unrepeat.scorers.score import Scorer, Violation


class Recording:
    """A trace under construction; each method adds one span (``s1``, ``s2`` …) and returns the builder."""

    def __init__(self, trace_id: str = "t1") -> None:
        self._trace_id = trace_id
        self._spans: list[Span] = []
        self._pool = MessagePool()
        self._output: Any = None
        self._origins: dict[str, Origin] = {}
        self._input: Any = None
        self._session: Session | None = None

    @property
    def last(self) -> str:
        """Id of the span added last."""
        return self._spans[-1].span_id

    def span(self, view: View | None, *, name: str = "", parent: str = "", **fields: Any) -> Self:
        """Add a span with any view."""
        span_id = f"s{len(self._spans) + 1}"
        self._spans.append(Span(span_id=span_id, name=name, parent_id=parent, view=view, **fields))
        return self

    def user(self, text: str) -> Self:
        """Set what the user asked for."""
        self._input = text
        return self

    def of_user(self, user_id: str) -> Self:
        """Set whose session it is."""
        self._session = Session(user_id=user_id)
        return self

    def says(self, text: str = "", *calls: dict[str, Any], name: str = "chat", asked: str = "") -> Self:
        """Add a model call that answers with a text and tool calls."""
        parts: list[dict[str, Any]] = [{"type": "text", "content": text}] if text else []
        parts.extend({"type": "tool_call", **call} for call in calls)
        prompt = (self._pool.add(Message(role="user", parts=({"type": "text", "content": asked},))),) if asked else ()
        output = self._pool.add(Message(role="assistant", parts=tuple(parts)))
        return self.span(ModelCall(input=prompt, output=(output,)), name=name)

    def call(self, tool: str, arguments: Any = None, *, parent: str = "", **fields: Any) -> Self:
        """Add a tool call, executed unless told otherwise."""
        return self.span(ToolCall(name=tool, arguments=arguments, **fields), name=tool, parent=parent)

    def write(self, resource: str, *, parent: str = "", **fields: Any) -> Self:
        """Add a downstream write."""
        return self.span(Write(resource=resource, **fields), parent=parent)

    def approval(self, decision: str = "approve", *, parent: str = "", **fields: Any) -> Self:
        """Add a decision of a reviewer."""
        return self.span(Approval(decision=decision, **fields), name="review", parent=parent)

    def retrieves(self, *documents: Document, data_source: str = "", query: Any = None) -> Self:
        """Add a retrieval."""
        view = Retrieval(query=query, data_source=data_source, documents=documents)
        return self.span(view, name="search")

    def answers(self, output: Any) -> Self:
        """Set the final output, observed."""
        self._output = output
        self._origins = {"output": Origin(kind="observed")} if output is None else {}
        return self

    def trace(self) -> Trace:
        """Return the trace."""
        return Trace(
            trace_id=self._trace_id,
            source=Source(format="test"),
            spans=tuple(self._spans),
            messages=self._pool.messages(),
            session=self._session,
            input=self._input,
            output=self._output,
            origins=self._origins,
        )


def scorer(**fields: Any) -> Scorer:
    """Compile an assertion as written in case.yaml; ``not_`` stands for the key ``not``."""
    if "not_" in fields:
        fields["not"] = fields.pop("not_")
    return compile_assertion(ASSERTION_ADAPTER.validate_python(fields))


def violations(recording: Recording, **fields: Any) -> tuple[Violation, ...]:
    """Return what an assertion finds in a recording."""
    return scorer(**fields).find(recording.trace())


def holds(recording: Recording, **fields: Any) -> bool:
    """Tell whether an assertion holds on a recording."""
    return not violations(recording, **fields)
