"""The time of day in an interpreter, as the child process replaces it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from unrepeat.replayers import child_process

SHOWN = """
import importlib, runpy, sys
from datetime import date, datetime
from time import time
import datetime as module
class Before(datetime): pass
for _ in range(100): datetime.now(), Before.now()  # specialised by the interpreter by now
sys.path.insert(0, {folder!r})
import start
start.load_package()
{before}
clock = importlib.import_module("_unrepeat_child.clock").Clock(1_772_532_000_000_000_000)
how = importlib.import_module("_unrepeat_child.time_of_day").show(clock)
class After(datetime): pass
print(how, {asks})
"""


def shown(asks: str, before: str = "") -> str:
    """Return how the time is shown and what an expression gives then."""
    source = SHOWN.format(folder=str(Path(child_process.CHILD).parent), before=before, asks=asks)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["datetime", "module.datetime", "Before", "After"])
def test_type_that_was_imported_and_used_before_shows_the_time(name):
    assert shown(f"{name}.now().year, {name}.utcnow().year, {name}.today().year") == "replaced functions 2026 2026 2026"


def test_function_that_was_imported_before_shows_the_time():
    assert shown("time() // 86400") == "replaced functions 20515.0"


@pytest.mark.parametrize(
    "asks",
    [
        "datetime.now().year == module.datetime.today().year == date.today().year == After.now().year == 2026",
        "isinstance(Before.now(), datetime) and isinstance(datetime.now(), date)",
        "not isinstance(datetime.now(), After) and isinstance(After.now(), After)",
        "issubclass(datetime, date) and issubclass(Before, datetime) and not issubclass(date, datetime)",
        "datetime.strptime('2020-01-02', '%Y-%m-%d') == module.datetime(2020, 1, 2)",
    ],
)
def test_interpreter_whose_type_cannot_be_changed_gets_a_subclass_and_says_so(asks):
    without_ctypes = "sys.modules['ctypes'] = None"
    assert shown(asks, without_ctypes) == "replaced functions, datetime by a subclass True"
