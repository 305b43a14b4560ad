"""Init: the files a project starts with."""

from __future__ import annotations

import os
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


@dataclass(frozen=True, slots=True)
class Initialized:
    """What was made."""

    written: tuple[Path, ...]
    tenant_key: Path


def initialize(folder: Path, system: str, entry: str | None, boundaries: Mapping[str, Sequence[str]]) -> Initialized:
    """Write unrepeat.toml and the folder for cases.

    Args:
        folder: Where to.
        system: Name of the system.
        entry: Its callable, ``module:function``; a commented line when left out.
        boundaries: Function patterns by boundary.

    Raises:
        ConfigError: There is a configuration, or what was given does not make a valid one; nothing is written then.
    """
    file = folder / FILE
    _refuse_configured(folder)
    text = _text(system, entry, boundaries)
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


def _text(system: str, entry: str | None, boundaries: Mapping[str, Sequence[str]]) -> str:
    lines = [
        "# What unrepeat needs to know about your system. Reference: docs/reference/configuration.md",
        "",
        f"[systems.{_key(system)}]",
        f"python = {_quoted(entry)}" if entry else '# python = "your_app.module:function"   # handles one request',
    ]
    for kind, hint in _HINTS.items():
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
