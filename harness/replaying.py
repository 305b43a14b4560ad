"""Replaying a case: which replayer, which version, which modes; one replay a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..cases.errors import CaseError, ConfigError, ReplayError, UnableToReplayError
from ..cases.library import LoadedCase, find, load
from ..cases.trace import Trace
from ..replayers.live import LiveModel
from ..replayers.playback import Modes
from ..replayers.provider_errors import ModelUnavailableError
from ..replayers.python_app import replay_python
from ..replayers.replay import Replay
from ..replayers.system import AnySystem, Checkout, CommandSystem, HttpSystem, PythonSystem
from ..replayers.trajectory import replay_trajectory
from ..replayers.usage import SpendCapError
from .config import Project, SystemConfig, load_project, system_named
from .modes import modes_of
from .parallel import in_parallel
from .systems import kind_of_system, system_of
from .versions import resolve, with_components

STATED = "stated"
"""Id and format of what stands for the recording in a case that was made from a ticket: nothing is in it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A case with all that is needed to replay it."""

    project: Project
    loaded: LoadedCase
    system_name: str
    system: SystemConfig | None
    """None: no system is described, so only the recorded conversation can be driven again."""
    modes: Modes
    isolation: str = ""
    """The weakest isolation to run the system at; empty: that of its kind."""

    @property
    def where(self) -> str:
        """The case's file, for messages."""
        return str(self.loaded.folder.path / "case.yaml")


def plan(case: str, start: Path | None = None, *, model: bool = False, isolation: str = "") -> Plan:
    """Find and load a case and its system.

    Args:
        case: Id or path of the case.
        start: Folder to look for unrepeat.toml from; the current one by default.
        model: Whether a live model answers the model boundary.
        isolation: The weakest isolation to run the system at; empty: that of its kind.

    Raises:
        CaseError, ConfigError, EvidenceError: Something about the case or its system is not usable.
    """
    project, loaded = locate(case, start)
    return plan_for(project, loaded, model=model, isolation=isolation)


def locate(case: str, start: Path | None = None) -> tuple[Project, LoadedCase]:
    """Find and load a case and the project it belongs to.

    Raises:
        CaseError, ConfigError, EvidenceError: There is none, or it is not usable.
    """
    project = load_project(start or Path.cwd())
    loaded = load(find(project.incidents, case))
    if project.file is None:
        project = load_project(loaded.folder.path)
    return project, loaded


def find_case(case: str, start: Path | None = None) -> LoadedCase:
    """Find and load a case without its system.

    Raises:
        CaseError, EvidenceError: There is none, or it is not usable.
    """
    return load(find(load_project(start or Path.cwd()).incidents, case))


def plan_for(project: Project, loaded: LoadedCase, *, model: bool = False, isolation: str = "") -> Plan:
    """Return the plan of a loaded case in a project."""
    settings = loaded.case.replay
    where = str(loaded.folder.path / "case.yaml")
    found = system_named(project, settings.system or loaded.case.system)
    name, system = found if found is not None else ("", None)
    if system is not None:
        system_of(project, name, system, entry=settings.entry)  # refused before anything is run
    unrecorded = not loaded.document.traces
    modes = modes_of(settings, system.allow_live if system else (), where, model=model, unrecorded=unrecorded)
    return Plan(project, loaded, name, system, modes, isolation)


def replay_case(
    what: Plan,
    *,
    version: str | None = None,
    components: Mapping[str, str] | None = None,
    recorded: bool = False,
) -> list[Replay]:
    """Replay every trace of a case once.

    Args:
        what: The plan.
        version: A named version or directory; the working tree by default.
        components: Overrides by component name.
        recorded: Drive the recorded conversation again although a system is described.

    Returns:
        One replay a trace, in order. Without a described system the recorded conversation is driven again.

    Raises:
        CaseError: The case has no trace.
        ReplayError: The system cannot be started, or its input is not known.
    """
    _require_traces(what)
    if what.system is None or recorded:
        if version or components:
            raise ConfigError(
                "expected a described system to run a version of, got none",
                where=what.where,
                hint="Run `unrepeat init` and describe the system in unrepeat.toml",
            )
        return [replay_trajectory(trace, case_id=_id(what), modes=what.modes) for trace in _traces(what)]
    checkout = resolve(what.project, what.system, version)
    with with_components(checkout, what.system, components or {}) as ready:
        return in_parallel(lambda trace: replay_version(what, trace, ready), _traces(what))


def replay_version(what: Plan, trace: Trace, checkout: Checkout, model: LiveModel | None = None) -> Replay:
    """Replay one trace against one version; a live model answers the model boundary where there is one."""
    preset = "model-change" if model is not None else what.loaded.case.replay.preset
    system, turns = runnable(what), turns_of(what, trace)
    if not isinstance(system, PythonSystem):
        return _over_connections(what, trace, checkout, system, turns, preset, model)
    first, *then = turns
    return replay_python(
        trace,
        system,
        checkout,
        arguments=first,
        then=then,
        case_id=_id(what),
        modes=what.modes,
        preset=preset,
        model=model,
    )


def _over_connections(
    what: Plan,
    trace: Trace,
    checkout: Checkout,
    system: CommandSystem | HttpSystem,
    turns: Sequence[object],
    preset: str,
    model: LiveModel | None,
) -> Replay:
    # Imported here: a web server takes a while to load, and a callable whose boundaries are functions needs none.
    from ..replayers.command_app import replay_command
    from ..replayers.http_app import replay_http

    replay = (
        partial(replay_command, trace, system)
        if isinstance(system, CommandSystem)
        else partial(replay_http, trace, system)
    )
    return replay(checkout, turns=turns, case_id=_id(what), modes=what.modes, preset=preset, model=model)


def replay_outcome(what: Plan, trace: Trace, checkout: Checkout, model: LiveModel | None = None) -> Replay:
    """Replay one trace; a version that does not even start is a crashed replay of it, not a crash of ours.

    Raises:
        SpendCapError: A cap on the live model's calls or cost ended it.
        UnableToReplayError: No version could be replayed here: there is no isolation, no deployment.
    """
    try:
        return replay_version(what, trace, checkout, model)
    except (SpendCapError, UnableToReplayError):
        raise
    except ReplayError as error:
        unanswered = isinstance(error, ModelUnavailableError)
        return Replay(
            case_id=_id(what),
            version=checkout.version,
            replayer=kind_of_system(what.system) if what.system else "python",
            outcome="unanswered" if unanswered else "crashed",
            trace=Trace(trace_id=trace.trace_id, source=trace.source),
            trace_id=trace.trace_id,
            error=str(error),
        )


def runnable(what: Plan) -> AnySystem:
    """Return the system of a plan in the form its replayer takes.

    Raises:
        ConfigError: It names nothing to run.
        ReplayError: No system is described.
    """
    if what.system is None:
        raise ReplayError("expected a described system to run, got none", where=what.where)
    return system_of(
        what.project,
        what.system_name,
        what.system,
        entry=what.loaded.case.replay.entry,
        required=what.isolation,
    )


def turns_of(what: Plan, trace: Trace) -> list[object]:
    """Return what the entry is called with, one turn after the other; a single one is no conversation.

    Raises:
        CaseError, ReplayError: Neither the case nor the trace says.
    """
    stated = what.loaded.case.replay.turns
    return [*stated] if stated is not None else [entry_arguments(what, trace)]


def entry_arguments(what: Plan, trace: Trace) -> object:
    """Return what the entry is called with: stated in the case, else as recorded.

    Raises:
        ReplayError: Neither the case nor the trace says.
    """
    stated = what.loaded.case.replay.input
    if stated is not None:
        return stated
    if trace.source.format == STATED:
        raise CaseError(
            "expected the input of the system, got none: the case has no trace to take it from",
            where=f"{what.where}: replay.input",
            hint="State it under `replay: {input: {…}}`, the callable's arguments by name",
        )
    if trace.input is None:
        raise ReplayError(
            "expected the input of the system, got a trace without one",
            where=f"{what.where}: trace {trace.trace_id}",
            hint="State it under `replay: {input: {…}}`, the callable's arguments by name",
        )
    return trace.input


def _require_traces(what: Plan) -> None:
    if not what.loaded.document.traces:
        raise CaseError(
            "expected a trace to replay, got a case without one",
            where=what.where,
            hint="A case from a ticket can only be judged with a live model",
        )


def _traces(what: Plan) -> tuple[Trace, ...]:
    return what.loaded.document.traces


def _id(what: Plan) -> str:
    return what.loaded.case.id
