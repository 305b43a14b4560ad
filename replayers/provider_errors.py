"""Errors of model providers, in words: what it is and what to do. Told apart without importing any client."""

from __future__ import annotations

import os
import re

from ..cases.errors import ReplayError

_SECRET_NAME = re.compile("KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_LONGEST = 400
_MARKUP = re.compile(r"\[/?[a-z ]+\]")
"""Colours that Inspect puts into its messages."""

_BY_STATUS = {
    400: ("a request it refuses", "Its words say why: the request is the app's own, key and address are yours"),
    401: ("a key it does not accept", "Check the provider's key in your environment"),
    402: ("an account without credit", "Add credit, or use another key"),
    403: ("a key that may not use this model", "Check what the key may use, and the model's name"),
    404: ("no such model or address", "Check the model's name and the provider's base URL"),
    408: ("a time-out of the provider", "Try again later"),
    413: ("a request that is too large", "Use a model with a larger context"),
    422: ("a request it refuses", "Its words say why: the request is the app's own"),
    429: ("too many requests, or a quota that is used up", "Wait, or raise the quota of the key"),
}
_BY_NAME = {
    "timeout": ("no answer in time", "Raise timeout_s of the model in unrepeat.toml, or try again later"),
    "connect": ("no connection", "Check the network and the provider's base URL"),
    "remoteprotocol": ("an answer that breaks off", "Try again; if it stays, the server or a proxy cuts answers off"),
    "readerror": ("an answer that breaks off", "Try again; if it stays, the server or a proxy cuts answers off"),
    "decode": ("an answer that is not what its protocol says", "Check that the base URL is that of the provider's API"),
    "validation": ("an answer that is not what its protocol says", "Check that the base URL is of the provider's API"),
}
_SERVER = ("an error of the provider", "Try again later; the provider's status page may say more")
_ODD = ("an answer that is not what its protocol says", "Check that the base URL is that of the provider's API")


class ModelUnavailableError(ReplayError):
    """The provider did not answer: nothing was learned about the system under test."""


def unavailable(model: str, error: BaseException, attempts: int) -> ModelUnavailableError:
    """Return what to tell people when a provider did not answer.

    Args:
        model: Provider and name.
        error: What its client raised.
        attempts: How often it was tried.
    """
    chain = list(_chain(error))
    what, hint = next(filter(None, (_known(each) for each in reversed(chain))), _ODD)
    told = without_secrets(_told(chain))[:_LONGEST]
    tried = f" in {attempts} attempts" if attempts > 1 else ""
    return ModelUnavailableError(f"expected an answer of {model}, got {what}{tried}: {told}", hint=hint)


def without_secrets(text: str) -> str:
    """Return a text without the keys of this environment: providers repeat them in what they refuse."""
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            text = text.replace(value, f"<{name}>")
    return text


def plain(text: str) -> str:
    """Return a message of Inspect on one line, without its colours and without keys."""
    return without_secrets(_MARKUP.sub("", " ".join(text.split())))


def is_passing(error: BaseException) -> bool:
    """Whether the same request may be answered a moment later: an outage, not a refusal."""
    for each in _chain(error):
        status = _status(each)
        if status is not None:
            return status in (408, 409, 429) or status >= 500
    return any(_named(each) in ("timeout", "connect", "remoteprotocol", "readerror") for each in _chain(error))


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and what it came from; a client's own wrapping says little to people."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _known(error: BaseException) -> tuple[str, str] | None:
    status = _status(error)
    if status is not None:
        return _BY_STATUS.get(status) or (_SERVER if status >= 500 else None)
    return _BY_NAME.get(_named(error))


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and status >= 400 else None


def _named(error: BaseException) -> str:
    name = type(error).__name__.lower()
    return next((key for key in _BY_NAME if key in name), "")


def _told(chain: list[BaseException]) -> str:
    """Return the words of the provider where it answered, else those of the first cause that has any."""
    answered = [each for each in chain if _status(each) is not None and not hasattr(each, "provider_message")]
    spoken = [each for each in (answered or reversed(chain)) if str(each).strip()]
    cause = spoken[0] if spoken else chain[0]
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}" if str(cause).strip() else type(cause).__name__
