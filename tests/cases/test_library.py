"""Case folders: created whole, found, loaded, moved through their life."""

import os
import subprocess

import pytest

from unrepeat.cases import evidence, library
from unrepeat.cases.custody import Act, read
from unrepeat.cases.errors import CaseError, EvidenceError

from .case_samples import ACT, CASE, NOON, create, document, in_child, killed_at


@pytest.fixture
def incidents(tmp_path):
    return tmp_path / "incidents"


def entries(folder):
    found, problems = read((folder.path / "custody.jsonl").read_bytes())
    assert problems == []
    return found


def test_created_case_is_loaded_with_its_traces(incidents):
    loaded = create(incidents)
    assert loaded.case.title == "Refund to a stranger"
    assert loaded.document == document()
    assert set(loaded.digests) == {"case", "trace", "evidence", "custody"}


def test_created_case_is_checkable_with_sha256sum(incidents):
    folder = create(incidents, files={"chat.json": b"[]", "sub/config.toml": b""}).folder.path
    done = subprocess.run(["sha256sum", "-c", "manifest-sha256.txt"], cwd=folder, capture_output=True, check=False)
    assert done.stdout.decode().splitlines() == [
        "evidence/chat.json: OK",
        "evidence/sub/config.toml: OK",
        "trace.json: OK",
    ]


def test_creation_is_the_first_entry_of_the_custody_log(incidents):
    loaded = create(incidents)
    first = entries(loaded.folder)[0]
    assert (first.action, first.who, first.tool, first.reason) == ("created", ACT.who, ACT.tool, ACT.reason)
    assert first.after["evidence"] == loaded.digests["evidence"]


def test_case_without_a_trace_has_no_traces(incidents):
    loaded = library.create(incidents / "inc-1", CASE, None, {}, ACT)
    assert (loaded.document.traces, loaded.digests["trace"]) == ((), "")
    assert evidence.verify(loaded.folder.path) == []


def test_existing_case_is_not_overwritten(incidents):
    before = create(incidents).digests
    with pytest.raises(CaseError, match="expected a new case"):
        create(incidents, files={})
    assert library.load(incidents / "inc-1").digests == before


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "con", "e\u0301"])
def test_unsafe_evidence_name_creates_nothing(incidents, name):
    with pytest.raises(EvidenceError):
        create(incidents, files={name: b""})
    assert os.listdir(incidents) == []


def test_invalid_case_creates_nothing(incidents):
    with pytest.raises(CaseError):
        create(incidents, text="id: inc-1\n")
    assert not incidents.exists()


def test_folder_name_must_be_the_id(incidents):
    with pytest.raises(CaseError, match="expected a folder named 'inc-1'"):
        create(incidents, case_id="inc-2")


def test_killed_creation_leaves_nothing_or_a_whole_case(incidents):
    incidents.mkdir()
    step = 0
    while True:
        step += 1
        killed = killed_at(step, lambda: create(incidents))
        found = library.list_cases(incidents)
        if found:
            assert evidence.verify(found[0].path) == []
            break
        assert killed
    assert step > 10


@pytest.mark.parametrize("name", ["inc-1", "INC-1", "Inc-1"])
def test_case_is_found_by_id_in_any_case(incidents, name):
    create(incidents)
    assert library.find(incidents, name).id == "inc-1"


@pytest.mark.parametrize("suffix", ["", "/", "/case.yaml"])
def test_case_is_found_by_path(incidents, suffix):
    create(incidents)
    assert library.find(incidents / "elsewhere", f"{incidents}/inc-1{suffix}").id == "inc-1"


def test_unknown_id_names_the_nearest(incidents):
    create(incidents)
    with pytest.raises(CaseError, match="Did you mean 'inc-1'"):
        library.find(incidents, "inc-11")


@pytest.mark.parametrize("name", ["../..", "", ".", "con", "a\0b"])
def test_nonsense_is_not_found(incidents, name):
    create(incidents)
    with pytest.raises(CaseError, match="expected the id or path of a case"):
        library.find(incidents, name)


def test_missing_library_has_no_cases(incidents):
    assert library.list_cases(incidents) == []


def test_unfinished_folders_are_passed_over(incidents):
    create(incidents)
    (incidents / ".unrepeat-tmp-1").mkdir()
    (incidents / ".unrepeat-tmp-1" / "case.yaml").write_text(CASE)
    assert [each.id for each in library.list_cases(incidents)] == ["inc-1"]


def test_part_of_a_case_is_listed_so_that_loading_fails(incidents):
    folder = create(incidents).folder
    (folder.path / "case.yaml").unlink()
    assert [each.id for each in library.list_cases(incidents)] == ["inc-1"]
    with pytest.raises(CaseError, match=r"case\.yaml: expected a readable file"):
        library.load(folder)


def test_changed_trace_is_refused(incidents):
    folder = create(incidents).folder
    path = folder.path / "trace.json"
    path.write_bytes(path.read_bytes().replace(b"I refunded it.", b"I did nothing."))
    with pytest.raises(EvidenceError, match="expected the preserved file"):
        library.load(folder)


@pytest.mark.parametrize("name", ["case.yaml", "trace.json", "manifest-sha256.txt", "custody.jsonl"])
def test_linked_file_is_refused(incidents, tmp_path, name):
    folder = create(incidents).folder
    (folder.path / name).rename(tmp_path / name)
    (folder.path / name).symlink_to(tmp_path / name)
    with pytest.raises(EvidenceError, match="symbolic link"):
        library.load(folder)


@pytest.mark.parametrize("name", ["manifest-sha256.txt", "custody.jsonl"])
def test_case_without_manifest_or_log_is_refused(incidents, name):
    folder = create(incidents).folder
    (folder.path / name).unlink()
    with pytest.raises(EvidenceError, match=f"{name}: expected a readable file"):
        library.load(folder)


def test_renamed_folder_is_refused(incidents):
    path = create(incidents).folder.path.rename(incidents / "inc-9")
    with pytest.raises(CaseError, match="expected id 'inc-9' like its folder"):
        library.load(path)


def test_case_moves_through_its_life(incidents):
    folder = create(incidents).folder
    for status in ("fixed", "recovered"):
        assert library.update_status(folder, status, ACT).status == status
    library.update_status(folder, "retired", ACT, owner="Grace")
    logged = entries(folder)
    assert [each.after["status"] for each in logged] == ["open", "fixed", "recovered", "retired"]
    assert (logged[-1].reason, logged[-1].details) == ("testing", {"owner": "Grace"})
    assert evidence.verify(folder.path) == []


def test_comments_survive_a_change_of_status(incidents):
    folder = create(incidents).folder
    library.update_status(folder, "fixed", ACT)
    text = (folder.path / "case.yaml").read_text()
    assert text == CASE.replace("title:", "status: fixed\ntitle:")


@pytest.mark.parametrize(
    ("status", "message"), [("recovered", "expected fixed after open"), ("open", "which it has already")]
)
def test_steps_are_not_skipped(incidents, status, message):
    folder = create(incidents).folder
    with pytest.raises(CaseError, match=message):
        library.update_status(folder, status, ACT, owner="Grace")
    assert len(entries(folder)) == 1


@pytest.mark.parametrize(
    ("owner", "reason", "missing"), [("", "why", "owner"), ("Grace", " ", "reason"), ("", "", "owner and no reason")]
)
def test_retiring_needs_owner_and_reason(incidents, owner, reason, missing):
    folder = create(incidents).folder
    act = Act("Ada", NOON, "unrepeat 0.1.0", reason)
    with pytest.raises(CaseError, match=f"to retire a case, got no {missing}"):
        library.update_status(folder, "retired", act, owner=owner)


def test_reopening_needs_owner_and_reason(incidents):
    folder = create(incidents).folder
    library.update_status(folder, "fixed", ACT)
    with pytest.raises(CaseError, match="to reopen a case, got no owner"):
        library.update_status(folder, "open", ACT)
    assert library.update_status(folder, "open", ACT, owner="Grace").status == "open"


def test_draft_cannot_be_fixed(incidents):
    folder = create(incidents, text="id: inc-1\ntitle: x\nassert: []\n").folder
    with pytest.raises(CaseError, match=r"got a draft as fixed\. Fill in `assert`"):
        library.update_status(folder, "fixed", ACT)


def test_killed_change_of_status_is_all_or_nothing(incidents):
    folder = create(incidents).folder
    for step in range(1, 200):
        killed = killed_at(step, lambda: library.update_status(folder, "fixed", ACT))
        status = library.load(folder).case.status
        assert evidence.verify(folder.path) == []
        if status == "fixed":
            break
        assert killed
    assert step > 5


def test_added_evidence_is_preserved(incidents):
    folder = create(incidents).folder
    digest = library.add_evidence(folder, "deploy.yaml", b"v41", "deployment", ACT)
    assert library.load(folder).digests["evidence"] == digest
    assert evidence.verify(folder.path) == []
    assert entries(folder)[-1].details == {"file": "evidence/deploy.yaml", "kind": "deployment"}


def test_evidence_is_never_replaced(incidents):
    folder = create(incidents).folder
    with pytest.raises(EvidenceError, match="expected a new name"):
        library.add_evidence(folder, "chat.json", b"other", "other", ACT)


@pytest.mark.parametrize("name", ["CHAT.json", "../x", "a/../../x"])
def test_unsafe_evidence_is_not_added(incidents, name):
    folder = create(incidents).folder
    with pytest.raises(EvidenceError):
        library.add_evidence(folder, name, b"", "other", ACT)
    assert evidence.verify(folder.path) == []


def test_evidence_is_not_added_to_a_changed_case(incidents):
    folder = create(incidents).folder
    (folder.path / "evidence" / "chat.json").write_text("changed")
    with pytest.raises(EvidenceError, match="changed after it was preserved"):
        library.add_evidence(folder, "a", b"", "other", ACT)


def test_writers_at_the_same_time_lose_nothing(incidents):
    folder = create(incidents).folder
    children = []
    for number in range(6):
        child = os.fork()
        if child == 0:
            status = in_child(lambda number=number: library.add_evidence(folder, f"f{number}", b"x", "other", ACT))
            os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    assert evidence.verify(folder.path) == []
    assert len(entries(folder)) == 7
