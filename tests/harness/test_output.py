"""What commands print for machines, and while people wait."""

from __future__ import annotations

import json
import math
import os
import pty
import re
import sys

import msgspec
import pytest

from unrepeat.harness.output import print_json
from unrepeat.reports.case_view import CaseRow
from unrepeat.reports.documents import DEEPEST, encoded

from .command_line import command, desk, environment


class Point(msgspec.Struct, tag="point", omit_defaults=True):
    """A struct with a default."""

    x: object = None
    y: int = 0


def decoded(value):
    """Return a value by way of JSON."""
    return json.loads(encoded(value))


@pytest.mark.parametrize("value", [None, True, 7, 2**70, 1.5, "é\u202e", [], {}, {"a": [1, {"b": None}]}], ids=repr)
def test_what_json_has_is_kept(value):
    assert decoded(value) == value


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_number_that_json_lacks_is_written_as_text(number):
    assert decoded([number]) == [str(number)]


def test_lone_surrogate_is_written_as_its_escape():
    assert decoded({"\ud800": "a\udcff\n"}) == {"\\ud800": "a\\udcff\n"}


def test_structs_and_dataclasses_are_objects():
    assert decoded([Point(x=1), CaseRow("i1", "t")])[0] == {"type": "point", "x": 1}
    assert decoded([CaseRow("i1", "t")])[0]["title"] == "t"


def test_nesting_without_end_is_cut():
    value: object = "x"
    for _ in range(50_000):
        value = [value]
    assert encoded(value).count(b"[") <= 2 * DEEPEST + 400


def test_json_is_utf8_whatever_the_terminal(capfdbinary, monkeypatch):
    with open(1, "w", encoding="ascii", closefd=False) as ascii_only:
        monkeypatch.setattr(sys, "stdout", ascii_only)
        print_json({"title": "é"})
        monkeypatch.undo()
    assert json.loads(capfdbinary.readouterr().out.decode()) == {"title": "é"}


def on_a_terminal(args, cwd):
    """Run a command on a terminal and return what it writes there."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        os.execve(sys.executable, command(*args), environment(TERM="xterm", COLUMNS="100"))
    written = bytearray()
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    return code, written.decode()


def test_progress_is_shown_on_a_terminal_and_wiped(tmp_path):
    code, text = on_a_terminal(["prove", "inc-wrong-account", "--candidate", "v2"], desk(tmp_path / "desk"))
    assert code == 0
    assert "inc-wrong-account: replaying the candidate v2 …" in text
    assert re.search(r"once more[^\n]*? …\r\x1b\[2K[^\n]*inc-wrong-account", text)


def test_progress_cannot_be_told_to_write_escapes(tmp_path):
    project = desk(tmp_path / "desk")
    name = "\x1b]52;c;QQ\x07.json"
    (project / name).write_bytes((project / "traces/wrong-account.json").read_bytes())
    _, text = on_a_terminal(["import", name, "--accept", "none"], project)
    assert "\x1b]52" not in text
    assert "reading \\x1b]52;c;QQ\\x07.json" in text
