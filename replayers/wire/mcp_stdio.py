"""MCP over stdio: forwards the JSON-RPC lines of one client to the stub server's streamable HTTP endpoint.

Run by path with any Python from 3.9 on, standard library only: ``mcp_stdio.py SERVER`` with UNREPEAT_MCP_URL, or as a
shim (`mcp_shims`) with what it stands for. Messages go out one after the other: a client that asks several things at
once gets them asked in its order, which is the order the recording is compared with.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import select
import shutil
import sys
from typing import Any, Dict, Iterator, List, Optional
from urllib.parse import quote, urlsplit

_ENVIRONMENT = "UNREPEAT_MCP_URL"
INTERPRETERS = re.compile(r"(node|deno|bun|tsx|ts-node|python[\d.]*|ruby|java|perl|php|bash|sh)\Z")
"""Programs that run the app as well as its servers; every other program is a server, or fetches one."""
_INTERNAL_ERROR = -32603
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_TIMEOUT_S = 600.0


class Unreachable(Exception):
    """The stub server does not answer."""


class Gone(Exception):
    """The client does not read any more."""


class Bridge:
    """One stdio client and its session at the stub server."""

    def __init__(self, url: str, server: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise SystemExit(f"unrepeat: expected {_ENVIRONMENT} as http://HOST:PORT/mcp, got {url!r}")
        self._host, self._port = parts.hostname, parts.port
        self._path = f"{parts.path.rstrip('/')}/{quote(server, safe='')}"
        self._connection: Optional[http.client.HTTPConnection] = None
        self._session = ""
        self._version = ""

    def forward(self, line: bytes) -> None:
        """Send one message of the client and write what is answered."""
        message = _parsed(line)
        asked = message if isinstance(message, dict) else {}
        answered = False
        try:
            for answer in self._post(line, asked):
                answered = self._deliver(answer, asked) or answered
            if not answered and "id" in asked and "method" in asked:
                raise Unreachable("the answer was cut off")
        except (OSError, http.client.HTTPException, Unreachable) as error:
            self.close()
            if "id" in asked and "method" in asked:
                _write(_error(asked["id"], f"the replay does not answer: {error}"))

    def end(self) -> None:
        """End the session."""
        if self._session:
            try:
                connection = http.client.HTTPConnection(self._host, self._port, timeout=5)
                connection.request("DELETE", self._path, headers=self._headers({}))
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                pass  # the replay has ended before
        self.close()

    def close(self) -> None:
        """Let go of the connection; the next message opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _post(self, line: bytes, asked: Dict[str, Any]) -> Iterator[bytes]:
        response = self._sent(line, self._headers(asked))
        if asked.get("method") == "initialize" and response.status < 400:  # a refused request opens none
            self._session = response.getheader("mcp-session-id") or ""
        if (response.getheader("content-type") or "").startswith("text/event-stream"):
            yield from _events(response)
            return
        body = response.read()
        if body.strip():
            yield body
        elif response.status >= 400:
            raise Unreachable(f"HTTP status {response.status}")

    def _sent(self, line: bytes, headers: Dict[str, str]) -> http.client.HTTPResponse:
        """Return the response. Nothing is sent twice: a call that came twice would be another call."""
        kept = self._connection.sock if self._connection is not None else None
        if kept is not None and select.select([kept], [], [], 0)[0]:
            self.close()  # readable with nothing asked: the server closed it meanwhile
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        self._connection.request("POST", self._path, body=line, headers=headers)
        return self._connection.getresponse()

    def _headers(self, asked: Dict[str, Any]) -> Dict[str, str]:
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        params = asked.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        stated = meta.get(_VERSION_KEY) if isinstance(meta, dict) else None
        version = stated if isinstance(stated, str) else self._version
        if version:
            headers["mcp-protocol-version"] = version
        if self._session:
            headers["mcp-session-id"] = self._session
        method = asked.get("method")
        if isinstance(stated, str) and isinstance(method, str):
            headers["mcp-method"] = _header(method)
            named = params.get(_NAMED.get(method, ""))
            if isinstance(named, str):
                headers["mcp-name"] = _header(named)
        return headers

    def _deliver(self, answer: bytes, asked: Dict[str, Any]) -> bool:
        """Write one message of the server; whether it is the answer to what was asked."""
        message = _parsed(answer)
        if not isinstance(message, (dict, list)):
            raise Unreachable(f"expected JSON-RPC, got {answer[:200]!r}")
        if isinstance(message, dict):
            if message.get("method") == "ping" and "id" in message:
                self._pong(message["id"])
                return False
            if message.get("id") is None and "error" in message and "method" in asked:
                if "id" not in asked:
                    return False  # a notification, which nothing is answered to
                message["id"] = asked["id"]  # refused by the transport, which does not say what
            result = message.get("result")
            if asked.get("method") == "initialize" and isinstance(result, dict):
                self._version = str(result.get("protocolVersion") or "")
        _write(json.dumps(message).encode())
        return isinstance(message, list) or ("method" not in message and message.get("id") == asked.get("id"))

    def _pong(self, request_id: Any) -> None:
        """Answer the server's ping on a connection of its own: this one is still being read."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        body = json.dumps({"jsonrpc": "2.0", "id": request_id, "result": {}})
        connection.request("POST", self._path, body=body.encode(), headers=self._headers({}))
        connection.getresponse().read()
        connection.close()


def _events(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield the data of each event; comments and events without data, which only keep a stream alive, aside."""
    data: List[bytes] = []
    for line in response:
        line = line.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line[5:].lstrip(b" ") if line[5:6] == b" " else line[5:])
        elif not line and data:
            if any(data):
                yield b"\n".join(data)
            data = []


def _header(value: str) -> str:
    """Return a value as a header holds it: what is no visible ASCII goes in base64."""
    if re.fullmatch(r"[\x20-\x7e]*", value) and value == value.strip():
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _error(request_id: Any, message: str) -> bytes:
    error = {"code": _INTERNAL_ERROR, "message": message}
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "error": error}).encode()


def _write(message: bytes) -> None:
    try:
        sys.stdout.buffer.write(message + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise Gone from error


def serve(url: str, server: str) -> None:
    """Forward the lines of stdin until it closes."""
    bridge = Bridge(url, server)
    try:
        for line in sys.stdin.buffer:
            if line.strip():
                bridge.forward(line)
    except Gone:
        # So that the interpreter does not say so at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        pass
    bridge.end()


def fits(configured: List[str], given: List[str]) -> bool:
    """Whether the words of a configured command stand among those of a started one, in order."""
    rest = iter(given)
    return all(any(_same(word, each) for each in rest) for word in configured)


def _same(configured: str, given: str) -> bool:
    """Whether two words name the same package or file, whatever version of it and wherever it stands."""
    return given == configured or given.startswith(configured + "@") or given.endswith("/" + configured.lstrip("./"))


def as_shim(shim: Dict[str, Any], given: List[str]) -> None:
    """Stand for the program a shim is named like: its MCP servers are the stub's, nothing else is started."""
    fitting = [server for server, words in shim["servers"].items() if fits(words, given)]
    if len(fitting) == 1:
        serve(os.environ.get(_ENVIRONMENT) or shim["url"] or _of_the_app(), fitting[0])
        return
    program = shim["program"]
    if not fitting and INTERPRETERS.match(program):
        real = _real(program, shim["folder"])
        if real is not None:
            os.execv(real, [program, *given])
    known = ", ".join(" ".join([program, *words]) for words in shim["servers"].values())
    raise SystemExit(
        f"unrepeat: `{' '.join([program, *given])}` is not started in a replay; `{program}` stands for {known}"
    )


def _of_the_app() -> str:
    """Return the URL that the nearest process above was started with; empty where that cannot be seen.

    MCP clients do not hand it on: their servers get HOME, PATH and a few more of the app's environment.
    """
    mark, process = f"{_ENVIRONMENT}=".encode(), os.getppid()
    try:
        while process > 1:
            with open(f"/proc/{process}/environ", "rb") as environment:
                found = [each for each in environment.read().split(b"\0") if each.startswith(mark)]
            if found:
                return found[0][len(mark) :].decode()
            with open(f"/proc/{process}/stat", "rb") as stat:
                process = int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        pass  # another system than Linux, or a process of somebody else
    return ""


def _real(program: str, folder: str) -> Optional[str]:
    """Return the program that the PATH has after the shims."""
    entries = [each for each in os.environ.get("PATH", "").split(os.pathsep) if each and not _is(each, folder)]
    return shutil.which(program, path=os.pathsep.join(entries))


def _is(entry: str, folder: str) -> bool:
    return os.path.realpath(entry) == os.path.realpath(folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--shim"]:
        as_shim(json.loads(sys.argv[2]), sys.argv[3:])
    elif len(sys.argv) == 2:
        serve(os.environ.get(_ENVIRONMENT, ""), sys.argv[1])
    else:
        raise SystemExit("usage: mcp_stdio.py SERVER")
