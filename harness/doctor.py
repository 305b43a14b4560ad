"""Doctor: what a replay needs, checked one by one. A check that cannot be made is a finding, never a pass."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..cases import evidence
from ..cases.errors import UnrepeatError
from ..cases.library import list_cases, load
from ..cases.pseudonyms import default_key_path, load_or_create_key
from ..replayers.python_app import check_app
from ..replayers.system import Checkout, CommandSystem, HttpSystem, PythonSystem
from . import results
from .boundary_checks import Found, tools_of_cases, tools_without_boundary, unread_models
from .config import Project, SystemConfig, load_project
from .isolation_checks import levels
from .probing import escapes
from .replaying import plan_for
from .system_checks import check_command, check_deployment
from .systems import kind_of_system, system_of
from .versions import resolve

_PROBLEMS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and how it went."""

    check: str
    ok: bool
    detail: str


def examine(folder: Path, tell: Callable[[str], None]) -> list[Finding]:
    """Return one finding a check.

    Args:
        folder: Where to look for the configuration.
        tell: Told what is being checked.
    """
    findings = [_python(), _tenant_key()]
    try:
        project = load_project(folder)
    except UnrepeatError as error:
        return [*findings, Finding("configuration", False, str(error))]
    findings.append(_configuration(project))
    started: dict[str, list[Found]] = {}
    tools = tools_of_cases(project)
    for name, system in project.config.systems.items():
        tell(f"starting {name}")
        findings += _systems(project, name, system, tools.get(name, set()), started.setdefault(name, []))
    for case in list_cases(project.incidents):
        tell(f"checking {case.id}")
        findings.append(_case(project, case.path, started))
    tell("trying to get out of a replay")
    findings += [Finding(f"level {name}", ok, detail) for name, ok, detail in levels(project.config.systems.values())]
    return findings + [_isolation(*each) for each in _interpreters(project)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), f"{version} at {sys.executable}")


def _tenant_key() -> Finding:
    try:
        path = default_key_path(os.environ)
        if not os.path.lexists(path):
            return Finding("tenant key", True, f"none yet; the first import makes {path}")
        load_or_create_key(path)
    except UnrepeatError as error:
        return Finding("tenant key", False, str(error))
    return Finding("tenant key", True, str(path))


def _configuration(project: Project) -> Finding:
    if project.file is None:
        return Finding("configuration", False, "no unrepeat.toml here or above; make one with `unrepeat init`")
    systems = ", ".join(project.config.systems) or "no systems yet"
    return Finding("configuration", bool(project.config.systems), f"{project.file}: {systems}")


def _systems(
    project: Project, name: str, system: SystemConfig, tools: Collection[str], started: list[Found]
) -> Iterator[Finding]:
    """Start each named version of a system (or the working tree) and look its boundaries up, for ``started`` too."""
    if not kind_of_system(system):
        yield Finding(f"system {name}", False, "names nothing to run: set python, command or url in unrepeat.toml")
        return
    for version in system.versions or [None]:
        label = f"system {name}" + (f", version {version}" if version else "")
        try:
            checkout = resolve(project, system, version)
            runnable = system_of(project, name, system)
            if not isinstance(runnable, PythonSystem):
                yield Finding(label, *_reached_over_connections(runnable, checkout))
                started.append({kind: dict.fromkeys(names) for kind, names in runnable.boundaries.items()})
                continue
            found = check_app(runnable, checkout, tools)
        except UnrepeatError as error:
            yield Finding(label, False, str(error).splitlines()[0])
            continue
        started.append(found)
        unread = "; ".join(unread_models(found))
        if unread:
            yield Finding(label, False, unread)
            continue
        told = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in found.items() if names)
        yield Finding(label, bool(told), told or "starts, but no boundary is described: everything would run for real")


def _reached_over_connections(system: CommandSystem | HttpSystem, checkout: Checkout) -> tuple[bool, str]:
    return check_command(system, checkout) if isinstance(system, CommandSystem) else check_deployment(system, checkout)


def _interpreters(project: Project) -> list[tuple[str, bool]]:
    """Return each Python that replays run with, and whether its system may start processes."""
    systems = [each for each in project.config.systems.values() if each.command is None and each.url is None]
    found = {(_interpreter(project, each.interpreter), each.allow_subprocess) for each in systems}
    return sorted(found) or [(sys.executable, False)]


def _interpreter(project: Project, stated: str | None) -> str:
    """Return where an interpreter is: a path of the version is looked for in the working tree."""
    is_relative = stated is not None and os.sep in stated and not os.path.isabs(stated)
    return str(project.root / str(stated)) if is_relative else stated or sys.executable


def _isolation(interpreter: str, allow_subprocess: bool) -> Finding:
    check = "isolation" if interpreter == sys.executable else f"isolation of {interpreter}"
    try:
        found = escapes(interpreter, allow_subprocess)
    except UnrepeatError as error:
        return Finding(check, False, str(error).partition("\n")[0])
    if found:
        return Finding(check, False, f"a program got out of its replay: {', '.join(found)}")
    allowed = "" if allow_subprocess else " and a new process"
    return Finding(check, True, f"guard: a connection{allowed} of Python code were tried, refused and reported")


def _case(project: Project, path: Path, started: Mapping[str, list[Found]]) -> Finding:
    check = f"case {path.name}"
    try:
        loaded = load(path)
        plan = plan_for(project, loaded)
        problems = evidence.verify(path)
    except UnrepeatError as error:
        return Finding(check, False, str(error))
    if problems:
        shown = "; ".join(str(problem) for problem in problems[:_PROBLEMS_SHOWN])
        return Finding(check, False, f"evidence is not as it was left: {shown}")
    unnamed = tools_without_boundary(plan, started.get(plan.system_name, []))
    if unnamed:
        what = f"recorded calls of {', '.join(unnamed)}, and no boundary function of {plan.system_name} has that name"
        return Finding(check, False, f"{what}: in a replay they are not seen. Name them under boundaries.tool")
    newest = results.glance(project.results, loaded.case.id)
    # Only told: a result may be about another version than the one that is to go out. The gate judges that.
    back = newest is not None and newest.verdict != "fixed" and loaded.case.status in ("fixed", "recovered")
    last = f", but its newest result says {newest.verdict.replace('_', ' ')}" if newest is not None and back else ""
    draft = ", a draft that asserts nothing" if loaded.case.is_draft else ""
    return Finding(check, True, f"{loaded.case.status}, evidence intact{draft}{last}")
