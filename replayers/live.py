"""A live model that answers the model boundary, through Inspect's model API (extra ``live``).

The app's own request goes to the model and the answer goes back to the app in OpenAI's message form; the
provider's key stays in this process and never reaches the app. Inspect is imported when a model is made.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..cases.errors import ConfigError, ReplayError
from ..cases.trace import Message, text_of, tool_calls_of
from .request import Request

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, Model, ModelOutput
    from inspect_ai.tool import ToolInfo

MAX_RETRIES = 3
"""Retries of one call by the provider's client; without a bound Inspect retries for ever."""
ATTEMPT_TIMEOUT_S = 120
_SECRET_NAME = re.compile("KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_PASSED_ON = ("temperature", "top_p", "max_tokens", "seed", "frequency_penalty", "presence_penalty")


_MARKUP = re.compile(r"\[/?[a-z ]+\]")
"""Colours that Inspect puts into its messages."""


class ModelUnavailableError(ReplayError):
    """The provider did not answer: nothing was learned about the system under test."""


class LiveModel:
    """One model by its Inspect name, such as ``openai/gpt-4o`` or ``anthropic/claude-sonnet-4``.

    Args:
        name: Provider and model.

    Raises:
        ConfigError: The extra is not installed, or the provider cannot be set up (no key, unknown name).
    """

    def __init__(self, name: str) -> None:
        try:
            from inspect_ai.model import get_model
        except ImportError as error:
            raise ConfigError(
                "expected the extra `live`, got an installation without it",
                where="--model",
                hint="pip install 'unrepeat[live]'",
            ) from error
        self.name = name
        self.calls = 0
        """Calls made so far."""
        if not all(name.partition("/")[::2]):
            raise ConfigError(
                f"expected PROVIDER/NAME, got {name!r}", where="--model", hint="such as --model openai/gpt-4o"
            )
        try:
            self._model: Model = get_model(name, memoize=False)
        except Exception as error:  # each provider refuses a missing key or package in its own way
            told = without_secrets(_MARKUP.sub("", " ".join(str(error).split())))
            raise ConfigError(f"expected a model that can be called, got: {told}", where=f"--model {name}") from error
        # One event loop for all calls: the provider's client keeps its connections, and they belong to their loop.
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """End the event loop; nothing can be asked any more."""
        self._runner.close()

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the model's answer as an OpenAI-shaped assistant message.

        Raises:
            ModelUnavailableError: The provider did not answer, after bounded retries.
        """
        self.calls += 1
        try:
            output = self._runner.run(self._generate(request))
        except Exception as error:  # whatever the provider's client raises, the system is not to blame
            cause = _cause(error)
            raise self._unavailable(f"{type(cause).__name__}: {cause}") from error
        if not output.choices:
            raise self._unavailable(output.error or "an empty one")
        return _assistant(output)

    def _unavailable(self, got: str) -> ModelUnavailableError:
        return ModelUnavailableError(f"expected an answer of {self.name}, got {without_secrets(got)}")

    async def _generate(self, request: Request) -> ModelOutput:
        from inspect_ai.model import GenerateConfig

        params = request.value.get("params") or {}
        passed = {key: params[key] for key in _PASSED_ON if params.get(key) is not None}
        config = GenerateConfig(max_retries=MAX_RETRIES, attempt_timeout=ATTEMPT_TIMEOUT_S, cache=False, **passed)
        return await self._model.generate(
            _messages(request), tools=[_tool(tool) for tool in request.value.get("tools") or ()], config=config
        )


def _cause(error: BaseException) -> BaseException:
    """Return what made the provider's client give up; its own wrapping says nothing to people."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def without_secrets(text: str) -> str:
    """Return a text without the keys of this environment: providers repeat them in what they refuse."""
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            text = text.replace(value, f"<{name}>")
    return text


def _messages(request: Request) -> list[ChatMessage]:
    from inspect_ai.model import ChatMessageSystem

    system = "\n".join(str(part.get("content", "")) for part in request.value.get("system") or ())
    first: list[ChatMessage] = [ChatMessageSystem(content=system)] if system else []
    return first + [each for message in request.messages for each in _message(message)]


def _message(message: Message) -> Iterable[ChatMessage]:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageTool, ChatMessageUser
    from inspect_ai.tool import ToolCall

    text = text_of(message)
    match message.role:
        case "system" | "developer":
            yield ChatMessageSystem(content=text)
        case "assistant":
            calls = [
                ToolCall(
                    id=str(part.get("id") or ""), function=str(part["name"]), arguments=_object(part.get("arguments"))
                )
                for part in tool_calls_of(message)
            ]
            yield ChatMessageAssistant(content=text, tool_calls=calls or None)
        case "tool":
            for part in message.parts:
                response = part.get("response", part.get("content", ""))
                content = response if isinstance(response, str) else json.dumps(response)
                yield ChatMessageTool(content=content, tool_call_id=str(part.get("id") or "") or None)
        case _:
            yield ChatMessageUser(content=text)


def _object(arguments: Any) -> dict[str, Any]:
    return dict(arguments) if isinstance(arguments, Mapping) else {}


def _tool(definition: Mapping[str, Any]) -> ToolInfo:
    from inspect_ai.tool import ToolInfo, ToolParams

    function = definition.get("function", definition)
    schema = function.get("parameters") or function.get("input_schema") or {"type": "object", "properties": {}}
    parameters = ToolParams.model_validate({key: schema[key] for key in ("properties", "required") if key in schema})
    return ToolInfo(
        name=function["name"], description=function.get("description") or function["name"], parameters=parameters
    )


def _assistant(output: ModelOutput) -> dict[str, Any]:
    message = output.choices[0].message
    answer: dict[str, Any] = {"role": "assistant", "content": message.text or None}
    if message.tool_calls:
        answer["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function, "arguments": json.dumps(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return answer
