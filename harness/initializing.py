"""Init: the files a project starts with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cases.errors import ConfigError
from ..cases.files import write_atomic
from ..cases.pseudonyms import default_key_path, load_or_create_key
from .config import FILE, load_project
from .schemas import schema_text

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
        ConfigError: The file exists, or what was given does not make a valid one; nothing is written then.
    """
    file = folder / FILE
    if os.path.lexists(file):
        raise ConfigError(
            "expected no such file yet, got one", where=str(file), hint="edit it, then run `unrepeat doctor`"
        )
    text = _text(system, entry, boundaries)
    key = default_key_path(os.environ)
    load_or_create_key(key)
    write_atomic(file, text.encode())
    try:
        project = load_project(folder)
    except ConfigError:
        file.unlink()
        raise
    project.incidents.mkdir(exist_ok=True)
    schema = project.incidents / "case.schema.json"
    write_atomic(schema, schema_text("case").encode())
    return Initialized(written=(file, schema), tenant_key=key)


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

    return json.dumps(text)
