"""Answers: what a model answered, apart from the protocol it is served in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...cases.messages import to_messages
from ...cases.trace import Message, ModelCall
from ..boundary import RecordedCall
from .response import dumps

Part = dict[str, Any]

_INPUT = ("input_tokens", "prompt_tokens", "input")
_OUTPUT = ("output_tokens", "completion_tokens", "output")
_CACHE_READ = ("cache_read.input_tokens", "cache_read_input_tokens", "cached_tokens")
_CACHE_WRITE = ("cache_creation.input_tokens", "cache_creation_input_tokens")
_REASONING = ("reasoning.output_tokens", "reasoning_tokens")
_DETAILS = (
    "prompt_tokens_details",
    "input_tokens_details",
    "completion_tokens_details",
    "output_tokens_details",
)
_CHOICE_COUNTS = ("n", "choice.count", "candidate_count")


class InexpressibleError(Exception):
    """The recorded answer cannot be said in the protocol it was asked in."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that a recorded call counted."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a model; several where it was asked for several."""

    parts: tuple[Part, ...]
    finish_reason: str = ""
    """In the words of the recording; empty where it has none."""

    @property
    def text(self) -> str:
        """The text parts, joined as messages are compared: by line breaks."""
        return "\n".join(said for part in self.parts if part.get("type") == "text" and (said := text_in(part)))

    @property
    def reasoning(self) -> str:
        """The reasoning that has a text."""
        return "\n".join(said for part in self.parts if part.get("type") == "reasoning" and (said := text_in(part)))

    @property
    def refusal(self) -> str:
        """What the model said as a refusal."""
        return "\n".join(text_in(part) for part in self.parts if part.get("type") == "refusal")

    @property
    def calls(self) -> list[Part]:
        """The tool calls."""
        return [part for part in self.parts if part.get("type") == "tool_call"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered to one call."""

    seq: int
    """The step of the replay."""
    choices: tuple[Choice, ...]
    id: str = ""
    """The recorded id of the response; empty where the recording has none."""
    model: str = ""
    """The model that answered."""
    created_s: int = 0
    """When, in seconds of Unix time; 0 where the recording has no times."""
    usage: Tokens | None = None
    """None where the recording counted nothing."""
    frames: tuple[str, ...] = ()
    """Recorded events of the stream, verbatim."""

    def id_as(self, prefix: str) -> str:
        """Return the response's id; one of its own for each step where none was recorded."""
        return self.id or f"{prefix}{self.seq:024d}"


def recorded_answer(call: RecordedCall, seq: int, asked: Mapping[str, Any]) -> Answer:
    """Return what was recorded for a model call.

    Args:
        call: The recorded call.
        seq: The step it is served in.
        asked: The body of the request.
    """
    view = call.span.view
    if not isinstance(view, ModelCall):  # a model function that was recorded by its result alone
        return said_answer(call.answer(), seq, asked)
    outputs = call.trace.outputs(view)
    if not outputs:
        return said_answer(call.answer(), seq, asked)
    return Answer(
        seq=seq,
        choices=_choices(outputs, view, asked),
        id=str(call.span.attributes.get("gen_ai.response.id") or ""),
        model=view.response_model or view.request_model or str(asked.get("model") or ""),
        created_s=(call.span.start_ns or 0) // 1_000_000_000,
        usage=tokens(view.usage),
        frames=view.raw_frames,
    )


def said_answer(value: Any, seq: int, asked: Mapping[str, Any]) -> Answer:
    """Return an answer that is a message in any dialect, or a text: a static one, or a live model's."""
    choices = tuple(_choice(message) for message in to_messages(value, role="assistant")) or (Choice(()),)
    return Answer(seq=seq, choices=choices, model=str(asked.get("model") or ""))


def _choices(outputs: Sequence[Message], view: ModelCall, asked: Mapping[str, Any]) -> tuple[Choice, ...]:
    several = any(_count(values.get(key)) > 1 for values in (view.params, asked) for key in _CHOICE_COUNTS)
    reasons = view.finish_reasons
    if several and len(outputs) > 1:
        return tuple(
            _choice(message, reasons[number] if number < len(reasons) else "") for number, message in enumerate(outputs)
        )
    # The Responses API answers in items, and some traces keep each as a message.
    parts = tuple(part for message in outputs for part in message.parts)
    stated = next((message.finish_reason for message in reversed(outputs) if message.finish_reason), "")
    return (Choice(parts, reasons[0] if reasons else stated),)


def _choice(message: Message, reason: str = "") -> Choice:
    return Choice(message.parts, reason or message.finish_reason)


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def tokens(usage: Mapping[str, Any]) -> Tokens | None:
    """Return the counted tokens under one set of names; None where nothing was counted."""
    if not usage:
        return None
    flat = dict(usage)
    for name in _DETAILS:
        details = usage.get(name)
        if isinstance(details, Mapping):
            flat |= {key: value for key, value in details.items() if key not in flat}
    return Tokens(*(_first(flat, names) for names in (_INPUT, _OUTPUT, _CACHE_READ, _CACHE_WRITE, _REASONING)))


def _first(usage: Mapping[str, Any], names: Sequence[str]) -> int:
    found = next((usage[name] for name in names if usage.get(name) is not None), 0)
    return int(found) if isinstance(found, (int, float)) and found >= 0 else 0


def text_in(part: Mapping[str, Any]) -> str:
    """Return the text of a part."""
    content = part.get("content", part.get("text", part.get("refusal")))
    return content if isinstance(content, str) else ""


def arguments_text(part: Mapping[str, Any]) -> str:
    """Return the arguments of a tool call as JSON text; a text that was no JSON as it was."""
    arguments = part.get("arguments")
    if isinstance(arguments, str):
        return arguments
    return "{}" if arguments is None else dumps(arguments).decode()


def require_known(choice: Choice, protocol: str, also: frozenset[str] = frozenset()) -> None:
    """Raise InexpressibleError for a part that a protocol has no words for.

    Args:
        choice: What is to be said.
        protocol: What to call the protocol.
        also: Further types of parts it can say.
    """
    known = {"text", "reasoning", "refusal", "tool_call"} | also
    for part in choice.parts:
        if part.get("type") not in known:
            raise InexpressibleError(f"{protocol} has no form for a recorded part of type {part.get('type')!r}")
