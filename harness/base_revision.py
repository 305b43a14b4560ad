"""The base revision: files as git has them there, read without checking anything out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from ..cases.errors import ConfigError

_TIMEOUT_S = 120
_FILE_MODES = (b"100644", b"100755")
_DETOURS = {b"120000": "a symbolic link", b"160000": "a submodule"}
_REMOTE = re.compile(r"([\w.-]+)/([\w./-]+)")
_OF_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE")
_NAME = re.compile(r"[^\s\x00-\x1f\x7f-][^\s\x00-\x1f\x7f]*")
"""What a revision may look like: git would take a leading hyphen for an option."""


class BaseRevision:
    """One commit of the repository that a project lies in.

    Args:
        root: A folder of the repository; paths are relative to it.
        name: The revision as it was typed.

    Raises:
        ConfigError: There is no git, no repository or no such revision.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self._where = f"--base {name}"
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"expected a revision such as origin/main, a tag or a commit, got {name!r}", where="--base"
            )
        self._root = root.resolve()
        if shutil.which("git") is None:
            raise ConfigError("expected git to read the revision with, got none on PATH", where=self._where)
        self.top = Path(os.fsdecode(self._repository()))
        self.commit = self._commit()
        """The commit it names."""

    def _repository(self) -> bytes:
        done = self._git("rev-parse", "--show-toplevel")
        if done.returncode:
            raise ConfigError(
                f"expected a git repository, got: {_first_line(done.stderr)}",
                where=str(self._root),
                hint="Run the gate in a checkout, or leave --base out",
            )
        return done.stdout.removesuffix(b"\n")

    def _commit(self) -> str:
        done = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{self.name}^{{commit}}")
        if done.returncode:
            shallow = self._git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
            got = "a shallow clone without it" if shallow else "none of that name"
            raise ConfigError(f"expected a revision of this repository, got {got}", where=self._where, hint=self._fetch)
        return done.stdout.decode("ascii").strip()

    @property
    def _fetch(self) -> str:
        found = _REMOTE.fullmatch(self.name)
        known = self._git("remote").stdout.decode(errors="replace").split()
        if found and found[1] in known:
            place = f"{found[1]} {found[2]}:refs/remotes/{self.name}"
        else:
            place = f"{known[0] if known else 'origin'} {self.name}"
        return f"Run `git fetch --depth=1 {place}` first"

    def read(self, path: Path) -> bytes | None:
        """Return a file as the revision has it; None where it has none.

        Args:
            path: Relative to the project, or absolute inside the repository.

        Raises:
            ConfigError: The path is outside of the repository, or git cannot read it.
        """
        return next(iter(self.read_all(path, {path.name}).values()), None)

    def read_all(self, place: Path, names: set[str]) -> dict[str, bytes]:
        """Return the files of certain names at or below a place, by path relative to the repository.

        Links and submodules below the place are left out: they are no files of the revision.

        Raises:
            ConfigError: The place is outside of the repository or behind a link or submodule, or git cannot read it.
        """
        inside = self.inside(place)
        self._require_no_detour(inside)
        found = {}
        for mode, blob, path in self._entries("-r", inside or "."):
            if mode in _FILE_MODES and os.path.basename(path) in names:
                found[path] = blob
        return dict(zip(found, self._blobs(list(found.values())), strict=True))

    def _require_no_detour(self, inside: str) -> None:
        """Refuse a place that the revision has elsewhere: read as nothing there, it would pin nothing."""
        steps = list(accumulate(inside.split("/"), "{}/{}".format)) if inside else []
        for mode, _, path in self._entries("-t", *steps) if steps else ():
            if mode in _DETOURS and path in steps:
                raise ConfigError(
                    f"expected files of the revision, got {_DETOURS[mode]}",
                    where=f"{self._where}:{path}",
                    hint="Name a revision that has the files themselves there",
                )

    def _entries(self, option: str, *places: str) -> Iterator[tuple[bytes, bytes, str]]:
        """Yield mode, object id and path of what the revision has at places."""
        done = self._git("ls-tree", option, "-z", "--full-tree", self.commit, "--", *places)
        for entry in self._checked(done).split(b"\0")[:-1]:
            facts, _, path = entry.partition(b"\t")
            mode, _, blob = facts.split(b" ")
            yield mode, blob, os.fsdecode(path)

    def inside(self, place: Path) -> str:
        """Return a place relative to the top of the repository, with ``/``; empty for the top itself.

        Raises:
            ConfigError: It is outside of the repository.
        """
        # Links below the root are not followed: the change under review may have put them there.
        full = Path(os.path.normpath(self._root / place))
        if not full.is_relative_to(self.top):
            raise ConfigError("expected a folder of the repository, got one outside", where=str(full))
        relative = full.relative_to(self.top).as_posix()
        return "" if relative == "." else relative

    def _blobs(self, ids: Sequence[bytes]) -> list[bytes]:
        """Return the contents of blobs: one process for all of them, ids in and contents out."""
        if not ids:
            return []
        done = self._git("cat-file", "--batch", stdin=b"\n".join(ids) + b"\n")
        answer, at, contents = self._checked(done), 0, []
        for _ in ids:
            header = answer[at : answer.find(b"\n", at)]
            words = header.split(b" ")
            if len(words) != 3 or words[1] != b"blob":
                raise ConfigError("expected git to have the file, got none", where=self._where, hint=self._fetch)
            start = at + len(header) + 1
            contents.append(answer[start : start + int(words[2])])
            at = start + int(words[2]) + 1
        return contents

    def _checked(self, done: subprocess.CompletedProcess[bytes]) -> bytes:
        if done.returncode:
            raise ConfigError(
                f"expected git to read the revision, got: {_first_line(done.stderr)}",
                where=self._where,
                hint=self._fetch,
            )
        return done.stdout

    def _git(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run git without anything that could change what is read: no replaced objects, no patterns in paths."""
        command = ["git", "--no-replace-objects", "--literal-pathspecs", "-C", str(self._root), *words]
        try:
            return subprocess.run(
                command, input=stdin, capture_output=True, timeout=_TIMEOUT_S, check=False, env=_environment(os.environ)
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigError(f"expected git to answer, got: {error}", where=self._where) from error


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which git finds the repository by the folder, also inside a hook of another one."""
    kept = {name: value for name, value in own.items() if name not in _OF_ANOTHER_REPOSITORY}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def _first_line(text: bytes) -> str:
    return (text.decode(errors="replace").strip().splitlines() or ["no reason"])[0]
