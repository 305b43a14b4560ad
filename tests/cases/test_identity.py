"""Who is named in the custody log."""

import subprocess

import pytest

from unrepeat.cases.identity import whoami


@pytest.fixture
def repository(tmp_path, monkeypatch):
    for name in ("UNREPEAT_USER", "USER", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def configure(repository, key, value):
    subprocess.run(["git", "-C", repository, "config", key, value], check=True)


def test_stated_name_comes_first(repository, monkeypatch):
    configure(repository, "user.name", "Ada")
    monkeypatch.setenv("UNREPEAT_USER", "ci-bot")
    assert whoami(repository) == "ci-bot"


def test_git_names_the_person(repository):
    configure(repository, "user.name", "Ada")
    configure(repository, "user.email", "ada@example.org")
    assert whoami(repository) == "Ada <ada@example.org>"


def test_login_name_is_the_last_resort(repository, monkeypatch):
    assert whoami(repository) == "unknown"
    monkeypatch.setenv("USER", "ada")
    assert whoami(repository) == "ada"


def test_control_characters_are_dropped(repository, monkeypatch):
    monkeypatch.setenv("UNREPEAT_USER", "Ada\x1b]52;c;x\x07\u202e")
    assert whoami(repository) == "Ada]52;c;x"
