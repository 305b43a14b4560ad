"""Conversations that a client does not send again: it names an earlier response, or an item of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .openai_responses import Item
from .refusals import RefusedError
from .responses_input import conversation

_MOST_ITEMS = 200_000
_MOST_BYTES = 256 * 1024 * 1024
"""Items that are held, and bytes of the requests they came in; the oldest responses are forgotten first, and a request
that names them is refused."""


@dataclass(frozen=True, slots=True)
class _Said:
    """The conversation that ended in a response."""

    items: list[Any]
    output: list[Item]
    """The last of them as they were served."""
    size: int
    """The bytes of its request."""


class Conversations:
    """What was said up to each response of the Responses API that this replay served."""

    def __init__(self) -> None:
        self._said: dict[str, _Said] = {}
        """By id of the response."""
        self._items: dict[str, Item] = {}
        self._held = self._bytes = 0

    def whole(self, asked: Mapping[str, Any], *, goes_on: bool) -> dict[str, Any]:
        """Return a request with all that it only names.

        Args:
            asked: The body of the request.
            goes_on: Whether the conversation so far belongs before what is new.

        Raises:
            RefusedError: It names a response or an item that this replay did not serve.
        """
        given = asked.get("input")
        items = [self._item(item) for item in given] if isinstance(given, list) else given or []
        request = {**asked, "input": conversation(items)}
        previous = asked.get("previous_response_id")
        if previous is None or not goes_on:
            return request
        if str(previous) not in self._said:
            raise _unknown("previous_response_id", "a response", previous)
        del request["previous_response_id"]
        return {**request, "input": self._said[str(previous)].items + request["input"]}

    def keep(self, response_id: str, request: Mapping[str, Any], output: list[Item], size: int) -> None:
        """Keep a conversation for requests that go on with it.

        Args:
            response_id: Names it.
            request: The whole request that was answered.
            output: The items of the answer.
            size: The bytes of the request.
        """
        self._forget(response_id)
        said = _Said([*request["input"], *conversation(output)], output, size)
        self._said[response_id] = said
        self._items |= {item["id"]: item for item in output if item.get("id")}
        self._held += len(said.items)
        self._bytes += size
        while (self._held > _MOST_ITEMS or self._bytes > _MOST_BYTES) and len(self._said) > 1:
            self._forget(next(iter(self._said)))

    def _forget(self, response_id: str) -> None:
        said = self._said.pop(response_id, None)
        if said is None:
            return
        self._held -= len(said.items)
        self._bytes -= said.size
        for item in said.output:
            if self._items.get(item.get("id", "")) is item:  # not one that was served again
                del self._items[item["id"]]

    def _item(self, item: Any) -> Any:
        if not isinstance(item, Mapping) or item.get("type") != "item_reference":
            return item
        found = self._items.get(str(item.get("id")))
        if found is None:
            raise _unknown("item_reference", "an item", item.get("id"))
        return found


def _unknown(field: str, what: str, got: Any) -> RefusedError:
    return RefusedError(400, f"{field}_not_found", f"{field}: expected {what} of this replay, got {str(got)[:80]!r}")
