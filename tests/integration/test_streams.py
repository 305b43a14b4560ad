"""Boundaries whose answers come piece by piece: from the recording, and from the real thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.replayers.recordings import write_app

from unrepeat.cases.trace import Source, Span, ToolCall, Trace
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.python_app import replay_python
from unrepeat.replayers.replay import Replay, Version
from unrepeat.replayers.system import Checkout, PythonSystem

SYNC = """
import contextlib, dataclasses
from typing import ContextManager, Generator, Iterable, Iterator

@dataclasses.dataclass
class Piece:
    text: str

class Pieces:
    def __init__(self): self._pieces = iter(["a", "b"])
    def __iter__(self): return self
    def __next__(self): return next(self._pieces)
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def close(self): pass

def generator(q):
    yield "a"
    yield "b"

def records(q) -> Iterator[Piece]:
    yield Piece("a")
    yield Piece("b")

def returned(q) -> Iterator[str]:
    return iter(["a", "b"])

def client(q) -> Pieces:
    return Pieces()

@contextlib.contextmanager
def context(q):
    yield iter(["a", "b"])

@contextlib.contextmanager
def typed(q) -> Iterator[Iterator[Piece]]:
    yield (Piece(each) for each in "ab")

class Manager:
    def __enter__(self) -> Pieces: return Pieces()
    def __exit__(self, *error): pass

def own(q) -> Manager:
    return Manager()

class Response:
    text = "real"
    def __enter__(self): return self
    def __exit__(self, *error): pass

def response(q) -> Response:
    return Response()

def manager(q) -> ContextManager[Iterator[str]]:
    return context_of_b(q)

@contextlib.contextmanager
def context_of_b(q):
    yield (each for each in "ab")

class Desk:
    def method(self, q):
        yield from "ab"
"""
ASYNC = """
import contextlib
from typing import AsyncIterator

async def generator(q):
    yield "a"
    yield "b"

def returned(q) -> AsyncIterator[str]:
    return generator_of_b()

async def awaited(q) -> AsyncIterator[str]:
    return generator_of_b()

async def generator_of_b():
    for each in "ab": yield each

@contextlib.asynccontextmanager
async def context(q):
    yield generator_of_b()
"""
LIVE = Modes(live=frozenset({"tool"}))


def trace_of(answer: Any, error: str = "", tool: str = "") -> Trace:
    view = ToolCall(name=tool, arguments={"q": 1}, result=answer, error=error)
    return Trace(trace_id="t", source=Source(format="test"), spans=(Span(span_id="s1", view=view),), input=1)


def replayed(
    folder: Path,
    entry: str,
    tool: str,
    answer: Any = None,
    *,
    error: str = "",
    source: str = SYNC,
    modes: Modes | None = None,
) -> Replay:
    """Replay an entry that uses one streaming tool, whose recorded answer is given."""
    folder = write_app(folder, app=f"import s\ndef handle(q):\n{entry}", tools="")
    (folder / "s.py").write_text(source)
    system = PythonSystem(name="desk", entry="app:handle", boundaries={"tool": (f"s:{tool}",)})
    checkout = Checkout(version=Version(label="v"), folder=folder)
    trace = trace_of(answer, error, tool.rpartition(".")[2])
    return replay_python(trace, system, checkout, arguments=1, modes=modes)


def lines(source: str) -> str:
    return "".join(f"    {line}\n" for line in source.strip().splitlines())


def reading(tool: str) -> str:
    """Return an entry that reads all pieces of a tool."""
    if tool in ("context", "typed", "manager", "own"):
        return lines(f"with s.{tool}(q) as pieces: return [getattr(each, 'text', each) for each in pieces]")
    called = "s.Desk().method" if tool == "Desk.method" else f"s.{tool}"
    return lines(f"return [getattr(each, 'text', each) for each in {called}(q)]")


def reading_async(tool: str) -> str:
    made = {
        "awaited": "    return [each async for each in await s.awaited(q)]",
        "context": "    async with s.context(q) as pieces: return [each async for each in pieces]",
    }.get(tool, f"    return [each async for each in s.{tool}(q)]")
    return lines(f"async def read():\n{made}\nimport asyncio\nreturn asyncio.run(read())")


EACH = [
    *(
        (tool, reading(tool), SYNC)
        for tool in ("generator", "returned", "client", "context", "manager", "own", "Desk.method")
    ),
    *((tool, reading_async(tool), ASYNC) for tool in ("generator", "returned", "awaited", "context")),
]
NAMES = [f"{'async ' if source == ASYNC else ''}{tool}" for tool, _, source in EACH]


@pytest.mark.parametrize(("tool", "entry", "source"), EACH, ids=NAMES)
def test_recorded_list_comes_as_its_pieces(tmp_path, tool, entry, source):
    replay = replayed(tmp_path, entry, tool, ["x", "y", "z"], source=source)
    assert (replay.outcome, replay.trace.output, replay.limit) == ("completed", ["x", "y", "z"], None)


@pytest.mark.parametrize(("tool", "entry", "source"), EACH, ids=NAMES)
def test_live_pieces_pass_through_and_are_reported_as_a_list(tmp_path, tool, entry, source):
    replay = replayed(tmp_path, entry, tool, ["x"], source=source, modes=LIVE)
    assert (replay.outcome, replay.trace.output) == ("completed", ["a", "b"])
    assert [(each.mode, each.answer, each.outcome) for each in replay.events] == [("live", ["a", "b"], "changed")]


@pytest.mark.parametrize("tool", ["records", "typed"])
def test_pieces_have_the_type_that_the_function_is_annotated_with(tmp_path, tool):
    entry = reading(tool).replace("getattr(each, 'text', each)", "each.text")
    assert replayed(tmp_path, entry, tool, [{"text": "x"}, {"text": "y"}]).trace.output == ["x", "y"]


@pytest.mark.parametrize(("answer", "pieces"), [("xyz", ["xyz"]), ({"k": 1}, [{"k": 1}]), (None, []), ([], [])])
def test_answer_that_the_recording_put_together_is_one_piece(tmp_path, answer, pieces):
    assert replayed(tmp_path, reading("generator"), "generator", answer).trace.output == pieces


def test_recorded_stream_of_a_client_can_be_entered_and_closed(tmp_path):
    entry = lines("with s.client(q) as pieces: first = next(pieces)\npieces.close()\nreturn [first, list(pieces)]")
    assert replayed(tmp_path, entry, "client", ["x", "y"]).trace.output == ["x", []]


def test_stream_of_text_gives_what_a_recorded_message_says(tmp_path):
    replay = replayed(tmp_path, reading("returned"), "returned", {"role": "assistant", "content": "hi"})
    assert replay.trace.output == ["hi"]


def test_recorded_error_comes_after_the_pieces(tmp_path):
    entry = lines("""
seen = []
try:
    for each in s.generator(q): seen.append(each)
except ValueError as error: seen.append(str(error))
return seen
""")
    replay = replayed(tmp_path, entry, "generator", ["x", "y"], error="ValueError: cut off")
    assert (replay.trace.output, replay.limit) == (["x", "y", "cut off"], None)


def test_error_of_a_live_stream_is_reported_with_what_came_before(tmp_path):
    source = SYNC.replace('    yield "b"\n', '    raise ValueError("cut off")\n', 1)
    entry = lines("try: return list(s.generator(q))\nexcept ValueError as error: return str(error)")
    replay = replayed(tmp_path, entry, "generator", ["a"], source=source, modes=LIVE)
    event = replay.events[0]
    assert (replay.trace.output, event.answer, event.error) == ("cut off", ["a"], "ValueError: cut off")


@pytest.mark.parametrize(
    "stops",
    [
        "return next(iter(s.generator(q)))",
        "for each in s.generator(q): return each",
        "kept = s.generator(q)\nfirst = next(kept)\nkept.close()\nreturn first",
        "kept = s.generator(q)\ns.kept = kept\nreturn next(kept)",
        "return next(s.client(q))",
        "with s.client(q) as pieces: return next(pieces)",
        "with s.context(q) as pieces: return next(pieces)",
    ],
)
def test_app_that_stops_reading_is_reported_with_what_it_read(tmp_path, stops):
    tool = next(each for each in ("generator", "client", "context") if f"s.{each}(" in stops)
    replay = replayed(tmp_path, lines(stops), tool, ["x"], modes=LIVE)
    assert (replay.outcome, replay.trace.output, replay.events[0].answer) == ("completed", "a", ["a"])


def test_async_stream_that_is_left_is_reported_with_what_was_read(tmp_path):
    entry = lines("async def read():\n    async for each in s.generator(q): return each\n"
                  "import asyncio\nreturn asyncio.run(read())")  # fmt: skip
    replay = replayed(tmp_path, entry, "generator", ["x"], source=ASYNC, modes=LIVE)
    assert (replay.outcome, replay.events[0].answer) == ("completed", ["a"])


@pytest.mark.parametrize(
    ("begins", "made"),
    [("s.generator(q)", 0), ("s.context(q)", 0), ("s.returned(q)", 1), ("s.manager(q)", 1)],
)
@pytest.mark.parametrize("modes", [None, LIVE])
def test_stream_that_nobody_reads_is_a_call_where_its_function_had_run(tmp_path, begins, made, modes):
    replay = replayed(tmp_path, lines(f"{begins}\nreturn 1"), begins[2:-3], ["x"], modes=modes)
    assert (replay.outcome, len(replay.events)) == ("completed", made)
    assert [each.grade for each in replay.divergences if each.grade == "missing_call"] == ["missing_call"] * (1 - made)


def test_value_sent_into_a_live_generator_arrives_and_what_it_returns_too(tmp_path):
    source = (
        "def generator(q):\n    got = yield 'a'\n    try: yield got\n"
        "    except KeyError: yield 'caught'\n    return 'end'\n"
    )
    entry = lines("""
g = s.generator(q)
seen = [next(g), g.send(5), g.throw(KeyError())]
try: next(g)
except StopIteration as end: seen.append(end.value)
return seen
""")
    replay = replayed(tmp_path, entry, "generator", ["x"], source=source, modes=LIVE)
    assert (replay.trace.output, replay.events[0].answer) == (["a", 5, "caught", "end"], ["a", 5, "caught"])


def test_value_sent_into_a_live_async_generator_arrives(tmp_path):
    source = "async def generator(q):\n    got = yield 'a'\n    try: yield got\n    except KeyError: yield 'caught'\n"
    entry = lines("""
async def read():
    g = s.generator(q)
    return [await g.__anext__(), await g.asend(5), await g.athrow(KeyError()), [each async for each in g]]
import asyncio
return asyncio.run(read())
""")
    replay = replayed(tmp_path, entry, "generator", ["x"], source=source, modes=LIVE)
    assert replay.trace.output == ["a", 5, "caught", []]


def test_value_sent_into_a_recorded_stream_ends_the_replay(tmp_path):
    entry = lines("g = s.generator(q)\nnext(g)\ntry: return g.send(5)\nexcept Exception: return 'caught'")
    replay = replayed(tmp_path, entry, "generator", ["x", "y"])
    assert (replay.outcome, "a value was sent into the stream of generator" in replay.error) == ("crashed", True)


def test_call_between_two_pieces_is_not_made_inside_of_the_stream(tmp_path):
    source = SYNC + "\ndef other(q):\n    return 1\n"
    entry = lines("for each in s.generator(q): s.other(q)\nreturn 1")
    folder = write_app(tmp_path, app=f"import s\ndef handle(q):\n{entry}", tools="")
    (folder / "s.py").write_text(source)
    system = PythonSystem(name="desk", entry="app:handle", boundaries={"tool": ("s:generator", "s:other")})
    checkout = Checkout(version=Version(label="v"), folder=folder)
    replay = replay_python(trace_of(["x"], tool="generator"), system, checkout, arguments=1, modes=LIVE)
    assert [each.call_path for each in replay.events if each.name == "other"] == [(), ()]


@pytest.mark.parametrize("kind", ["isgeneratorfunction(s.generator)", "isasyncgenfunction(s.generator)"])
def test_function_stays_of_its_kind_for_frameworks_that_look(tmp_path, kind):
    source = ASYNC if "async" in kind else SYNC
    replay = replayed(tmp_path, lines(f"import inspect\nreturn inspect.{kind}"), "generator", source=source)
    assert replay.trace.output is True


def test_other_context_managers_are_left_alone(tmp_path):
    entry = lines("with s.context_of_b(q) as pieces: return list(pieces)")
    assert replayed(tmp_path, entry, "context", ["x"]).trace.output == ["a", "b"]


def test_context_that_gives_no_stream_gives_its_recorded_value(tmp_path):
    source = (
        "import contextlib\nfrom typing import Iterator\n@contextlib.contextmanager\n"
        "def session(q) -> Iterator[dict]:\n    yield {'real': 1}\n"
    )
    entry = lines("with s.session(q) as given: return given")
    assert replayed(tmp_path, entry, "session", {"id": 7}, source=source).trace.output == {"id": 7}
    live = replayed(tmp_path / "live", entry, "session", {"id": 7}, source=source, modes=LIVE)
    assert (live.trace.output, live.events[0].answer) == ({"real": 1}, {"real": 1})


def test_answer_that_can_be_entered_is_no_context(tmp_path):
    replay = replayed(tmp_path, lines("return s.response(q).text"), "response", "x", modes=LIVE)
    assert (replay.outcome, replay.trace.output) == ("completed", "real")


def test_error_in_the_body_of_a_live_context_reaches_its_exit(tmp_path):
    source = (
        "import contextlib\nleft = []\n@contextlib.contextmanager\ndef context(q):\n"
        "    try: yield iter('ab')\n    except KeyError: left.append('handled')\n"
    )
    entry = lines("with s.context(q) as pieces:\n    next(pieces)\n    raise KeyError\nreturn s.left")
    replay = replayed(tmp_path, entry, "context", ["x"], source=source, modes=LIVE)
    assert (replay.trace.output, replay.events[0].answer) == (["handled"], ["a"])


def test_error_on_the_way_into_a_live_context_is_reported(tmp_path):
    source = "import contextlib\n@contextlib.contextmanager\ndef context(q):\n    raise ValueError('no')\n    yield\n"
    entry = lines("try:\n    with s.context(q): pass\nexcept ValueError as error: return str(error)")
    replay = replayed(tmp_path, entry, "context", ["x"], source=source, modes=LIVE)
    assert (replay.trace.output, replay.events[0].error) == ("no", "ValueError: no")
