"""pytest: ``pytest --incidents`` runs cases as tests, ``@pytest.mark.incident`` ties a test to a case.

Each is a gate over that one case: the same rules, the same policy. What the gate only reports (an open case, a waived
one) is a skipped test, so a run in which no case was judged fails, as the gate would. Nothing of unrepeat is imported
unless one of the two is used: pytest loads this module in every run of an environment that has unrepeat.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..scorers.gate_result import GatedCase, GateResult

_PROPERTY = "unrepeat"
_MARKER = "incident(case, repeat=1): run a case of unrepeat first; `repeat`: live trials, where a model is live"
_JUDGED = pytest.StashKey[set[str]]()
"""Node ids of the cases that came out fixed or still failing."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--incidents`` and what goes with it."""
    group = parser.getgroup("unrepeat", "incidents as tests")
    group.addoption(
        "--incidents", nargs="?", const="", metavar="DIR", help="Run the cases of this project, or those of a folder."
    )
    group.addoption(
        "--incidents-candidate", metavar="NAME|DIR", help="The version to judge; the working tree by default."
    )
    group.addoption("--incidents-model", metavar="PROVIDER/NAME", help="A live model for what no recording can judge.")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_JUDGED] = set()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test a case, before other plugins choose among the tests."""
    wanted = config.getoption("--incidents")
    if wanted is not None:
        items.extend(_items(session, wanted))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let a marked test have its case run although it does not ask for the fixture."""
    names = getattr(item, "fixturenames", None)
    if names is not None and item.get_closest_marker("incident") and "incident" not in names:
        names.insert(0, "incident")


def _items(session: pytest.Session, wanted: str) -> Iterator[IncidentItem]:
    from ..cases.errors import UnrepeatError
    from .gate_selection import select

    start = session.config.rootpath
    try:
        folders = select([str(start / wanted)] if wanted else [], start).folders
    except UnrepeatError as error:
        raise pytest.UsageError(f"--incidents: {error}") from None
    for folder in folders:
        nodeid = f"{_relative(folder.path, start)}/case.yaml::{folder.id}"
        item = IncidentItem.from_parent(session, name=folder.id, nodeid=nodeid, folder=folder.path)
        item.add_marker(pytest.mark.incident(folder.id))
        yield item


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path.resolve(), start.resolve())).as_posix()


class IncidentFailed(Exception):
    """A case that fails or is held; carries what the gate said of it."""

    def __init__(self, result: GateResult, case: GatedCase) -> None:
        super().__init__(f"{case.case_id}: {case.reason}")
        self.result = result
        self.case = case


class IncidentItem(pytest.Item):
    """One case as a test."""

    def __init__(self, *, folder: Path, **rest: Any) -> None:
        super().__init__(**rest)
        self.folder = folder

    def runtest(self) -> None:
        """Run the case; fails where the gate would fail or hold, skips what it only reports."""
        try:
            case = run_case(self.config, str(self.folder), trials=None).cases[0]
        except IncidentFailed as failed:
            self._note(failed.case)
            raise
        self._note(case)
        if case.effect == "reported":
            pytest.skip(case.reason)

    def _note(self, case: GatedCase) -> None:
        """Let the process that sees every report know that this case was judged."""
        if case.verdict in ("fixed", "still_failing"):
            self.user_properties.append((_PROPERTY, case.verdict))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what people read of a case that failed; the traceback of a mistake of ours."""
        if isinstance(excinfo.value, IncidentFailed):
            return told(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where the case lies and what it is called."""
        return self.folder / "case.yaml", None, f"incident {self.name}"


@pytest.fixture
def incident(request: pytest.FixtureRequest) -> GatedCase:
    """Run the case that the test is marked with, and return what the gate says of it; the test fails if that is red."""
    marker = request.node.get_closest_marker("incident")
    case = marker.args[0] if marker is not None and marker.args else None
    if marker is None or not isinstance(case, str):
        pytest.fail("expected @pytest.mark.incident('CASE') on a test that asks for `incident`", pytrace=False)
    repeat = marker.kwargs.get("repeat")
    if repeat is not None and (type(repeat) is not int or repeat < 1):
        pytest.fail(f"expected a whole number from 1 as `repeat`, got {repeat!r}", pytrace=False)
    try:
        result = run_case(request.config, case, trials=repeat)
        if result.exit_code:  # a draft, a retired case: the gate says of it alone that nothing was judged
            raise IncidentFailed(result, result.cases[0])
    except IncidentFailed as failed:
        pytest.fail(told(failed), pytrace=False)
    return result.cases[0]


def run_case(config: pytest.Config, case: str, *, trials: int | None) -> GateResult:
    """Return what the gate says of one case.

    Args:
        config: Of the pytest run; the project is that of its root folder.
        case: Id or path.
        trials: Live trials; as many as the policy says by default.

    Raises:
        IncidentFailed: The gate fails or holds.
        CaseError, ConfigError: It cannot be run at all.
    """
    from .gating import GateRequest, run_gate

    request = GateRequest(
        cases=[case],
        candidate=config.getoption("--incidents-candidate"),
        model=config.getoption("--incidents-model"),
        trials=trials,
    )
    result = run_gate(request, start=config.rootpath).result
    found = result.cases[0]
    effects = [case.effect for case in result.cases] + [problem.effect for problem in result.problems]
    if "fail" in effects or "hold" in effects:
        raise IncidentFailed(result, found)
    return result


def told(failed: IncidentFailed) -> str:
    """Return a failed case in lines for people: what, where, why, whom to ask, what to type next."""
    from ..reports.text import inline

    case = failed.case
    step = f"step {case.step.seq}, {case.step.kind} {case.step.name}" if case.step else ""
    facts = (
        ("incident", f"{case.case_id}: {case.title}"),
        ("verdict", f"{case.verdict or 'none'} ({case.rule})"),
        ("why", case.reason),
        ("detail", case.detail),
        ("assertion", case.assertion),
        ("where", step),
        ("cause", case.cause),
        ("ask", case.owner),
        ("result", case.result),
        ("next", case.next_command),
        *(("policy", f"{each.where}: {each.reason}") for each in failed.result.problems),
    )
    return "\n".join(f"{name:<10}{inline(value)}" for name, value in facts if value)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Count judged cases in the process that sees every report, also with xdist."""
    session.config.pluginmanager.register(_Counter(session.config), "unrepeat-counter")


class _Counter:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if any(name == _PROPERTY for name, _ in report.user_properties):
            self.config.stash[_JUDGED].add(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._is_red(exitstatus):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        if self._asked and not self.config.stash[_JUDGED]:
            terminalreporter.section("incidents", red=True)
            terminalreporter.line("no case was judged: this run shows nothing about incidents, so it fails")

    @property
    def _asked(self) -> bool:
        """Whether this process answers for the run: it was asked for incidents, and is no worker of xdist."""
        asked = self.config.getoption("--incidents") is not None and not self.config.getoption("collectonly")
        return asked and not hasattr(self.config, "workerinput")

    def _is_red(self, exitstatus: int) -> bool:
        passed = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        return self._asked and passed and not self.config.stash[_JUDGED]
