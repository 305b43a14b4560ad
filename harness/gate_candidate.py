"""The candidate of a gate: looked up once for all cases, and looked at again when they are done."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..cases import evidence
from ..cases.case import load_case
from ..cases.errors import ConfigError, UnrepeatError
from ..replayers.system import Checkout
from .config import SystemConfig, system_named
from .gate_selection import Selection
from .versions import digest_of, resolve, version_files, with_components


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is judged: one version of every system that the cases are about."""

    checkouts: Mapping[str, Checkout]
    """By name of the system, component overrides laid over them."""
    sources: Mapping[Path, str]
    """Digest of the source files of each version's folder, without the overrides."""

    @property
    def label(self) -> str:
        """What people call it."""
        return next((each.version.label for each in self.checkouts.values()), "")

    @property
    def digest(self) -> str:
        """One digest for all of them; empty where there is no case."""
        digests = sorted({each.version.digest for each in self.checkouts.values()})
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


@contextlib.contextmanager
def candidate_of(selection: Selection, wanted: str | None, components: Mapping[str, str]) -> Iterator[Candidate]:
    """Yield the candidate of a selection. A wrong name is a mistake of the command, not of a case.

    Args:
        selection: The cases.
        wanted: A named version or directory; None: the working tree.
        components: Overrides by component name.

    Raises:
        ConfigError: There is no such version or component, or no system is described.
    """
    with contextlib.ExitStack() as stack:
        checkouts, sources = {}, {}
        for name, system in _systems(selection).items():
            plain = resolve(selection.project, system, wanted)
            sources[plain.folder] = _source_digest(plain.folder)
            checkouts[name] = stack.enter_context(with_components(plain, system, components))
        yield Candidate(checkouts, sources)


def has_changed(candidate: Candidate) -> bool:
    """Return whether source files of the candidate are no longer what they were."""
    return any(_source_digest(folder) != digest for folder, digest in candidate.sources.items())


def _source_digest(folder: Path) -> str:
    """Return the digest of the files that git tracks; of all where it tracks none.

    An app may leave logs and caches in its folder while it is replayed: those are no change of the version.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "ls-files", "-z", "--cached"], capture_output=True, check=True, timeout=60
        )
        tracked = sorted(os.fsdecode(name) for name in done.stdout.split(b"\0") if name)
    except (OSError, subprocess.SubprocessError):
        tracked = []
    return digest_of(folder, tracked or version_files(folder))


def _systems(selection: Selection) -> dict[str, SystemConfig]:
    project = selection.project
    if not selection.folders:
        return {}
    if not project.config.systems:
        raise ConfigError(
            "expected a described system to gate, got none",
            where=str(project.file or project.root),
            hint="Run `unrepeat init` and describe the system in unrepeat.toml",
        )
    if len(project.config.systems) == 1:
        return dict(project.config.systems)
    used: dict[str, SystemConfig] = {}
    for folder in selection.folders:
        with contextlib.suppress(UnrepeatError):  # the case fails by itself, with its reason
            case = load_case(folder.path / evidence.CASE)
            found = system_named(project, case.replay.system or case.system)
            used.update([found] if found is not None else [])
    return used
