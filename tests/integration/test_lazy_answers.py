"""What an answer makes only when it is read is made; what nobody can read for certain passes nothing."""

from __future__ import annotations

import pytest
from tests.replayers.apps import calls, instead_of_call, replayed

BOTH = [("get_order", "exact"), ("refund", "exact")]
WORK = "todo = []\nasync def each():\n    for name, args in todo: yield run(name, args)\n"


def answering(answer: str, more: str = "") -> str:
    """Return the app with the refund left for whoever reads its answer."""
    app = instead_of_call(
        "if name == 'refund':\n    todo.append((name, args))\n    return " + answer + "\nresult = run(name, args)"
    )
    return app + WORK + more


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ("{'stream': (run(*each) for each in todo)}", {"stream": "refunded 0"}),
        ("[1, (map(lambda each: run(*each), todo), 2)]", [1, ["refunded 0", 2]]),
        ("{'stream': each()}", {"stream": "refunded 0"}),
        ("each()", "refunded 0"),
        ("iter([(run(*each) for each in todo)])", ["refunded 0"]),
        ("Reply(run(*each) for each in todo)", {"body": "refunded 0"}),
        ("Response(run(*each) for each in todo)", {"__type__": "Response", "body": "refunded 0"}),
        ("Lines()", "refunded 0"),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_answer_is_read_to_its_end_wherever_it_is_lazy(tmp_path, answer, output, kind):
    types = (
        "import dataclasses\n@dataclasses.dataclass\nclass Reply:\n    body: object\n"
        "class Response:\n    def __init__(self, body): self.body = body\n"
        "class Lines:\n    def __iter__(self): return (run(*each) for each in todo)\n"
    )
    replay = replayed(tmp_path, app=answering(answer, types).replace("def handle", f"{kind} handle"))
    assert (calls(replay), replay.outcome, replay.trace.output, replay.unseen) == (BOTH, "completed", output, ())


def test_coroutine_in_an_answer_is_awaited(tmp_path):
    app = answering("{'later': soon()}", "async def soon(): return run(*todo[0])\n")
    assert (calls(replay := replayed(tmp_path, app=app)), replay.trace.output) == (BOTH, {"later": "refunded 0"})


def test_generator_may_run_a_loop_of_its_own(tmp_path):
    app = answering("work()", "def work():\n    import asyncio\n    async def call(): return run(*todo[0])\n"
                              "    yield asyncio.run(call())\n")  # fmt: skip
    assert (calls(replay := replayed(tmp_path, app=app)), replay.outcome) == (BOTH, "completed")


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("lambda: run(*todo[0])", "app.handle.<locals>.<lambda>"),
        ("{'run': run}", "app.run"),
        ("[__import__('functools').partial(tools.refund, 'ord_1')]", "tools.refund"),
        ("Later()", "app.Later"),
    ],
)
def test_function_in_an_answer_passes_nothing(tmp_path, answer, name):
    app = answering(answer, "class Later:\n    def __call__(self): return run(*todo[0])\n")
    assert replayed(tmp_path, app=app).unseen == (f"the answer holds {name}, which nobody called",)


def test_answer_without_an_end_passes_nothing(tmp_path):
    replay = replayed(tmp_path, app=answering("__import__('itertools').count()"))
    assert replay.unseen == ("the answer comes in more than 100000 pieces",)


def test_answer_nested_too_deeply_passes_nothing(tmp_path):
    app = answering("deep('x')", "def deep(text):\n    for _ in range(120): text = [text]\n    return text\n")
    assert replayed(tmp_path, app=app).unseen == ("the answer is nested more than 100 deep",)


@pytest.mark.parametrize("answer", ["int", "{'at': __import__('math').sin}", "Loop()"])
def test_data_and_objects_with_a_cycle_are_no_work(tmp_path, answer):
    app = answering(answer, "class Loop:\n    def __init__(self): self.own = self\n")
    assert replayed(tmp_path, app=app).unseen == ()
