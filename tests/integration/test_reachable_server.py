"""The harness's own server: clients of the app reach it, and nothing else."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.replayers.apps import replayed

APP = "import model, tools\n{imports}\ndef handle(text):\n    url = 'http://{host}:{port}/'\n    {body}\n"
OF_ASYNCIO = """
    async def get():
        reader, writer = await asyncio.open_connection('{host}', {port})
        writer.writelines([b'GET / HTTP/1.0\\r\\n', b'\\r\\n'])
        await writer.drain()
        return (await reader.read()).decode().split('\\r\\n\\r\\n')[1]
    return {run}(get())"""
OF_HTTPX = """
    async def get():
        async with httpx.AsyncClient() as client:
            return (await client.get(url)).text
    return asyncio.run(get())"""
CLIENTS = {
    "urllib": ("import urllib.request", "return urllib.request.urlopen(url).read().decode()"),
    "asyncio": ("import asyncio", OF_ASYNCIO.replace("{run}", "asyncio.run")),
    "uvloop": ("import asyncio, uvloop", OF_ASYNCIO.replace("{run}", "uvloop.run")),
    "httpx": ("import httpx", "return httpx.get(url).text"),
    "httpx async": ("import asyncio, httpx", OF_HTTPX),
    "requests": ("import requests", "return requests.get(url).text"),
    "aiohttp": (
        "import asyncio, aiohttp",
        """
    async def get():
        async with aiohttp.request('GET', url) as got: return await got.text()
    return asyncio.run(get())""",
    ),
}


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hello) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def asking(client: str, host: str, port: int) -> str:
    imports, body = CLIENTS[client]
    body = body.replace("{host}", host).replace("{port}", str(port))
    return APP.format(imports=imports, body=body, host=host, port=port)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("client", CLIENTS)
def test_client_reaches_the_server_of_the_harness(tmp_path, port, client, host):
    library = client.split()[0]
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    replay = replayed(tmp_path, app=asking(client, host, port), reachable=[("127.0.0.1", port)], isolation="guard")
    assert (replay.outcome, replay.trace.output, replay.refused) == ("completed", "hello", ())


@pytest.mark.parametrize("client", ["urllib", "asyncio"])
def test_other_port_of_the_machine_is_refused(tmp_path, port, client):
    replay = replayed(tmp_path, app=asking(client, "127.0.0.1", port), reachable=[("127.0.0.1", 9)])
    assert (replay.outcome, len(replay.refused)) == ("crashed", 1)
    assert str(port) in replay.refused[0]


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('example.invalid', {port}), 1)",
        "socket.create_connection(('127.0.0.2', {port}), 1)",
        "socket.getaddrinfo('127.0.0.1', 'http')",
        "socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', {port}))",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
        "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', {port}))",
        "socket.socket(socket.AF_UNIX).connect('/tmp/x')",
    ],
)
def test_way_past_the_server_is_refused_and_reported(tmp_path, port, attempt):
    tried = attempt.format(port=port)
    app = f"import model, tools, socket\ndef handle(text):\n    try: {tried}\n    except PermissionError: return 'no'\n"
    replay = replayed(tmp_path, app=app, reachable=[("127.0.0.1", port)], isolation="guard")
    assert (replay.trace.output, len(replay.refused)) == ("no", 1)
