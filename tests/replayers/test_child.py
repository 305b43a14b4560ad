"""What the child process hands over, gives back and puts boundaries in the place of."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import math
import pathlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.replayers.apps import BOUNDARIES, CALL, calls, replayed
from tests.replayers.recordings import APP, MODEL, TOOLS

from unrepeat.cases.errors import ReplayError
from unrepeat.replayers.child.answers import RecordedError, rebuild_error, revive
from unrepeat.replayers.child.json_form import to_json
from unrepeat.replayers.playback import Modes

BOTH = [("get_order", "exact"), ("refund", "exact")]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda each: st.lists(each) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), each),
)  # fmt: skip


class Colour(str, enum.Enum):  # noqa: UP042 - what many apps still have
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Money:
    amount: int
    currency: Colour = Colour.RED


@dataclasses.dataclass
class Basket:
    items: list[Money]


class Slotted:
    __slots__ = ("amount",)

    def __init__(self, amount: int) -> None:
        self.amount = amount


class Hidden:
    def __init__(self, amount: int) -> None:
        self._amount = amount


class Item(BaseModel):
    id: str


class Broken:
    @property
    def model_dump(self) -> Any:
        raise ValueError("no")


@given(json_values)
def test_json_stays_as_it_is(value):
    assert to_json(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (decimal.Decimal("10"), 10),
        (decimal.Decimal("10.50"), 10.5),
        (decimal.Decimal("0.1"), 0.1),
        (decimal.Decimal("1.00000000000000000001"), {"__number__": "1.00000000000000000001"}),
        (fractions.Fraction(1, 2), 0.5),
        (10**30, 1e30),
        (10**400, {"__int__": hex(10**400)}),
        (math.nan, {"__float__": "nan"}),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        ({Colour.RED: 1, 2: 3}, {"red": 1, "2": 3}),
        ({3, 1, 2}, [1, 2, 3]),
        ((1, 2), [1, 2]),
        (b"\xff", {"__bytes__": "/w=="}),
        (dt.date(2026, 3, 1), "2026-03-01"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (Money(3), {"amount": 3, "currency": "red"}),
        (Item(id="a"), {"id": "a"}),
        (Slotted(4), {"__type__": "Slotted", "amount": 4}),
        (dt.timedelta(seconds=1), {"__type__": "timedelta", "text": "0:00:01"}),
        ("\ud800", "?"),
    ],
)
def test_value_that_json_lacks_keeps_what_assertions_compare(value, expected):
    assert to_json(value) == expected


def test_objects_with_hidden_state_do_not_all_look_alike():
    assert to_json(Hidden(10)) != to_json(Hidden(1000))


def test_cycle_ends():
    cycle: list[Any] = [1]
    cycle += [cycle, cycle]
    assert to_json(cycle) == [1, *[{"__type__": "list", "__repeated__": True}] * 2]


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ({"amount": 3, "currency": "red"}, Money, Money(3)),
        ({"items": [{"amount": 3, "currency": "red"}]}, Basket, Basket([Money(3)])),
        ([{"amount": 3}], list[Money], [Money(3)]),
        ({"amount": 3}, Money | None, Money(3)),
        (None, Money | None, None),
        ([1, 2], set[int], {1, 2}),
        ([1, 2], tuple, (1, 2)),
        ({"id": "a"}, Item, Item(id="a")),
        ("red", Colour, Colour.RED),
        ("2026-03-01", dt.date, dt.date(2026, 3, 1)),
        ({"__bytes__": "/w=="}, bytes, b"\xff"),
        ("text", None, "text"),
        ({"a": 1}, dict, {"a": 1}),
    ],
)
def test_answer_comes_back_in_the_annotated_type(value, annotation, expected):
    assert revive(value, annotation) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("KeyError: 'x'", KeyError),
        ("app.Unknown: x", RecordedError),
        ("SystemExit: 1", RecordedError),
        ("?", RecordedError),
    ],
)
def test_recorded_error_is_raised_as_the_type_it_names(text, kind):
    assert type(rebuild_error(text, None)) is kind


def test_error_whose_constructor_wants_more_is_still_an_error():
    assert type(rebuild_error("UnicodeDecodeError: x", None)) is RecordedError


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ("from tools import get_order, refund", "globals()[name](**args)"),
        ("from tools import get_order as g, refund as r", "(g if name == 'get_order' else r)(**args)"),
        ("TABLE = {f.__name__: f for f in (tools.get_order, tools.refund)}", "TABLE[name](**args)"),
        ("LIST = [tools.get_order, [tools.refund]]", "(LIST[0] if name == 'get_order' else LIST[1][0])(**args)"),
        ("class R: pass\nR.held = {'get_order': (tools.get_order,), 'refund': (tools.refund,)}",
         "R.held[name][0](**args)"),
        ("import functools\nP = {n: functools.partial(getattr(tools, n)) for n in ('get_order', 'refund')}",
         "P[name](**args)"),
        ("def outer(f): return lambda **k: f(**k)\nC = {n: outer(getattr(tools, n)) for n in ('get_order', 'refund')}",
         "C[name](**args)"),
        ("def default(name, args, g=tools.get_order, r=tools.refund): return (g if name == 'get_order' else r)(**args)",
         "default(name, args)"),
    ],
)  # fmt: skip
def test_function_is_replaced_wherever_the_app_holds_it(tmp_path, before, call):
    app = APP.replace("import model, tools", f"import model, tools\n{before}").replace(
        "getattr(tools, name)(**args)", call
    )
    assert calls(replayed(tmp_path, app=app)) == BOTH


@pytest.mark.parametrize("wraps", ["@functools.wraps(function)", ""])
def test_decorated_function_named_by_itself_is_replaced(tmp_path, wraps):
    decorator = (
        f"import functools\ndef retried(function):\n    {wraps}\n    def call(*a, **k): return function(*a, **k)\n"
    )
    tools = decorator + "    return call\n" + TOOLS.replace("def get_order", "@retried\ndef get_order")
    bounds = {**BOUNDARIES, "tool": ("tools:get_order", "tools:refund")}
    replay = replayed(tmp_path, tools=tools, boundaries=bounds)
    assert [name for name, _ in calls(replay)][:1] == ["get_order"]


def test_cached_function_is_replaced(tmp_path):
    tools = TOOLS.replace("def get_order", "import functools\n@functools.lru_cache\ndef get_order")
    assert calls(replayed(tmp_path, tools=tools)) == BOTH


CLASS = """
class Desk:
    def get_order(self, order_id):
        raise RuntimeError("real")
    {decorator}
    def refund({first}order_id, amount=10):
        raise RuntimeError("real")
desk = Desk()
held = {{"get_order": desk.get_order, "refund": desk.refund}}
"""


@pytest.mark.parametrize(
    ("decorator", "first"), [("", "self, "), ("@staticmethod", ""), ("@classmethod", "cls, ")]
)  # fmt: skip
def test_methods_are_replaced_bound_ones_included(tmp_path, decorator, first):
    app = APP.replace("getattr(tools, name)(**args)", "tools.held[name](**args)")
    bounds = {**BOUNDARIES, "tool": ("tools:Desk.get_order", "tools:Desk.refund")}
    replay = replayed(tmp_path, app=app, tools=CLASS.format(decorator=decorator, first=first), boundaries=bounds)
    assert calls(replay) == BOTH


def test_inherited_method_is_replaced_for_the_named_class_only(tmp_path):
    tools = "class Base:\n    def refund(self, order_id, amount=10): return 'real'\nclass Desk(Base): pass\n"
    app = "import model, tools\ndef handle(text): return [tools.Base().refund('x'), tools.Desk().refund('ord_1')]\n"
    replay = replayed(tmp_path, app=app, tools=tools, boundaries={"tool": ("tools:Desk.refund",)})
    assert replay.trace.output == ["real", "refunded 0"]


def test_alias_in_the_same_module_is_one_boundary(tmp_path):
    app = APP.replace("getattr(tools, name)", "getattr(tools, name if name == 'refund' else 'look_up')")
    replay = replayed(tmp_path, app=app, tools=TOOLS + "\nlook_up = get_order\n")
    assert calls(replay) == BOTH


def test_function_named_by_itself_belongs_there_whatever_the_star_takes_in(tmp_path):
    source = MODEL + TOOLS
    app = APP.replace("import model, tools", "import tools as model, tools")
    bounds = {"tool": ("tools:*",), "model": ("tools:complete",)}
    assert replayed(tmp_path, app=app, tools=source, boundaries=bounds).limit is None


def test_signature_and_name_stay_for_frameworks_that_look(tmp_path):
    app = (
        "import inspect, model, tools\n"
        "def handle(text): return [str(inspect.signature(tools.refund)), tools.refund.__name__]\n"
    )
    assert replayed(tmp_path, app=app).trace.output == ["(order_id, amount=10)", "refund"]


@pytest.mark.parametrize("pattern", ["tools:nope", "nope:*", "tools:_*", "model:*"])
def test_boundary_that_names_no_function_is_refused(tmp_path, pattern):
    with pytest.raises(ReplayError):
        replayed(tmp_path, boundaries={**BOUNDARIES, "tool": (pattern,)})


def test_live_call_inside_of_a_live_call_has_its_path(tmp_path):
    tools = TOOLS.replace('raise RuntimeError("the real tool was called")', "return 'paid 10'", 1).replace(
        'raise RuntimeError("the real tool was called")', "return get_order(order_id)"
    )
    replay = replayed(tmp_path, tools=tools, modes=Modes(live=frozenset({"tool"})))
    assert [event.call_path for event in replay.events if event.kind == "tool"][-1] == ("tool:refund",)


def test_live_answer_of_any_type_is_stored(tmp_path):
    tools = TOOLS.replace('raise RuntimeError("the real tool was called")', "return {'at': {1, 2}, 'n': 10**40}", 1)
    replay = replayed(tmp_path, app=APP.replace(CALL, f"{CALL}; result = str(result)"), tools=tools,
                      modes=Modes(live=frozenset({"tool:get_order"})))  # fmt: skip
    assert replay.events[1].answer == {"at": [1, 2], "n": 1e40}
