"""Whether the boundaries of a system are those of its cases: what doctor says of tools without one, and of models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..cases.errors import UnrepeatError
from ..cases.library import list_cases, load
from ..replayers.python_app import may_run_for_real, recorded_tools
from ..replayers.request import MESSAGE_ARGUMENTS
from .config import Project, SystemConfig
from .replaying import Plan, plan_for

Found = Mapping[str, Mapping[str, list[str] | None]]
"""The parameters of each boundary function of a version, by boundary and name; None for one that takes any."""


def tools_of_cases(project: Project) -> dict[str, set[str]]:
    """Return the tools that the cases of each system recorded; a case that cannot be read is another finding."""
    tools: dict[str, set[str]] = {}
    for case in list_cases(project.incidents):
        try:
            plan = plan_for(project, load(case.path))
        except UnrepeatError:
            continue
        tools.setdefault(plan.system_name, set()).update(_tools(plan))
    return tools


def unread_models(found: Found) -> Iterator[str]:
    """Yield, in words, the model functions whose requests cannot be understood."""
    for name, takes in found.get("model", {}).items():
        if takes is not None and not set(takes) & set(MESSAGE_ARGUMENTS):
            known = ", ".join(MESSAGE_ARGUMENTS)
            yield f"model: {name}({', '.join(takes)}) takes none of {known}: what the model is asked cannot be compared"


def tools_without_boundary(plan: Plan, versions: Iterable[Found]) -> list[str]:
    """Return the recorded tools of a case that are a boundary in no version of its system.

    Args:
        plan: The case and its system.
        versions: The boundary functions of each version that starts; with none, nothing is known.
    """
    system, started = plan.system, list(versions)
    if system is None or not started or _runs_tools_by_name(system):
        return []
    named = {name for found in started for name in found.get("tool", {})}
    return sorted(each for each in _tools(plan) - named if not may_run_for_real(system.allow_live, each))


def _tools(plan: Plan) -> set[str]:
    return {tool for trace in plan.loaded.document.traces for tool in recorded_tools(trace)}


def _runs_tools_by_name(system: SystemConfig) -> bool:
    """Whether calls of any name are seen, or by names that only a recording tells (those of MCP servers)."""
    return bool(system.mcp) or any("(" in pattern or pattern == "*" for pattern in system.boundaries.tool)
