"""Results of gates, as the renderers get them."""

from __future__ import annotations

from unrepeat.scorers.gate_result import FailingStep, GatedCase, GateProblem, GateResult

PASSED = GatedCase(
    case_id="inc-fixed", title="Secret words of a trace", effect="pass", rule="fixed",
    reason="red on the recording, fixed on the candidate", verdict="fixed", scope="recorded_action",
)  # fmt: skip
FAILED = GatedCase(
    case_id="inc-back", title="Secret words of a trace", effect="fail", rule="still-failing",
    reason="the candidate shows the failure", verdict="still_failing", detail="Secret words of a trace",
    assertion="not-tool-called", step=FailingStep(seq=5, kind="tool", name="update_address"),
    cause="retrieval (hypothesis)", owner="@desk/platform", next_command="unrepeat replay inc-back", duration_s=0.25,
)  # fmt: skip
HELD = GatedCase(
    case_id="inc-prompt", title="t", effect="hold", rule="cannot-judge",
    reason="a recording cannot judge a new prompt", verdict="cannot_judge", owner="Ada <b>Brook</b> @ada",
)  # fmt: skip
OPEN = GatedCase(case_id="inc-open", title="t", effect="reported", rule="open", reason="open, does not block")
CRASHED = GatedCase(
    case_id="inc-crashed", title="t", effect="fail", rule="unreadable", reason="case.yaml:3: unreadable"
)
WEAKENED = GateProblem(effect="fail", rule="weakened", where="inc-back", reason="an assertion of the base is gone")


def gate(*cases: GatedCase, exit_code: int = 1, problems: tuple[GateProblem, ...] = ()) -> GateResult:
    return GateResult(
        claim="no_regression", exit_code=exit_code, reason=f"{len(cases)} cases", cases=cases, problems=problems,
        created_at="2026-01-02T03:04:05Z", candidate="working tree", candidate_sha256="ab" * 32, duration_s=1.5,
    )  # fmt: skip
