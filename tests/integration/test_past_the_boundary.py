"""Ways past a boundary: the real function never runs unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.replayers.apps import BOUNDARIES, calls, instead_of_call, replayed
from tests.replayers.recordings import APP, TOOLS

from unrepeat.cases.errors import ReplayError
from unrepeat.replayers.playback import Modes

BOTH = [("get_order", "exact"), ("refund", "exact")]
CACHED = TOOLS.replace("def refund", "import functools\n@functools.cache\ndef refund")
SHOP = """
class Shop:
    def get_order(self, order_id): raise RuntimeError("real")
    def refund(self, order_id, amount=10): raise RuntimeError("real")
"""
METHODS = {**BOUNDARIES, "tool": ("tools:Shop.get_order", "tools:Shop.refund")}


@pytest.fixture
def harmful(tmp_path):
    """Tools whose real refund leaves a file behind, and that file."""
    harm = tmp_path / "harm"
    write = f"open({str(harm)!r}, 'w').write('refunded')"
    yield TOOLS.replace('10):\n    raise RuntimeError("the real tool was called")', f"10):\n    {write}"), harm
    assert not harm.exists()


def calling(way: str, before: str = "") -> str:
    """Return the app with another way to call the refund."""
    return f"import model, tools\n{before}\n" + instead_of_call(
        f"result = {way}(**args) if name == 'refund' else run(name, args)"
    )


@pytest.mark.parametrize(
    ("tools", "way"),
    [
        (CACHED + "\nTABLE = (refund,)\n", "tools.TABLE[0]"),
        (CACHED + "\nclass Box:\n    refund = staticmethod(refund)\n", "tools.Box.refund"),
        (CACHED, "tools.refund.__wrapped__"),
        (TOOLS + "\nimport types\nCOPY = (types.FunctionType(refund.__code__, globals()),)\n", "tools.COPY[0]"),
        (TOOLS + "\nimport functools\n@functools.wraps(refund)\ndef logged(*a, **k): return refund(*a, **k)\n"
         "class Box:\n    inner = staticmethod(logged.__wrapped__)\n", "tools.Box.inner"),
    ],
)  # fmt: skip
def test_part_or_copy_that_the_app_holds_leads_to_the_boundary(tmp_path, tools, way):
    assert calls(replayed(tmp_path, app=calling(way), tools=tools)) == BOTH


def test_file_imported_under_two_names_is_one_boundary(tmp_path):
    """As with a folder on the import path twice: ``tools`` and ``desk.tools``."""
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk/__init__.py").write_text("")
    (tmp_path / "desk/tools.py").symlink_to(tmp_path / "tools.py")
    assert calls(replayed(tmp_path, app=calling("desk.tools.refund", "import desk.tools"))) == BOTH


@pytest.mark.parametrize(
    ("way", "before"),
    [
        ("importlib.reload(tools).refund", "import importlib"),
        ("runpy.run_path(tools.__file__)['refund']", "import runpy"),
        ("load()", "import importlib.util\ndef load():\n"
                   "    spec = importlib.util.spec_from_file_location('again', tools.__file__)\n"
                   "    again = importlib.util.module_from_spec(spec)\n"
                   "    spec.loader.exec_module(again)\n    return again.refund"),
    ],
)  # fmt: skip
def test_second_loading_of_boundaries_ends_the_replay(tmp_path, harmful, way, before):
    replay = replayed(tmp_path, app=calling(way, before), tools=harmful[0])
    assert replay.outcome == "crashed"
    assert "tools.py was loaded again after its functions had become boundaries" in replay.error


@pytest.mark.parametrize(
    "way",
    [
        "(lambda **args: exec(CODE))",
        "types.FunctionType(CODE, vars(tools))",
        "(lambda **args: setattr(run, '__code__', CODE))",
    ],
)
def test_kept_code_of_a_boundary_ends_the_replay(tmp_path, harmful, way):
    replay = replayed(tmp_path, app=calling(way, "import types\nCODE = tools.refund.__code__"), tools=harmful[0])
    assert replay.outcome == "crashed"
    assert "the code of refund (tools.py:5) was taken past its boundary" in replay.error


def test_app_that_catches_everything_cannot_hide_the_way_past(tmp_path, harmful):
    app = instead_of_call(
        "import importlib\ntry: result = importlib.reload(tools).refund(**args)\nexcept BaseException: result = 'ok'"
    )
    assert replayed(tmp_path, app=app, tools=harmful[0]).outcome == "crashed"


@pytest.mark.parametrize(
    "before",
    [
        "SHOP = tools.Logged()",
        "class Own(tools.Shop):\n    def refund(self, order_id, amount=10): return 1\nSHOP = Own()",
    ],
)
def test_override_of_a_method_is_the_boundary_too(tmp_path, before):
    tools = SHOP + "class Logged(Shop):\n    def refund(self, order_id, amount=10): return 'real'\n"
    app = APP.replace("getattr(tools, name)", "getattr(SHOP, name)") + before
    assert calls(replayed(tmp_path, app=app, tools=tools, boundaries=METHODS)) == BOTH


def test_override_in_a_class_that_is_defined_later_is_the_boundary_too(tmp_path):
    app = instead_of_call(
        "class Late(tools.Shop):\n    def refund(self, order_id, amount=10): return 'real'\n"
        "result = getattr(Late(), name)(**args)"
    )
    assert calls(replayed(tmp_path, app=app, tools=SHOP, boundaries=METHODS)) == BOTH


def test_override_that_goes_on_to_the_method_is_code_of_the_app(tmp_path):
    """A guard in a subclass is a fix: its refusal is no call."""
    tools = SHOP + (
        "class Guarded(Shop):\n    def refund(self, order_id, amount=10):\n"
        "        return 'refused' if order_id == 'ord_1' else super().refund(order_id, amount)\n"
    )
    app = APP.replace("getattr(tools, name)", "getattr(tools.Guarded(), name)")
    assert calls(replayed(tmp_path, app=app, tools=tools, boundaries=METHODS)) == BOTH[:1]


def test_class_with_a_hook_for_its_subclasses_keeps_it(tmp_path):
    tools = SHOP.replace("class Shop:", "class Shop:\n    known = []\n    def __init_subclass__(cls, label): "
                         "Shop.known.append(label)")  # fmt: skip
    late = "class Late(tools.Shop, label='late'): pass"
    app = f"import model, tools\ndef handle(text):\n    {late}\n    return tools.Shop.known"
    replay = replayed(tmp_path, app=app, tools=tools, boundaries={"tool": ("tools:Shop.refund",)})
    assert replay.trace.output == ["late"]


def test_live_call_runs_what_its_boundary_is_made_of(tmp_path):
    tools = CACHED.replace('raise RuntimeError("the real tool was called")', "return 'refunded 0'")
    replay = replayed(tmp_path, tools=tools, modes=Modes(live=frozenset({"tool:refund"})))
    assert (calls(replay), replay.events[3].mode, replay.limit) == (BOTH, "live", None)


DISPATCHER = "\ndef execute(name, arguments): return globals()[name](**arguments)\n"
BY_NAME = {**BOUNDARIES, "tool": ("tools:execute(name, arguments)",)}


def test_call_past_the_function_that_runs_tools_ends_the_replay(tmp_path, harmful):
    app = calling("tools.refund").replace("getattr(tools, name)(**args)", "tools.execute(name, args)")
    replay = replayed(tmp_path, app=app, tools=harmful[0] + DISPATCHER, boundaries=BY_NAME)
    assert (replay.outcome, calls(replay)) == ("crashed", BOTH[:1])
    assert "tools.refund is called like a recorded tool and is no boundary, and was called past the one" in replay.error


def test_function_that_runs_tools_for_real_may_call_them(tmp_path):
    tools = TOOLS.replace('raise RuntimeError("the real tool was called")', "return 'paid 10'", 1) + DISPATCHER
    app = APP.replace("getattr(tools, name)(**args)", "tools.execute(name, args)")
    live = Modes(live=frozenset({"tool:get_order"}))
    replay = replayed(tmp_path, app=app, tools=tools, boundaries=BY_NAME, modes=live)
    assert (calls(replay), replay.limit) == (BOTH, None)


def test_tool_in_another_module_than_its_boundary_is_not_run(tmp_path, harmful):
    """A candidate that moved a tool, while the configuration names the old place."""
    tmp_path.joinpath("moved.py").write_text(harmful[0])
    replay = replayed(tmp_path, app=calling("moved.refund", "import moved"))
    assert replay.outcome == "crashed"
    assert 'Name it under boundaries.tool ("moved:refund")' in replay.error


def test_wrapper_of_a_boundary_with_its_name_is_code_of_the_app(tmp_path):
    wrapper = "def refund(**args): return tools.refund(**args)"
    assert calls(replayed(tmp_path, app=calling("refund", wrapper))) == BOTH


@pytest.mark.parametrize(
    ("tools", "name"),
    [
        (TOOLS, "tools.refund"),
        (TOOLS.replace("def refund", "def _pay") + "\nrefund = _pay\n", "tools._pay"),
        (TOOLS.replace("def refund", "def _pay") + "\nTOOLS = {'refund': _pay}\n", "tools._pay"),
        (TOOLS + "\nclass Tool:\n    def __init__(self, function): self.function = function\nrefund = Tool(refund)\n",
         "tools.refund"),
        (TOOLS.replace("def refund", "class Desk:\n  @staticmethod\n  def pay") + "\nTOOLS = {'refund': Desk.pay}\n",
         "tools.Desk.pay"),
    ],
)  # fmt: skip
def test_recorded_tool_that_is_no_boundary_keeps_the_version_from_starting(tmp_path, tools, name):
    with pytest.raises(ReplayError) as caught:
        replayed(tmp_path, tools=tools, boundaries={**BOUNDARIES, "tool": ("tools:get_order",)})
    assert str(caught.value) == (
        f"system desk (app:handle): {name} is called like a recorded tool and is no boundary: it would run for real. "
        f'Name it under boundaries.tool ("{name.replace(".", ":", 1)}"), or under allow_live ("tool:refund"), '
        "in unrepeat.toml"
    )


@pytest.mark.parametrize(
    "tools", [TOOLS.replace("def refund", "class Desk:\n  def refund"), "def get_order(order_id): 0"]
)
def test_method_of_that_name_or_no_function_at_all_is_no_tool(tmp_path, tools):
    app = "import model, tools\ndef handle(text): return tools.get_order('ord_1')\n"
    assert replayed(tmp_path, app=app, tools=tools, boundaries={"tool": ("tools:get_order",)}).outcome == "completed"


def test_tool_that_may_run_for_real_needs_no_boundary(tmp_path):
    bounds = {**BOUNDARIES, "tool": ("tools:get_order",)}
    replay = replayed(tmp_path, boundaries=bounds, allow_live=frozenset({"tool:refund"}))
    assert "the real tool was called" in replay.error


def test_entry_may_be_called_like_a_recorded_tool(tmp_path):
    app = APP.replace("def handle(text)", "def refund(text)") + "\nhandle = refund\n"
    assert calls(replayed(tmp_path, app=app)) == BOTH


def test_tool_in_a_module_that_is_loaded_late_passes_nothing(tmp_path):
    Path(tmp_path / "late.py").write_text("def refund(order_id, amount=10): return 'refunded 0'\n")
    replay = replayed(tmp_path, app=calling("__import__('late').refund"))
    assert replay.unseen == ("late.refund, called like a recorded tool, was loaded late",)
