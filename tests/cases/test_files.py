"""Writes that happen completely or not at all, also under kill -9."""

import os
import threading
import time

import pytest

from unrepeat.cases.errors import EvidenceError
from unrepeat.cases.files import TEMPORARY, editing, has_pending_edit, new_folder, settle, write_atomic
from unrepeat.cases.locks import locked

from .case_samples import in_child, killed_at

MAX_STEPS = 200


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_write_replaces_the_whole_file(tmp_path):
    write_atomic(tmp_path / "a", b"old and long")
    write_atomic(tmp_path / "a", b"new")
    assert contents(tmp_path) == {"a": "new"}


def test_write_replaces_a_link_instead_of_following_it(tmp_path):
    (tmp_path / "target").write_text("kept")
    (tmp_path / "a").symlink_to("target")
    write_atomic(tmp_path / "a", b"new")
    assert contents(tmp_path) == {"a": "new", "target": "kept"}


def test_failed_write_leaves_no_trace(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomic(tmp_path / "a", b"new")
    assert os.listdir(tmp_path) == ["a"]


def test_file_is_old_or_new_wherever_the_writer_is_killed(tmp_path):
    path = tmp_path / "a"
    for step in range(1, MAX_STEPS):
        path.write_text("old")
        killed = killed_at(step, lambda: write_atomic(path, b"new"))
        assert path.read_text() in ("old", "new")
        if not killed:
            break
    assert path.read_text() == "new"
    assert step > 2


def test_folder_appears_complete(tmp_path):
    with new_folder(tmp_path / "case") as building:
        (building / "a").write_text("1")
        assert not (tmp_path / "case").exists()
    assert contents(tmp_path) == {"case/a": "1"}


def test_failed_folder_leaves_nothing(tmp_path):
    def fail():
        with new_folder(tmp_path / "case") as building:
            (building / "a").write_text("1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert os.listdir(tmp_path) == []


def test_existing_folder_is_left_as_it_was(tmp_path):
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "a").write_text("kept")
    with pytest.raises(FileExistsError), new_folder(tmp_path / "case"):
        pass
    assert contents(tmp_path) == {"case/a": "kept"}


def test_left_over_folder_of_a_killed_run_is_removed_by_the_next(tmp_path):
    def start():
        with new_folder(tmp_path / "case") as building:
            (building / "a").write_text("1")
            os.kill(os.getpid(), 9)

    assert in_child(start) == -9
    assert [name for name in os.listdir(tmp_path) if name.startswith(TEMPORARY)]
    with new_folder(tmp_path / "case"):
        pass
    assert os.listdir(tmp_path) == ["case"]


def test_edit_changes_several_files_as_one(tmp_path):
    (tmp_path / "a").write_text("old")
    with editing(tmp_path) as edit:
        edit.write("a", b"new")
        edit.write("sub/b", b"new")
        assert contents(tmp_path)["a"] == "old"
    assert contents(tmp_path) == {"a": "new", "sub/b": "new"}


def test_abandoned_edit_changes_nothing(tmp_path):
    (tmp_path / "a").write_text("old")

    def fail():
        with editing(tmp_path) as edit:
            edit.write("a", b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert contents(tmp_path) == {"a": "old"}


def test_edit_is_all_or_nothing_wherever_the_writer_is_killed(tmp_path):
    def change():
        with editing(tmp_path) as edit:
            edit.write("a", b"new")
            edit.write("b", b"new")

    outcomes = []
    for step in range(1, MAX_STEPS):
        for name in ("a", "b"):
            (tmp_path / name).write_text("old")
        killed = killed_at(step, change)
        with locked(tmp_path):
            settle(tmp_path)
        outcomes.append(contents(tmp_path))
        if not killed:
            break
    assert {tuple(each.items()) for each in outcomes} == {(("a", "old"), ("b", "old")), (("a", "new"), ("b", "new"))}


def test_committed_edit_is_recognised(tmp_path):
    assert not has_pending_edit(tmp_path)
    (tmp_path / ".unrepeat-edit").mkdir()
    (tmp_path / ".unrepeat-edit" / "a").write_text("new")
    assert has_pending_edit(tmp_path)
    with editing(tmp_path):
        pass
    assert contents(tmp_path) == {"a": "new"}


def test_lock_keeps_others_out_and_names_the_folder(tmp_path):
    def second():
        with locked(tmp_path, wait_s=0.05):
            pass

    with locked(tmp_path), pytest.raises(EvidenceError, match="another unrepeat process") as caught:
        second()
    assert caught.value.where == str(tmp_path)


def test_lock_is_handed_on(tmp_path):
    order = []

    def second():
        with locked(tmp_path):
            order.append("second")

    with locked(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_lock_dies_with_its_process(tmp_path):
    def hold():
        with locked(tmp_path):
            os.kill(os.getpid(), 9)

    assert in_child(hold) == -9
    with locked(tmp_path, wait_s=0.05):
        pass
