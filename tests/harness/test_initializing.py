"""Init: a project that works, or nothing."""

from __future__ import annotations

import json
import tomllib

import pytest

from unrepeat.harness.config import load_project

from .command_line import ENVIRONMENT, call, files_of


def test_what_is_written_is_a_valid_configuration(tmp_path):
    args = ["--system", "desk", "--python", "desk.app:handle", "--tool", "desk.tools:*", "--model", "desk.llm:complete"]
    assert call("init", *args, cwd=tmp_path).code == 0
    system = load_project(tmp_path).config.systems["desk"]
    assert (system.python, system.boundaries.tool, system.boundaries.model) == (
        "desk.app:handle", ["desk.tools:*"], ["desk.llm:complete"]
    )  # fmt: skip


def test_without_arguments_the_configuration_is_to_be_filled_in(tmp_path):
    done = call("init", cwd=tmp_path)
    assert "fill in unrepeat.toml" in done.out
    assert list(load_project(tmp_path).config.systems) == ["app"]


def test_tenant_key_is_private_and_not_in_the_project(tmp_path):
    told = call("init", "--json", cwd=tmp_path).json
    assert told["tenant_key"] == ENVIRONMENT["UNREPEAT_TENANT_KEY_FILE"]
    assert set(files_of(tmp_path)) == {"unrepeat.toml", "incidents/case.schema.json", "incidents/.gitattributes"}


@pytest.mark.parametrize("name", ["unrepeat.toml", "pyproject.toml"])
def test_existing_configuration_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("[tool.unrepeat]\n" if name == "pyproject.toml" else "")
    before = files_of(tmp_path)
    assert call("init", cwd=tmp_path).code == 2
    assert files_of(tmp_path) == before


def test_configuration_above_does_not_stand_in_the_way(tmp_path):
    call("init", cwd=tmp_path)
    (tmp_path / "inner").mkdir()
    assert call("init", cwd=tmp_path / "inner").code == 0


def test_rules_for_git_that_are_there_are_kept(tmp_path):
    (tmp_path / "incidents").mkdir()
    (tmp_path / "incidents/.gitattributes").write_text("mine\n")
    assert call("init", cwd=tmp_path).code == 0
    assert (tmp_path / "incidents/.gitattributes").read_text() == "mine\n"


def test_file_where_cases_belong_is_refused_and_nothing_is_written(tmp_path):
    (tmp_path / "incidents").write_text("mine")
    assert call("init", cwd=tmp_path).code == 2
    assert files_of(tmp_path) == {"incidents": b"mine"}


NAMES = ["a.b", "my desk", 'x"]\n[evil', "é😀", "'", "\\", "a\nb", "", "[x]", "#", "\x7f"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_system_of_any_name_is_that_system(tmp_path, name):
    call("init", "--system", name, cwd=tmp_path)
    assert list(tomllib.loads((tmp_path / "unrepeat.toml").read_text())["systems"]) == [name]


@pytest.mark.parametrize("entry", ["app", "app:", ":f", "app:f()", "a b:f", "app:f\n[x]", '"', "app:f\x00"], ids=ascii)
def test_callable_that_is_none_is_refused_and_nothing_is_written(tmp_path, entry):
    done = call("init", "--python", entry, cwd=tmp_path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert files_of(tmp_path) == {}


def test_init_then_import_then_show_is_a_way_that_works(tmp_path):
    call("init", "--python", "app:handle", cwd=tmp_path)
    chat = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}]}
    (tmp_path / "chat.json").write_text(json.dumps(chat))
    call("import", "chat.json", "--id", "i1", cwd=tmp_path)
    assert call("show", "i1", "--json", cwd=tmp_path).json["case"]["system"] == "app"


def test_program_is_described_by_its_command(tmp_path):
    args = ["--system", "desk", "--command", "node 'dist/my agent.js' --quiet", "--tool", "refund"]
    assert call("init", *args, cwd=tmp_path).code == 0
    system = load_project(tmp_path).config.systems["desk"]
    assert system.command == ["node", "dist/my agent.js", "--quiet"]
    assert system.boundaries.tool == ["refund"]


def test_deployment_is_described_by_its_url(tmp_path):
    assert "next: unrepeat doctor" in call("init", "--url", "http://127.0.0.1:8080/tickets", cwd=tmp_path).out
    assert load_project(tmp_path).config.systems["app"].url == "http://127.0.0.1:8080/tickets"


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--python", "a:b", "--command", "c"], "exclude each other"),
        (["--command", "node 'agent.js"], "expected a command as in a shell"),
        (["--command", ""], "at least 1 item"),
        (["--url", "staging:8080"], "url"),
    ],
)
def test_description_that_is_none_writes_nothing(tmp_path, args, complaint):
    done = call("init", *args, cwd=tmp_path)
    assert done.code == 2
    assert complaint in done.err
    assert files_of(tmp_path) == {}
