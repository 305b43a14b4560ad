"""A live model that answers the model boundary, through Inspect's model API (extra ``live``).

The app's own request goes to the model and the answer goes back to the app in OpenAI's message form; the
provider's key stays in this process and never reaches the app. Inspect is imported when a model is made.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from ..cases.errors import ConfigError
from .canonical import digest
from .inspect_form import assistant_message, chat_messages, tool_info
from .provider_errors import ModelUnavailableError, is_passing, plain, unavailable
from .request import Request
from .usage import Meter, Usage

if TYPE_CHECKING:
    from inspect_ai.model import Model, ModelOutput

_PASSED_ON = ("temperature", "top_p", "max_tokens", "seed", "frequency_penalty", "presence_penalty")
_FIRST_WAIT_S = 1.0
"""Before the first retry; twice as long before each further one."""

Run = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine to its end and returns its result."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a provider is waited for."""

    timeout_s: float = 120.0
    """Longest time of one attempt."""
    retries: int = 3
    """Further attempts of one call after an outage; without a bound Inspect retries for ever."""


class LiveModel:
    """One model by its Inspect name, such as ``openai/gpt-4o`` or ``anthropic/claude-sonnet-4``.

    Args:
        model: Inspect's model.
        run: Runs what the model does.
        meter: Counts the calls and holds them to the caps.
        patience: How long it is waited for.
    """

    def __init__(self, model: Model, run: Run, meter: Meter | None = None, patience: Patience | None = None) -> None:
        self.name = str(model)
        self._model = model
        self._run = run
        self._meter = meter or Meter()
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._answers: set[str] = set()
        self._repeated = False
        self._close: Callable[[], None] = lambda: None

    @classmethod
    def connect(cls, name: str, meter: Meter | None = None, patience: Patience | None = None) -> LiveModel:
        """Return a model by its name, with an event loop of its own.

        Raises:
            ConfigError: The extra is not installed, or the provider cannot be set up (no key, unknown name).
        """
        # One event loop for all calls: the provider's client keeps its connections, and they belong to their loop.
        runner = asyncio.Runner()
        live = cls(_model_named(name), runner.run, meter, patience)
        live._close = runner.close
        return live

    def close(self) -> None:
        """End the event loop; nothing can be asked any more."""
        self._close()

    @property
    def usage(self) -> Usage:
        """What the calls so far took."""
        return self._meter.usage

    def repeated(self) -> bool:
        """Whether an answer since the last time this was asked was one given before, as caches give them."""
        repeated, self._repeated = self._repeated, False
        return repeated

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the model's answer as an OpenAI-shaped assistant message.

        Several threads may ask; one is answered after the other, for there is one event loop.

        Raises:
            ModelUnavailableError: The provider did not answer, after bounded retries.
            SpendCapError: The call would break a cap.
        """
        with self._lock:
            return self._answer(request)

    def _answer(self, request: Request) -> dict[str, Any]:
        self._meter.begin()
        started = time.monotonic()
        output = self._attempts(request)
        usage = output.usage
        cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0) if usage else 0
        self._meter.answered(
            usage.input_tokens + cached if usage else None,
            usage.output_tokens if usage else None,
            time.monotonic() - started,
        )
        answer = assistant_message(output)
        # Without an id, the same words to the same request cannot be told from an answer out of a cache.
        told_by = output.response_id or _words(request, answer)
        self._repeated |= told_by in self._answers
        self._answers.add(told_by)
        return answer

    def _attempts(self, request: Request) -> ModelOutput:
        attempt = 1
        while True:
            try:
                output: ModelOutput = self._run(self._generate(request))
            except Exception as error:  # whatever the provider's client raises, the system is not to blame
                if attempt > self._patience.retries or not is_passing(error):
                    raise unavailable(self.name, error, attempt) from error
            else:
                return self._usable(output)
            self._meter.retried()
            time.sleep(_FIRST_WAIT_S * 2 ** (attempt - 1))
            attempt += 1

    def _usable(self, output: ModelOutput) -> ModelOutput:
        if not output.choices:
            got = plain(output.error or "an answer without choices")
            raise ModelUnavailableError(
                f"expected an answer of {self.name}, got {got}",
                hint="Check that the provider's base URL is that of a model's API",
            )
        return output

    async def _generate(self, request: Request) -> ModelOutput:
        from inspect_ai.model import GenerateConfig

        params = request.value.get("params") or {}
        passed = {key: params[key] for key in _PASSED_ON if params.get(key) is not None}
        config = GenerateConfig(max_retries=0, cache=False, **passed)  # retries are made, and counted, here
        messages = chat_messages(request.value.get("system") or (), request.messages)
        tools = [tool_info(tool) for tool in request.value.get("tools") or ()]
        async with asyncio.timeout(self._patience.timeout_s):
            return await self._model.generate(messages, tools=tools, config=config)


def _words(request: Request, answer: Mapping[str, Any]) -> str:
    """Return a digest of what was asked and answered, ids of calls aside."""
    calls = [call["function"] for call in answer.get("tool_calls") or ()]
    return digest([request.value, msgspec.to_builtins(request.messages), answer.get("content"), calls])


def _model_named(name: str) -> Model:
    try:
        from inspect_ai.model import get_model
    except ImportError as error:
        raise ConfigError(
            "expected the extra `live`, got an installation without it",
            where="--model",
            hint="pip install 'unrepeat[live]'",
        ) from error
    if not all(name.partition("/")[::2]):
        raise ConfigError(
            f"expected PROVIDER/NAME, got {name!r}", where="--model", hint="such as --model openai/gpt-4o"
        )
    try:
        model = get_model(name, memoize=False)
    except Exception as error:  # each provider refuses a missing key or package in its own way
        told = plain(str(error))
        raise ConfigError(f"expected a model that can be called, got: {told}", where=f"--model {name}") from error
    # The clients of OpenAI and Anthropic retry twice by themselves, unseen: attempts are counted, and bounded, here.
    client: Any = getattr(model.api, "client", None)
    if hasattr(client, "max_retries"):
        client.max_retries = 0
    return model
