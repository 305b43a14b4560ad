"""The suggested severity."""

import pytest

from unrepeat.cases.severity import SeverityFactors, severity_of


@pytest.mark.parametrize(
    ("factors", "severity"),
    [
        ({}, "low"),
        ({"reversibility": "irreversible"}, "medium"),
        ({"blast_radius": "segment", "reversibility": "hard", "autonomy": "acts"}, "medium"),
        (
            {
                "blast_radius": "segment",
                "exposure": "customer",
                "reversibility": "hard",
                "autonomy": "acts",
                "recurrence": "second",
            },
            "high",
        ),
        (
            {"blast_radius": "everyone", "decision_significance": "safety", "autonomy": "acts", "stoppable": "no"},
            "critical",
        ),
    ],
)
def test_severity_grows_with_reach_and_damage(factors, severity):
    assert severity_of(SeverityFactors(**factors)) == severity
