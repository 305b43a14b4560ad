"""Facts and terms of gates, generated: any, and those of one kind."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from unrepeat.harness.gate import Facts, Fault, Shown, Terms, TraceFacts
from unrepeat.harness.policy import SEVERITIES, GatePolicy, Waiver
from unrepeat.scorers.gate_result import GateProblem
from unrepeat.scorers.verdict import Rate

TODAY = dt.date(2026, 7, 1)
IDS = ("a", "b", "c")
NEW = "new"
"""An id that no generated case has and no generated waiver names."""
WORDS = ("fixed", "still_failing", "cannot_reproduce", "cannot_judge", "error")
FAULTS = ("unreadable", "edited", "crashed", "never-ran", "asserts-nothing", "needs-live-model", "could-not-run")
NAN = Rate(failures=0, trials=10, at_most=float("nan"))

rates = st.sampled_from(
    [
        Rate(failures=0, trials=10, at_most=0.26),
        Rate(failures=0, trials=3, at_most=0.63),
        Rate(failures=1, trials=10, at_most=0.39),
        NAN,
    ]
)
traces = st.builds(
    TraceFacts, verdict=st.sampled_from(WORDS), rate=st.none() | rates, unscored=st.sampled_from([0, 0, 1])
)
any_facts = st.builds(
    Facts,
    case_id=st.sampled_from(IDS),
    severity=st.sampled_from(["", *SEVERITIES, "dire"]),
    status=st.sampled_from(["open", "fixed", "fixed", "recovered", "retired", "gone"]),
    blocks_while_open=st.booleans(),
    named=st.booleans(),
    stated=st.booleans(),
    certified=st.booleans(),
    verdict=st.sampled_from([*WORDS, "great", None]),
    scope=st.sampled_from(["recorded_action", "whole_run", None, "some"]),
    traces=st.lists(traces, max_size=2).map(tuple),
    fault=st.none() | st.builds(Fault, rule=st.sampled_from(FAULTS), reason=st.just("so")),
)
waivers = st.builds(
    Waiver,
    case=st.sampled_from(IDS),
    reason=st.just("why"),
    owner=st.just("who"),
    expires=st.sampled_from([TODAY, TODAY + dt.timedelta(1), TODAY - dt.timedelta(1)]),
)
policies = st.builds(
    GatePolicy,
    blocks=st.lists(st.sampled_from(SEVERITIES), min_size=1, unique=True),
    unstated_severity=st.sampled_from(SEVERITIES),
    hold=st.sampled_from([[], ["cannot_judge"]]),
    scope=st.dictionaries(st.sampled_from(SEVERITIES), st.sampled_from(["whole_run", "recorded_action"])),
    waivers=st.lists(waivers, max_size=2, unique_by=lambda waiver: waiver.case),
)
any_terms = st.builds(
    Terms,
    policy=policies,
    claim=st.sampled_from(["no_regression", "fixed", "recovered"]),
    today=st.just(TODAY),
    known_ids=st.just(frozenset({*IDS, NEW})),
    unsigned=st.none() | st.dictionaries(st.sampled_from(IDS), st.sampled_from([(), ("risk has not signed",)])),
)
problems = st.builds(
    GateProblem,
    effect=st.sampled_from(["fail", "hold", "reported"]),
    rule=st.just("x"),
    where=st.just("y"),
    reason=st.just("z"),
)


def terms(claim: Any = "no_regression", unsigned: Any = None, **policy: Any) -> Terms:
    """Return terms with the default policy but for what is given."""
    return Terms(GatePolicy(**policy), claim, TODAY, frozenset({*IDS, NEW}), unsigned)


def facts(verdict: str | None = "fixed", case_id: str = NEW, *, rate: Rate | None = None, **more: Any) -> Facts:
    """Return a case that was fixed before and came out in one way."""
    known: dict[str, Any] = {
        "status": "fixed",
        "severity": "medium",
        "scope": "whole_run" if verdict == "fixed" else None,
        "traces": (TraceFacts(verdict=verdict or "error", rate=rate, isolation="guard"),),
        "shown": Shown(next_command="unrepeat replay new"),
    }
    return Facts(case_id=case_id, verdict=verdict, **{**known, **more})


def faulty(rule: str, **more: Any) -> Facts:
    """Return a case without a verdict."""
    return facts(None, fault=Fault(rule=rule, reason="so"), traces=(), **more)
