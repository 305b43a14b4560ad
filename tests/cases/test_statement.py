"""What a case states is the same whatever its status."""

from __future__ import annotations

import hashlib

import pytest

from unrepeat.cases.statement import digests_by_status, statement_digest
from unrepeat.cases.status_line import with_status

CASE = b"id: inc-1 # ours\ntitle: A refund\nassert: []\n"
STATUSES = ("open", "fixed", "recovered", "retired")


@pytest.mark.parametrize("status", STATUSES)
def test_a_change_of_status_leaves_the_digest_alone(status):
    assert statement_digest(with_status(CASE, status, "c"), "c") == statement_digest(CASE, "c")


@pytest.mark.parametrize("change", [(b"A refund", b"A payment"), (b"# ours", b"# mine"), (b"[]", b"[ ]")])
def test_any_other_change_does_not(change):
    assert statement_digest(CASE.replace(*change), "c") != statement_digest(CASE, "c")


@pytest.mark.parametrize("before", [CASE, *(with_status(CASE, each, "c") for each in STATUSES)])
@pytest.mark.parametrize("after", STATUSES)
def test_a_proof_from_before_a_change_of_status_is_found(before, after):
    digest = hashlib.sha256(before).hexdigest()
    assert digest in digests_by_status(with_status(before, after, "c"), "c")


def test_a_proof_of_another_case_is_not():
    other = hashlib.sha256(CASE.replace(b"refund", b"payment")).hexdigest()
    assert other not in digests_by_status(CASE, "c")
