"""A recording behind the wire server, and the official clients that ask it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
from tests.replayers.recordings import text

from unrepeat.cases.trace import Message, MessagePool, ModelCall, Source, Span, Trace
from unrepeat.replayers.calls import Calls
from unrepeat.replayers.playback import Modes, Playback
from unrepeat.replayers.wire.server import environment, serving

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
USAGE = {"input_tokens": 11, "output_tokens": 7}


@dataclass(frozen=True)
class Served:
    """A running server."""

    calls: Calls
    port: int

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def playback(self) -> Playback:
        return self.calls.playback

    def openai(self, **more: Any) -> Any:
        return openai.OpenAI(base_url=environment(self.port)["OPENAI_BASE_URL"], api_key="k", **more)

    def openai_async(self) -> Any:
        return openai.AsyncOpenAI(base_url=environment(self.port)["OPENAI_BASE_URL"], api_key="k")

    def anthropic(self) -> Any:
        return anthropic.Anthropic(base_url=environment(self.port)["ANTHROPIC_BASE_URL"], api_key="k")

    def anthropic_async(self) -> Any:
        return anthropic.AsyncAnthropic(base_url=environment(self.port)["ANTHROPIC_BASE_URL"], api_key="k")

    def faultless(self) -> bool:
        """Whether every request was a recorded one."""
        return not self.playback.divergences and not self.calls.faults


@contextmanager
def served(trace: Trace, modes: Modes | None = None, **more: Any) -> Iterator[Served]:
    """Serve a recording while the block runs."""
    with listening() as listener:
        calls = Calls(Playback(trace, modes))
        with serving(calls, [listener], **more):
            yield Served(calls, listener.getsockname()[1])


@contextmanager
def listening() -> Iterator[socket.socket]:
    """Open a socket that listens on the loopback interface."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        yield listener


def recorded(*turns: tuple[list[Message], list[Message]], model: str = "m1", **view: Any) -> Trace:
    """Return a trace of model calls: of each the messages it was asked and what it answered."""
    pool = MessagePool()
    spans = []
    for number, (asked, said) in enumerate(turns, start=1):
        call = ModelCall(
            request_model=model, input=tuple(map(pool.add, asked)), output=tuple(map(pool.add, said)), **view
        )
        spans.append(Span(span_id=f"s{number}", operation="chat", start_ns=1_700_000_000_000_000_000, view=call))
    return Trace(trace_id="t", source=Source(format="test"), spans=tuple(spans), messages=pool.messages())


def says(*parts: dict[str, Any], times: int = 1, **view: Any) -> Trace:
    """Return a trace in which "hello" was answered with these parts."""
    turn = ([text("user", "hello")], [Message(role="assistant", parts=parts)])
    return recorded(*[turn] * times, **{"usage": USAGE, **view})


def word(content: str) -> dict[str, Any]:
    """Return a text part."""
    return {"type": "text", "content": content}


def call(call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    """Return a part that asks for a tool call."""
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
