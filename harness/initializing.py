"""Init: the files a project starts with."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cases.errors import ConfigError
from ..cases.files import write_atomic
from ..cases.pseudonyms import default_key_path, load_or_create_key
from .config import FILE, load_project, parsed
from .schemas import schema_text

_ATTRIBUTES = b"# Evidence is compared by digest: git must not change line ends.\n* -text\n"
_HINTS = {
    "model": "functions that call a model",
    "tool": "functions the model may have called; module:* names all public functions of a module",
    "retrieval": "functions that search",
    "approval": "functions that ask a reviewer",
    "user": "functions that ask the user",
}

_NAMES = {
    "tool": "names of the tools it asks the harness for; * for any",
    "retrieval": "names of the searches it asks for",
    "approval": "names of the approvals it asks for",
    "user": "names under which it asks the user",
}


@dataclass(frozen=True, slots=True)
class Initialized:
    """What was made."""

    written: tuple[Path, ...]
    tenant_key: Path


@dataclass(frozen=True, slots=True)
class Runnable:
    """What is run of a system: one of these; with none of them, the file shows how each is written."""

    python: str | None = None
    """A callable, ``module:function``."""
    command: str | None = None
    """A program with its arguments, as typed in a shell."""
    url: str | None = None
    """A deployment."""

    def lines(self) -> list[str]:
        """Return the lines of unrepeat.toml that say so.

        Raises:
            ConfigError: The command cannot be split into words.
        """
        if self.command is not None:
            return [f"command = [{', '.join(map(_quoted, _words(self.command)))}]"]
        if self.url is not None:
            return [
                f"url = {_quoted(self.url)}",
                '# listen = "127.0.0.1:8731"   # where it finds its model and the rest',
            ]
        if self.python is not None:
            return [f"python = {_quoted(self.python)}"]
        return [
            '# python = "your_app.module:function"   # a callable that handles one request, or:',
            '# command = ["node", "dist/agent.js"]   # a program in any language, or:',
            '# url = "http://127.0.0.1:8080/tickets"   # a running deployment',
        ]

    @property
    def is_known(self) -> bool:
        """Whether there is one."""
        return (self.python or self.command or self.url) is not None


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"expected a command as in a shell, got {command!r}: {error}", where="--command") from error


def initialize(folder: Path, system: str, runs: Runnable, boundaries: Mapping[str, Sequence[str]]) -> Initialized:
    """Write unrepeat.toml and the folder for cases.

    Args:
        folder: Where to.
        system: Name of the system.
        runs: What is run of it.
        boundaries: By boundary, function patterns; of a program or a deployment the names it asks for.

    Raises:
        ConfigError: There is a configuration, or what was given does not make a valid one; nothing is written then.
    """
    file = folder / FILE
    _refuse_configured(folder)
    text = _text(system, runs, boundaries)
    incidents = folder / parsed(text, file).incidents
    if os.path.lexists(incidents) and not incidents.is_dir():
        raise ConfigError("expected a folder for cases, got something else", where=str(incidents))
    key = default_key_path(os.environ)
    load_or_create_key(key)
    written = furnish(incidents)
    write_atomic(file, text.encode())  # last: whoever was interrupted before can begin again
    return Initialized(written=(file, *written), tenant_key=key)


def furnish(incidents: Path) -> tuple[Path, ...]:
    """Put the schema for editors and the attributes for git into a folder for cases, where they are missing.

    Returns:
        The files that were written.
    """
    incidents.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in (("case.schema.json", schema_text("case").encode()), (".gitattributes", _ATTRIBUTES)):
        path = incidents / name
        if not os.path.lexists(path):
            write_atomic(path, text)
            written.append(path)
    return tuple(written)


def _refuse_configured(folder: Path) -> None:
    """Refuse a folder that has a configuration of its own, in either file."""
    if os.path.lexists(folder / FILE):
        raise ConfigError(
            "expected no such file yet, got one", where=str(folder / FILE), hint="Edit it, then run `unrepeat doctor`"
        )
    project = load_project(folder)
    if project.file is not None and project.root == folder.resolve():
        raise ConfigError(
            "expected no configuration yet, got [tool.unrepeat]",
            where=str(project.file),
            hint="Edit it, then run `unrepeat doctor`",
        )


def _text(system: str, runs: Runnable, boundaries: Mapping[str, Sequence[str]]) -> str:
    lines = [
        "# What unrepeat needs to know about your system. Reference: docs/reference/configuration.md",
        "",
        f"[systems.{_key(system)}]",
        *runs.lines(),
    ]
    hints = _NAMES if runs.command or runs.url else _HINTS
    for kind, hint in hints.items():
        patterns = boundaries.get(kind) or ()
        listed = ", ".join(_quoted(pattern) for pattern in patterns)
        lines.append(f"boundaries.{kind} = [{listed}]" if patterns else f"# boundaries.{kind} = []   # {hint}")
    lines += [
        '# allow_live = ["retrieval"]   # what may run for real in a replay',
        '# components.prompt = ["prompts/**"]   # what --set replaces',
        "",
    ]
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else _quoted(name)


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON may hold it, TOML not
