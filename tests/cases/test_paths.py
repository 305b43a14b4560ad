"""Names of preserved files that are safe everywhere."""

import os

import pytest

from unrepeat.cases.errors import EvidenceError
from unrepeat.cases.paths import refuse_collisions, safe_relative, walk_files


@pytest.mark.parametrize(
    "path", ["trace.json", "a/b/c.txt", "Größe.txt", "日本.json", ".hidden", "a b.txt", "console.txt"]
)
def test_ordinary_names_are_accepted(path):
    assert safe_relative(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "../a",
        "a/../b",
        "/etc/passwd",
        "a//b",
        ".",
        "",
        "a/",
        "C:\\x",
        "c:x",
        "a\\b",
        "con",
        "NUL.txt",
        "lpt1.json",
        "com¹",
        "a\nb",
        "a\x1bb",
        "gnp\u202etxt",
        "e\u0301.txt",
        "zero\u200bwidth",
        "a.",
        "a ",
        " a",
        "x?",
        "x" * 256,
        "a\ud800",
    ],
)
def test_unsafe_names_are_refused(path):
    with pytest.raises(EvidenceError, match="expected a name"):
        safe_relative(path)


@pytest.mark.parametrize(("one", "other"), [("A.txt", "a.TXT"), ("straße", "STRASSE"), ("d/x", "D/x")])
def test_names_that_differ_in_case_only_are_refused(one, other):
    with pytest.raises(EvidenceError, match="differ in more than case"):
        refuse_collisions([one, other])


def test_symbolic_link_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(EvidenceError, match="symbolic link"):
        list(walk_files(tmp_path))


def test_symbolic_link_to_a_folder_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(EvidenceError, match="symbolic link"):
        list(walk_files(tmp_path))


def test_hard_link_is_refused_unless_allowed(tmp_path):
    (tmp_path / "a").write_text("x")
    os.link(tmp_path / "a", tmp_path / "b")
    with pytest.raises(EvidenceError, match="hard link"):
        list(walk_files(tmp_path))
    assert list(walk_files(tmp_path, hard_links=True)) == ["a", "b"]


def test_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EvidenceError, match="device, pipe or socket"):
        list(walk_files(tmp_path))
