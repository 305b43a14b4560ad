"""What keeps every version from being replayed is no outcome of one: no verdict, exit code 2, a fault in a gate."""

from __future__ import annotations

import socket

import pytest
from tests.harness.command_line import call
from tests.harness.gate_project import edit, protected
from tests.harness.refund_project import make_project

from unrepeat.replayers.isolation import ladder


@pytest.fixture
def unheld(monkeypatch):
    """A machine without any isolation but that of the child itself."""
    monkeypatch.setattr(ladder, "_obstacle", lambda level: "" if level in ("guard", "none") else "not here")


@pytest.mark.parametrize("words", [("prove", "inc-1"), ("replay", "inc-1")])
def test_isolation_that_cannot_be_had_is_no_verdict(tmp_path, unheld, words):
    make_project(tmp_path)
    edit(tmp_path / "unrepeat.toml", "timeout_s = 5", 'isolation = "landlock"')
    done = call(*words, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "expected landlock, which cannot be had here: not here" in done.err
    assert not [*tmp_path.glob(".unrepeat/results/**/*.json")]


def test_gate_tells_a_case_that_could_not_be_run(tmp_path, unheld):
    project = protected(tmp_path / "project")
    edit(project / "unrepeat.toml", "timeout_s = 5", 'isolation = "netns"')
    done = call("gate", "--json", cwd=project)
    assert [each["rule"] for each in done.json["cases"]] == ["could-not-run"], done.json
    assert done.code == 1


def test_deployment_that_cannot_be_reached_is_no_verdict(tmp_path):
    make_project(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    described = f'url = "http://127.0.0.1:9/"\nlisten = "127.0.0.1:{port}"'
    edit(tmp_path / "unrepeat.toml", 'python = "app:handle"', described)
    done = call("prove", "inc-1", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "expected a deployment at http://127.0.0.1:9/, got [Errno" in done.err
