"""From a case's replay settings to the modes of its boundaries."""

from __future__ import annotations

import pytest

from unrepeat.cases.errors import ConfigError
from unrepeat.cases.replay_settings import ReplaySettings
from unrepeat.harness.modes import modes_of
from unrepeat.replayers.clock import ClockMode


def modes(allow_live=(), **settings):
    return modes_of(ReplaySettings.model_validate(settings), allow_live, "case.yaml")


def test_everything_is_recorded_by_default():
    assert {modes().of(kind, "x") for kind in ("model", "retrieval", "tool", "approval", "user")} == {"recorded"}


def test_model_is_live_when_the_model_changes():
    assert modes(["model"], preset="model-change").of("model", "complete") == "live"


@pytest.mark.parametrize(
    ("allowed", "settings"),
    [
        ([], {"preset": "model-change"}),
        ([], {"boundaries": {"tool": {"mode": "live"}}}),
        (["tool:get_order"], {"boundaries": {"tool": {"mode": "live"}}}),
        (["tool:get_order"], {"boundaries": {"tool": {"mode": "live", "only": ["refund"]}}}),
        (["tool:get_*"], {"boundaries": {"tool": {"mode": "live", "only": ["*"]}}}),
        (["retrieval"], {"boundaries": {"tool": {"mode": "live"}}}),
    ],
)
def test_nothing_runs_for_real_that_is_not_allowed_by_name(allowed, settings):
    with pytest.raises(ConfigError, match="to be allowed to run for real"):
        modes(allowed, **settings)


@pytest.mark.parametrize("allowed", ["tool", "tool:get_order", "tool:get_*"])
def test_tool_that_is_allowed_runs_for_real(allowed):
    found = modes([allowed], boundaries={"tool": {"mode": "live", "only": ["get_order"]}})
    assert (found.of("tool", "get_order"), found.of("tool", "refund")) == ("live", "recorded")


def test_what_is_said_of_a_boundary_wins_over_the_preset():
    found = modes(["model"], preset="model-change", boundaries={"model": {"mode": "recorded"}})
    assert found.of("model", "complete") == "recorded"


def test_static_value_is_given_as_stated():
    found = modes(boundaries={"approval": {"mode": "static", "value": None}})
    assert (found.of("approval", "decide"), found.static_answer("approval", "decide")) == ("static", None)


def test_only_what_is_allowed_becomes_live_from_a_step_on():
    found = modes(["tool:get_order"], preset="from-step", from_step=3)
    assert [found.of("tool", "get_order", 2), found.of("tool", "get_order", 3), found.of("tool", "refund", 3)] == [
        "recorded", "live", "recorded",
    ]  # fmt: skip


def test_clock_is_recorded_and_nobody_stated_it():
    assert modes().clock == ClockMode("recorded", None, False)


@pytest.mark.parametrize(
    ("rule", "clock"),
    [
        ({"mode": "recorded"}, ClockMode("recorded", None, True)),
        ({"mode": "live"}, ClockMode("live", None, True)),
        ({"mode": "static", "value": "1970-01-01T00:00:01Z"}, ClockMode("static", 1_000_000_000, True)),
        ({"mode": "static", "value": "1970-01-01T01:00:00.5+01:00"}, ClockMode("static", 500_000_000, True)),
    ],
)
def test_clock_is_as_the_case_states(rule, clock):
    assert modes(boundaries={"clock": rule}).clock == clock


@pytest.mark.parametrize(
    "value", ["2026-03-03", "2026-03-03T10:00:00", "2026-02-30T10:00:00Z", "1969-12-31T23:59:59Z", "now", "", 1, None]
)
def test_static_clock_that_is_no_time_is_named_with_its_place(value):
    with pytest.raises(ConfigError, match=r"case\.yaml: replay\.boundaries\.clock\.value: expected a time"):
        modes(boundaries={"clock": {"mode": "static", "value": value}})


def test_clock_of_some_functions_only_is_refused():
    with pytest.raises(ConfigError, match="without `only`"):
        modes(boundaries={"clock": {"mode": "live", "only": ["time"]}})


def test_case_without_a_trace_has_the_real_clock():
    settings = ReplaySettings.model_validate({})
    assert modes_of(settings, (), "case.yaml", unrecorded=True).clock.mode == "live"


def test_case_without_a_trace_has_no_recorded_clock():
    settings = ReplaySettings.model_validate({"boundaries": {"clock": {"mode": "recorded"}}})
    with pytest.raises(ConfigError, match="no trace to take the time from"):
        modes_of(settings, (), "case.yaml", unrecorded=True)
