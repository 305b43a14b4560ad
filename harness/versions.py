"""Versions of the system under test: the working tree, a directory, and what ``--set`` lays over it."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..cases.errors import ConfigError
from ..replayers.replay import Version
from ..replayers.system import Checkout
from .config import EnvironmentComponent, Project, SystemConfig

_SKIPPED = frozenset(
    {".git", ".hg", ".unrepeat", "__pycache__", ".venv", "venv", "node_modules", ".mypy_cache", ".pytest_cache"}
)
_INSTALLED = ("node_modules", ".venv", "venv")
"""Folders of installed packages: no files of a version, but its programs need them."""
_MAX_FILES = 50_000


def resolve(project: Project, system: SystemConfig, wanted: str | None) -> Checkout:
    """Return a version of a system.

    Args:
        project: The project, for relative paths.
        system: The system, for its named versions.
        wanted: A name under ``versions``, a directory, or None for the working tree as it is.

    Raises:
        ConfigError: There is no such version.
    """
    if system.url is not None:
        return _deployment(project, system, wanted)
    if wanted is None:
        return Checkout(version=_described("working tree", project.root, project), folder=project.root)
    relative = system.versions.get(wanted)
    folder = project.root / relative if relative is not None else _directory(project, wanted)
    if folder is None or not folder.is_dir():
        names = ", ".join(system.versions) or "none are named"
        raise ConfigError(
            f"expected a directory or a named version ({names}), got {wanted!r}",
            where="version",
            hint="For a git revision, check it out with `git worktree add DIR REV` and pass DIR",
        )
    return Checkout(version=_described(wanted, folder, project), folder=folder.resolve())


def _deployment(project: Project, system: SystemConfig, wanted: str | None) -> Checkout:
    """Return a running deployment: what its address names now, whatever that runs."""
    url = system.url or "" if wanted is None else system.versions.get(wanted, wanted)
    if not url.startswith(("http://", "https://")):
        names = ", ".join(system.versions) or "none are named"
        raise ConfigError(f"expected a URL or a named version ({names}), got {wanted!r}", where="version")
    digest = hashlib.sha256(f"url {url}".encode()).hexdigest()
    return Checkout(version=Version(label=wanted or url, digest=digest, path=url), folder=project.root, url=url)


def _directory(project: Project, wanted: str) -> Path | None:
    if not wanted:  # an empty variable on a command line: not the current folder
        return None
    for base in (Path.cwd(), project.root):
        folder = base / wanted
        if folder.is_dir():
            return folder
    return None


def _described(label: str, folder: Path, project: Project) -> Version:
    digest = tree_digest(folder, leave_out=records_of(project))
    return Version(label=label, digest=digest, path=os.path.relpath(folder, project.root))


def records_of(project: Project) -> tuple[Path, ...]:
    """Return the files and folders of a project that are about its incidents and no part of its system.

    They change whenever a case moves on or somebody signs; the digest of the system that was signed must not.
    """
    policy = project.config.signoff
    names = (project.config.incidents, policy.recoveries, policy.approvers, policy.allowed_signers, policy.revoked)
    return tuple(Path(os.path.abspath(project.root / name)) for name in names)


def tree_digest(folder: Path, *, leave_out: Sequence[Path] = ()) -> str:
    """Return the SHA-256 over names and contents of a version's files (what git tracks or would add).

    Args:
        folder: The version.
        leave_out: Absolute paths of files and folders that do not count.
    """
    base = Path(os.path.abspath(folder))
    left_out = [each for each in leave_out if each != base]
    files = version_files(folder)
    return digest_of(
        folder, [path for path in files if not any((base / path).is_relative_to(each) for each in left_out)]
    )


def digest_of(folder: Path, files: Iterable[str]) -> str:
    """Return the SHA-256 over names and contents of files of a folder, in the order given; a missing one counts."""
    digest = hashlib.sha256()
    for path in files:
        full = folder / path
        digest.update(os.fsencode(path) + b"\0")
        if full.is_symlink():
            digest.update(b"link" + hashlib.sha256(os.fsencode(os.readlink(full))).digest())
        if full.is_file():
            digest.update(b"file" + hashlib.sha256(full.read_bytes()).digest())
    return digest.hexdigest()


def version_files(folder: Path) -> list[str]:
    """Return the files of a version, relative and sorted: git's view where there is one, else all but caches.

    Raises:
        ConfigError: There are more than 50,000 of them.
    """
    listed = _git_files(folder)
    files = sorted(listed if listed is not None else _walked_files(folder))
    if len(files) > _MAX_FILES:
        raise ConfigError(
            f"expected at most {_MAX_FILES} files in a version, got {len(files)}",
            where=str(folder),
            hint="Run unrepeat in the folder of the system, or ignore what does not belong to it in .gitignore",
        )
    return files


def _git_files(folder: Path) -> list[str] | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    kept = [name for name in names if not _SKIPPED.intersection(Path(name).parts) and _is_file(folder / name)]
    return kept or None


def _is_file(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def _walked_files(folder: Path) -> list[str]:
    found = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        links = [name for name in folders if os.path.islink(os.path.join(base, name))]
        paths = [os.path.join(base, name) for name in [*names, *links]]
        found += [os.path.relpath(path, folder) for path in paths if _is_file(Path(path))]
    return found


@contextlib.contextmanager
def with_components(checkout: Checkout, system: SystemConfig, overrides: Mapping[str, str]) -> Iterator[Checkout]:
    """Lay component overrides (``--set``) over a version, in a copy that is removed afterwards.

    Args:
        checkout: The version.
        system: The system, for its components.
        overrides: Component name to a file, or to a value for a component that is an environment value.

    Raises:
        ConfigError: A component or a file is unknown.
    """
    if not overrides:
        yield checkout
        return
    if checkout.url:
        raise ConfigError(
            "expected no component of a running deployment, got one",
            where="--set",
            hint="Deploy the change, and name that deployment with --candidate URL",
        )
    label = f"{checkout.version.label} with " + ", ".join(f"{key}={value}" for key, value in overrides.items())
    with tempfile.TemporaryDirectory(prefix="unrepeat-version-") as scratch:
        folder = Path(scratch) / "version"
        _copy(checkout.folder, folder)
        _link_installed(checkout.folder, folder)
        env = dict(checkout.env)
        for name, value in overrides.items():
            _apply(folder, env, system, name, value)
        version = Version(label=label, digest=_with_env(tree_digest(folder), env), path=checkout.version.path)
        yield Checkout(version=version, folder=folder, env=env)


def _with_env(digest: str, env: Mapping[str, str]) -> str:
    if not env:
        return digest
    lines = "".join(f"{name}={value}\n" for name, value in sorted(env.items()))
    return hashlib.sha256(f"{digest}\n{lines}".encode()).hexdigest()


def _copy(source: Path, target: Path) -> None:
    for name in version_files(source):
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        original = source / name
        real = os.path.realpath(original)
        if original.is_symlink() and not Path(real).is_relative_to(os.path.realpath(source)):
            destination.symlink_to(real)  # a relative link would lead elsewhere from the copy
        else:
            shutil.copy2(original, destination, follow_symlinks=False)


def _link_installed(source: Path, target: Path) -> None:
    """Let the copy of a version find the packages that are installed beside the version itself."""
    for name in _INSTALLED:
        if (source / name).is_dir() and not (target / name).exists():
            (target / name).symlink_to((source / name).resolve())


def _apply(folder: Path, env: dict[str, str], system: SystemConfig, name: str, value: str) -> None:
    component = system.components.get(name)
    if component is None:
        known = ", ".join(system.components) or "none are declared"
        raise ConfigError(
            f"expected a declared component ({known}), got {name!r}",
            where="--set",
            hint="Declare it under `components` in unrepeat.toml",
        )
    if isinstance(component, EnvironmentComponent):
        env[component.env] = value
        return
    source = Path(value)
    if not source.is_file():
        raise ConfigError(f"expected a file, got {value!r}", where=f"--set {name}")
    place = folder / _place(folder, name, component, source)
    place.unlink()  # never written through: a link may lead out of the copy
    shutil.copy2(source, place)


def _place(folder: Path, name: str, patterns: Sequence[str], source: Path) -> str:
    """Return which file of the component a replacement stands for: the only one, or the one of its name."""
    files = [file for file in version_files(folder) if any(_matches(file, pattern) for pattern in patterns)]
    same_name = [file for file in files if Path(file).name == source.name]
    for choice in (files, same_name):
        if len(choice) == 1:
            return choice[0]
    raise ConfigError(
        f"expected one file of the component {name} to replace, got {', '.join(files) or 'none'}",
        where=f"--set {name}={source}",
        hint="Give the file the name of the one it replaces",
    )


def _matches(file: str, pattern: str) -> bool:
    if pattern.endswith("/**"):
        return file.startswith(pattern[:-2])
    return fnmatch.fnmatch(file, pattern)
