"""Other applications beside the providers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.replayers.wire.served import says, served, word

from unrepeat.replayers import calls


class Mounted:
    """An application that says what it sees, once it was started."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for word_ in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{word_}"
                self.seen.append(word_)
                await send({"type": f"lifespan.{word_}.complete"})
            return
        self.seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["root_path"].encode()})


def test_mounted_application_gets_its_requests_and_its_life() -> None:
    mounted = Mounted()
    with served(says(word("hi")), mounts={"/mcp": mounted}) as desk:
        assert httpx.get(f"{desk.root}/mcp/x").text == "/mcp"
        assert httpx.get(f"{desk.root}/mcps").status_code == 404
    assert mounted.seen == ["startup", "/mcp/x", "shutdown"]


def test_mounted_application_without_a_life_is_served() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with served(says(word("hi")), mounts={"/mcp": app}) as desk:
        assert httpx.get(f"{desk.root}/mcp").status_code == 204


def test_mounted_application_that_cannot_start_fails_the_server() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no port"})

    with pytest.raises(RuntimeError, match=r"/mcp: .*no port"), served(says(word("hi")), mounts={"/mcp": app}):
        pass


def test_mounted_application_that_fails_is_noted_and_no_500() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("broken")

    with served(says(word("hi")), mounts={"/mcp": app}) as desk:
        assert httpx.get(f"{desk.root}/mcp").status_code == 422
        assert isinstance(desk.calls.failed, ValueError)


def test_bytes_that_come_to_mounted_applications_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    monkeypatch.setattr(calls, "_MOST_BYTES", 1 << 20)
    with served(says(word("hi")), mounts={"/mcp": app}) as desk:
        statuses = [httpx.post(f"{desk.root}/mcp", content=b"x" * 600_000).status_code for _ in range(2)]
        assert statuses == [204, 413]
        assert desk.calls.stopped.is_set()
        assert desk.calls.failed is None
