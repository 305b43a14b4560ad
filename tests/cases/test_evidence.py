"""Any change of preserved evidence is named."""

import os

import pytest

from unrepeat.cases.errors import EvidenceError
from unrepeat.cases.evidence import manifest_text, read_manifest, verify

from .case_samples import create


@pytest.fixture
def case(tmp_path):
    return create(tmp_path / "incidents").folder.path


def problems(case):
    return [(each.file, each.kind) for each in verify(case)]


def test_untouched_case_has_no_problems(case):
    assert problems(case) == []


def test_case_yaml_may_be_edited(case):
    path = case / "case.yaml"
    path.write_text(path.read_text().replace("stranger", "wrong customer"))
    assert problems(case) == []


@pytest.mark.parametrize("name", ["trace.json", "evidence/chat.json"])
def test_changed_file_is_named(case, name):
    with (case / name).open("a") as file:
        file.write(" ")
    assert problems(case) == [(name, "changed")]


@pytest.mark.parametrize("name", ["trace.json", "evidence/chat.json"])
def test_missing_file_is_named(case, name):
    (case / name).unlink()
    assert problems(case) == [(name, "missing")]


def test_extra_file_is_named(case):
    (case / "evidence" / "new.txt").write_text("x")
    assert problems(case) == [("evidence/new.txt", "extra")]


def test_linked_evidence_is_named(case):
    (case / "evidence" / "link").symlink_to("/etc/passwd")
    assert problems(case) == [("evidence/link", "unsafe")]


def test_hard_linked_evidence_is_named_unless_allowed(case, tmp_path):
    os.link(case / "evidence" / "chat.json", tmp_path / "other")
    assert problems(case) == [("evidence/chat.json", "unsafe")]
    assert verify(case, hard_links=True) == []


def test_file_and_manifest_changed_together_are_noticed(case):
    (case / "evidence" / "chat.json").write_text("[1]")
    from unrepeat.cases.evidence import digest_folder

    (case / "manifest-sha256.txt").write_bytes(manifest_text(digest_folder(case)))
    assert problems(case) == [("manifest-sha256.txt", "manifest")]


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.upper(),
        lambda text: text + text,
        lambda text: text[:-1],
        lambda text: text + b"\n",
        lambda text: text.replace(b"  ", b" *"),
    ],
)
def test_manifest_in_another_form_is_refused(case, edit):
    path = case / "manifest-sha256.txt"
    path.write_bytes(edit(path.read_bytes()))
    assert "manifest" in [kind for _, kind in problems(case)]


def test_status_changed_by_hand_is_noticed(case):
    path = case / "case.yaml"
    path.write_text(f"status: recovered\n{path.read_text()}")
    assert problems(case) == [("case.yaml", "status")]


def test_broken_link_of_the_log_is_named_with_its_line(case):
    path = case / "custody.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Bob"))
    assert problems(case)[0] == ("custody.jsonl:1", "custody")


@pytest.mark.parametrize("name", ["manifest-sha256.txt", "custody.jsonl"])
def test_missing_bookkeeping_is_named(case, name):
    (case / name).unlink()
    assert (name, "missing") in problems(case)


def test_emptied_log_is_noticed(case):
    (case / "custody.jsonl").write_bytes(b"")
    assert problems(case) == [("custody.jsonl", "custody")]


def test_interrupted_edit_is_named(case):
    (case / ".unrepeat-edit").mkdir()
    assert problems(case) == [("inc-1", "interrupted")]


def test_manifest_is_sorted_and_reads_back():
    digests = {"trace.json": "b" * 64, "evidence/a": "a" * 64}
    text = manifest_text(digests)
    assert text.decode().splitlines() == [f"{'a' * 64}  evidence/a", f"{'b' * 64}  trace.json"]
    assert read_manifest(text, "m") == digests


@pytest.mark.parametrize("path", ["../x", "/x", "a\nb", "a\\b"])
def test_manifest_takes_safe_paths_only(path):
    with pytest.raises(EvidenceError):
        manifest_text({path: "a" * 64})
