"""Measures one stubbed model call over HTTP, the cost of the official OpenAI client included.

    python -m benchmarks.wire [--python PEERS/bin/python] [--quick] [--json]

Server and client run in processes of their own, one call after the other. Each recording holds so many different calls,
asked in recorded order with 2 KB each. The mock servers from npm (``npm ci`` in benchmarks/node) look at the last
message only. vcrpy answers inside the client's process and cannot be put behind the official client, which uses another
HTTP library than those it replaces: it is asked over a bare one, and compared with the bare rows. The server's share is
the CPU time of its process.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from .measure import NOT_INSTALLED, QUIET, Row, cell, medians, table

MODEL = "gpt-4o"
TARGET_MS = 2.0
SIZES = (10, 1_000, 10_000)
CALLS = 1_000
"""Most calls of one measurement."""
FEWEST = 100
"""Fewest calls of one measurement: a small recording is asked several times over, each time by a new server."""
FILLER = "the customer asks for a refund of an order that was delivered late and damaged " * 25


def question(number: int) -> list[dict[str, Any]]:
    """Return the messages of one recorded call."""
    return [{"role": "system", "content": "You are a desk."}, {"role": "user", "content": f"{number}: {FILLER}"}]


def answer(number: int) -> str:
    return f"Order {number} will be refunded within five working days. " * 5


def body(number: int, *, stream: bool = False) -> dict[str, Any]:
    return {"model": MODEL, "temperature": 0.2, "messages": question(number), **({"stream": True} if stream else {})}


# Servers: each prints its ports and serves until its input ends; then it prints what it took.


def serve_unrepeat(count: int, rounds: int) -> None:
    """Serve a recording, once a round, each on a port of its own."""
    import socket

    from unrepeat.replayers.calls import Calls
    from unrepeat.replayers.playback import Playback
    from unrepeat.replayers.wire.server import serving

    trace = recording(count)
    with ExitStack() as stack:
        ports = []
        for _ in range(rounds):
            listener = socket.create_server(("127.0.0.1", 0), backlog=128)
            ports.append(listener.getsockname()[1])
            stack.enter_context(serving(Calls(Playback(trace)), [listener]))
        print(json.dumps(ports), flush=True)
        started = time.process_time()
        sys.stdin.readline()
        print(json.dumps({"server_s": time.process_time() - started}), flush=True)


def serve_fixed(count: int, rounds: int) -> None:
    """Serve the answers one after the other without a look at what is asked: what client and sockets cost alone."""
    import asyncio

    def replies() -> Iterator[bytes]:
        for number in range(count):
            message = {"role": "assistant", "content": answer(number)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            said = {"id": "c", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice]}
            data = json.dumps(said).encode()
            yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies():
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:  # asked less often than it could
                return
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(reply)

    async def run() -> None:
        servers = [await asyncio.start_server(serve, "127.0.0.1", 0) for _ in range(rounds)]
        print(json.dumps([each.sockets[0].getsockname()[1] for each in servers]), flush=True)
        started = time.process_time()
        await asyncio.to_thread(sys.stdin.readline)
        print(json.dumps({"server_s": time.process_time() - started}), flush=True)
        os._exit(0)

    asyncio.run(run())


def recording(count: int) -> Any:
    from unrepeat.cases.messages import to_message
    from unrepeat.cases.trace import MessagePool, ModelCall, Source, Span, Trace

    pool = MessagePool()
    add = lambda raw: [pool.add(each) for each in to_message(raw)]  # noqa: E731
    spans = []
    for number in range(count):
        asked = tuple(index for each in question(number) for index in add(each))
        said = tuple(add({"role": "assistant", "content": answer(number)}))
        usage = {"input_tokens": 500, "output_tokens": 60}
        view = ModelCall(request_model=MODEL, params={"temperature": 0.2}, input=asked, output=said, usage=usage)
        spans.append(Span(span_id=f"s{number}", operation="chat", view=view))
    return Trace(trace_id="t", source=Source(format="bench"), spans=tuple(spans), messages=pool.messages())


@contextmanager
def node_command(server: str, count: int) -> Iterator[list[str]]:
    """Yield the command of a mock server from npm, with the recording in a file beside it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recorded.json"
        pairs = [[question(number)[-1]["content"], answer(number)] for number in range(count)]
        file.write_text(json.dumps(pairs), encoding="utf-8")
        yield ["node", str(NODE / "server.mjs"), server, str(file)]


# Clients: each yields once a call, with the text it was answered.


def ask_openai(port: int, count: int, *, stream: bool = False) -> Iterator[str]:
    import openai

    client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="k", max_retries=0)
    for number in range(count):
        made: Any = client.chat.completions.create(**body(number, stream=stream))
        yield "".join(each.choices[0].delta.content or "" for each in made) if stream else _content(made)


def _content(made: Any) -> str:
    said: str = made.choices[0].message.content
    return said


def ask_openai_stream(port: int, count: int) -> Iterator[str]:
    return ask_openai(port, count, stream=True)


def ask_bare(port: int, count: int) -> Iterator[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(count):
        connection.request("POST", "/v1/chat/completions", json.dumps(body(number)))
        yield json.loads(connection.getresponse().read())["choices"][0]["message"]["content"]


def ask_vcrpy(port: int, count: int) -> Iterator[str]:
    """Ask over http.client, answered by vcrpy from a cassette of as many calls; the port is the size of it."""
    try:
        import vcr
    except ImportError:
        sys.exit(NOT_INSTALLED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cassette.json"
        path.write_text(json.dumps({"version": 1, "interactions": list(map(_interaction, range(port)))}))
        cassettes = vcr.VCR(serializer="json", record_mode="none", match_on=("method", "uri", "body"))
        with cassettes.use_cassette(str(path)):
            yield from ask_bare(80, count)


def _interaction(number: int) -> dict[str, Any]:
    said = {"choices": [{"message": {"role": "assistant", "content": answer(number)}, "finish_reason": "stop"}]}
    request = {
        "method": "POST",
        "uri": "http://127.0.0.1/v1/chat/completions",
        "body": json.dumps(body(number)),
        "headers": {},
    }
    response = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": json.dumps(said)}}
    return {"request": request, "response": response}


CLIENTS: Mapping[str, Callable[[int, int], Iterator[str]]] = {
    "openai": ask_openai,
    "openai stream": ask_openai_stream,
    "bare": ask_bare,
    "vcrpy": ask_vcrpy,
}
SERVERS: Mapping[str, Callable[[int, int], None]] = {"unrepeat": serve_unrepeat, "fixed": serve_fixed}
NODE = Path(__file__).parent / "node"
NODE_SERVERS = {"aimock": 10_000, "mock-llm": 1_000}
"""Mock servers from npm, and the largest recording each is given: the slower two would take minutes for more."""
SIDES: Mapping[str, tuple[str, str, str]] = {
    "client": ("the official client alone: answers that look at nothing", "fixed", "openai"),
    "unrepeat": ("unrepeat, official client", "unrepeat", "openai"),
    "unrepeat stream": ("unrepeat, official client, streamed", "unrepeat", "openai stream"),
    "unrepeat bare": ("unrepeat, bare HTTP", "unrepeat", "bare"),
    "aimock": ("aimock, official client", "aimock", "openai"),
    "aimock bare": ("aimock, bare HTTP", "aimock", "bare"),
    "mock-llm": ("mock-llm, official client", "mock-llm", "openai"),
    "vcrpy": ("vcrpy, bare HTTP in process", "", "vcrpy"),
}
"""What each side is called, its server (none where the client answers itself) and its client."""


def ask(client: str, ports: Sequence[int], calls: int) -> int:
    """Time the calls of a client and print the median; the first call of each port opens the connection."""
    took = []
    for port in ports:
        answers = CLIENTS[client](port, calls)
        right = next(answers) == answer(0)
        for number in range(1, calls):
            started = time.perf_counter()
            said = next(answers)
            took.append(time.perf_counter() - started)
            right = right and said == answer(number)
        if not right:
            print(f"{client}: an answer was not the recorded one", file=sys.stderr)
            return 1
    ms = sorted(each * 1000 for each in took)
    print(json.dumps({"ms": statistics.median(ms), "p95_ms": ms[int(len(ms) * 0.95)], "calls": len(ports) * calls}))
    return 0


@contextmanager
def running(server: str, count: int, rounds: int, taken: Row) -> Iterator[list[int]]:
    """Run a server while the block runs, yield its ports, and put what it reports into ``taken``."""
    ours = [sys.executable, "-m", "benchmarks.wire", "--serve", server, str(count), str(rounds)]
    with (
        node_command(server, count) if server in NODE_SERVERS else nullcontext(ours) as command,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | QUIET
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()
        taken.update(json.loads(process.stdout.readline()))


def measured(side: str, count: int, python: str) -> Row:
    """Measure one side with a recording of so many calls."""
    _, server, client = SIDES[side]
    calls, taken = min(count, CALLS), {}
    if not server:
        return asked(python, client, [count], min(calls, FEWEST))
    if server in NODE_SERVERS and not (NODE / "node_modules").is_dir():
        return {"missing": "not installed"}
    if count > NODE_SERVERS.get(server, count):
        return {"missing": "–"}
    # A mock server repeats its answers; a recording is over once it was asked.
    rounds = max(1, FEWEST // count)
    with running(server, count, rounds, taken) as ports:
        row = asked(sys.executable, client, ports if len(ports) == rounds else ports * rounds, calls)
    if "missing" not in row:
        row["server_ms"] = taken["server_s"] / row["calls"] * 1000
    return row


def asked(python: str, client: str, ports: Sequence[int], calls: int) -> Row:
    """Run a client in a process of its own."""
    command = [python, "-m", "benchmarks.wire", "--ask", client, str(calls), *map(str, ports)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | QUIET, check=False)
    if done.returncode == NOT_INSTALLED:
        return {"missing": "not installed"}
    if done.returncode:
        return {"missing": (done.stderr.strip().splitlines() or ["no reason given"])[-1]}
    row: Row = json.loads(done.stdout)
    return row


def measure(options: argparse.Namespace) -> list[Row]:
    """Measure every side at every size, all sides in turn."""
    found: dict[tuple[str, int], list[Row]] = {}
    for _ in range(options.runs):
        for count in options.sizes:
            for side in SIDES:
                found.setdefault((side, count), []).append(measured(side, count, options.python))
    return [{"side": side, "recorded": count, **medians(rows)} for (side, count), rows in found.items()]


def report(rows: Sequence[Row]) -> str:
    """Return the table."""
    found = {(row["side"], row["recorded"]): row for row in rows}
    sizes = sorted({row["recorded"] for row in rows})
    head = ["a call, median ms", *(f"of {size:,} recorded" for size in sizes), "95 %", "server's CPU"]
    lines = []
    for side, (words, _, _) in SIDES.items():
        last = next((found[side, size] for size in reversed(sizes) if "ms" in found[side, size]), {})
        medians_ = [cell(found[side, size], "ms", ".2f") for size in sizes]
        server = cell(last, "server_ms", ".2f") if "server_ms" in last else ""
        lines.append([words, *medians_, cell(last, "p95_ms", ".2f"), server])
    slowest = max(row.get("ms", float("inf")) for row in rows if row["side"] == "unrepeat")
    met = "met" if slowest <= TARGET_MS else "missed"
    alone = max(row.get("ms", 0.0) for row in rows if row["side"] == "client")
    verdict = f"Target: at most {TARGET_MS:g} ms with the official client, at every size: {met}"
    return f"{table(head, lines)}\n\n{verdict}. The client alone took {alone:.2f} ms of {slowest:.2f} ms."


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="interpreter in which the peers are installed")
    parser.add_argument("--runs", type=int, default=3, help="repetitions of each; the median is printed")
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--ask", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve:
        SERVERS[options.serve[0]](int(options.serve[1]), int(options.serve[2]))
        return 0
    if options.ask:
        client, calls, *ports = options.ask
        return ask(client, [int(port) for port in ports], int(calls))
    options.sizes = SIZES[:2] if options.quick else SIZES
    options.runs = 1 if options.quick else options.runs
    rows = measure(options)
    print(json.dumps(rows, indent=2) if options.json else report(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
