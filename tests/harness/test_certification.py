"""A case is certified by the entry of its custody log that names the proof."""

from __future__ import annotations

import msgspec
import pytest

from unrepeat.cases.custody import Entry
from unrepeat.harness.certification import is_certified

PROOF = "run 20260701T120000000000Z: fixed (recorded_action) on v2"


def entries(*steps):
    return [
        Entry(
            seq=number,
            at="2026-07-01T12:00:00Z",
            who="ada",
            action="status",
            tool="unrepeat",
            before={},
            after={"status": status},
            reason=reason,
            previous="",
            hash="",
        )
        for number, (status, reason) in enumerate(steps, 1)
    ]


@pytest.mark.parametrize(
    ("steps", "certified"),
    [
        ([("fixed", PROOF)], True),
        ([("fixed", f"{PROOF}; looked at twice")], True),
        ([("fixed", PROOF), ("recovered", "signed")], True),
        ([("fixed", PROOF), ("open", "came back")], False),
        ([("fixed", PROOF), ("open", "came back"), ("fixed", PROOF)], True),
        ([("fixed", PROOF), ("open", "came back"), ("fixed", "trust me")], False),
        ([("fixed", "trust me")], False),
        ([("fixed", f"no {PROOF}")], False),
        ([], False),
    ],
    ids=str,
)
def test_only_a_proof_since_the_last_reopening_certifies(steps, certified):
    assert is_certified(entries(*steps)) is certified


def test_other_entries_say_nothing():
    [step] = entries(("fixed", PROOF))
    assert is_certified([msgspec.structs.replace(step, action="created")]) is False
