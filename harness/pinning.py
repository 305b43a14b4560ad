"""Both sides of a change: the policy and the cases of the base revision, and those of the working tree."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..cases import custody, evidence
from ..cases.case import read_case
from ..cases.errors import ConfigError, UnrepeatError
from ..cases.files import PENDING, has_pending_edit
from ..cases.library import list_cases
from ..scorers.gate_result import GateProblem
from .base_revision import BaseRevision
from .config import FILE, PYPROJECT, Config, Project, config_in
from .gate_facts import INTERRUPTED_EDIT
from .pins import Pinned, compare
from .policy import GatePolicy, policy_changes

_FILES = (evidence.CASE, evidence.MANIFEST, custody.FILE_NAME)
_Contents = dict[str, dict[str, bytes] | str]
"""The files above by case id and name; a text says why a case cannot be read."""


@dataclass(frozen=True, slots=True)
class Base:
    """What the base revision says about a change."""

    label: str
    """The revision as typed, and the commit it names."""
    policy: GatePolicy
    """The policy that holds."""
    config: Config
    """The whole configuration."""
    read: Callable[[str], bytes | None]
    """Returns a file as the revision has it, by its path relative to the project; None where there is none."""
    case_ids: frozenset[str]
    problems: tuple[GateProblem, ...]


def read_base(project: Project, library: Path | None, name: str) -> Base:
    """Compare a project with a revision of its repository.

    Args:
        project: The project as the change has it.
        library: The folder of cases that was asked for; None for the project's own.
        name: The revision.

    Raises:
        ConfigError: The revision or its configuration cannot be read.
    """
    revision = BaseRevision(project.root, name)
    then = _configured(revision, project.root.resolve())
    known = then.config
    moved = then.file is not None and (project.file is None or then.file != project.root.resolve() / project.file.name)
    # Where another configuration decides now, the cases of the base's stay pinned where they were.
    own = then.root / known.incidents if moved else project.incidents
    before = _library_then(revision, library if library is not None else then.root / known.incidents)
    now = _library_now(library if library is not None else own)
    problems = (
        *_moved(revision, then.file if moved else None),
        *_policy(known.gate, project.config.gate),
        *_systems(known, project.config),
        *_compared(before, now, known.gate),
    )
    return Base(
        label=f"{name} ({revision.commit[:12]})",
        policy=known.gate,
        config=known,
        read=lambda path: revision.read(then.root / path),
        case_ids=frozenset(before),
        problems=problems,
    )


def _compared(before: _Contents, now: _Contents, policy: GatePolicy) -> list[GateProblem]:
    """Compare what differs only: most cases of most changes are the same bytes, and reading YAML takes its time."""
    differ = {case_id for case_id in before if before[case_id] != now.get(case_id)}
    sides = [{each: _pinned(side[each], each) for each in sorted(differ & side.keys())} for side in (before, now)]
    return compare(sides[0], sides[1], policy)


def _library_now(library: Path) -> _Contents:
    return {each.id: _present(each.path) for each in list_cases(library)}


def _configured(revision: BaseRevision, start: Path) -> Project:
    """Return the configuration that holds in a folder as the revision has it, by the rule of ``load_project``."""
    for folder in (start, *start.parents):
        if not folder.is_relative_to(revision.top):
            break
        for name in (FILE, PYPROJECT):
            config = _config_in(revision, folder / name)
            if config is not None:
                return Project(folder, config, folder / name)
    return Project(start, Config(), None)


def _config_in(revision: BaseRevision, file: Path) -> Config | None:
    data = revision.read(file)
    told = Path(f"{revision.name}:{revision.inside(file)}")
    return config_in(data, file.name, told) if data is not None else None


def _library_then(revision: BaseRevision, library: Path) -> _Contents:
    start = revision.inside(library)
    folders: dict[str, dict[str, bytes]] = {}
    for path, content in revision.read_all(library, set(_FILES)).items():
        case_id, _, name = path.removeprefix(f"{start}/" if start else "").partition("/")
        if name in _FILES:
            folders.setdefault(case_id, {})[name] = content
    return {**folders}


def _present(folder: Path) -> dict[str, bytes] | str:
    if folder.is_symlink():
        return "its folder is a symbolic link"
    if has_pending_edit(folder):
        return f"{PENDING}: {INTERRUPTED_EDIT}"
    found = {}
    for name in _FILES:
        path = folder / name
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError):  # not readable is as good as missing
                found[name] = path.read_bytes()
    return found


def _pinned(contents: dict[str, bytes] | str, case_id: str) -> Pinned | str:
    """Return a case from the contents of its files, or why it cannot be read."""
    if isinstance(contents, str):
        return contents
    missing = [name for name in _FILES if name not in contents]
    if missing:
        return f"{missing[0]} is missing"
    try:
        case = read_case(contents[evidence.CASE], evidence.CASE)
        listed = evidence.read_manifest(contents[evidence.MANIFEST], evidence.MANIFEST)
    except UnrepeatError as error:
        return f"{error.where or evidence.CASE} is not what it must be"
    if case.id != case_id:
        return f"{evidence.CASE} has an id that is not its folder's"
    return Pinned(case, listed, contents[custody.FILE_NAME])


def _moved(revision: BaseRevision, left: Path | None) -> Iterator[GateProblem]:
    """Name configurations of the base that hold no longer: another one would decide which cases there are.

    Args:
        revision: The base.
        left: The one that held for this project, where it does not any more.
    """
    found = revision.read_all(revision.top, {FILE, PYPROJECT})
    there = {path for path, data in found.items() if _configures(Path(path).name, data)}
    gone = {path for path in there if not _configures_now(revision.top / path)}
    gone |= {revision.inside(left)} if left is not None else set()
    for path in sorted(gone):
        told = "the base revision is configured by this file, and the change by another; a person decides that"
        yield GateProblem(effect="hold", rule="configuration-moved", where=path, reason=told)


def _configures(name: str, data: bytes) -> bool:
    """Say whether a file is a configuration; a broken one is."""
    if name != FILE and b"unrepeat" not in data:
        return False  # most of them, and reading TOML takes its time
    try:
        return config_in(data, name, Path(name)) is not None
    except ConfigError:
        return True


def _configures_now(path: Path) -> bool:
    try:
        return _configures(path.name, path.read_bytes())
    except OSError:
        return False


def _policy(base: GatePolicy, now: GatePolicy) -> Iterator[GateProblem]:
    for each in policy_changes(base, now):
        told = f"{each.change} by the change under review; what the base revision says holds"
        yield GateProblem(effect="reported", rule="policy-changed", where=f"[gate] {each.key}", reason=told)


def _systems(base: Config, now: Config) -> Iterator[GateProblem]:
    for name, system in base.systems.items():
        after = now.systems.get(name)
        if after == system:
            continue
        keys = [
            key for key in type(system).model_fields if after is None or getattr(after, key) != getattr(system, key)
        ]
        told = f"how the system is run was changed ({', '.join(keys)}): look at it, it is not pinned"
        yield GateProblem(effect="reported", rule="system-changed", where=f"[systems.{name}]", reason=told)
