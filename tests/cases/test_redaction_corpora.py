"""Redaction of recorded runs: little is found that is not what it looks like."""

import json
import os
from pathlib import Path

import pytest

from unrepeat.cases.redaction import Redactor
from unrepeat.cases.scanning import find

CORPORA = Path(os.environ.get("UNREPEAT_CORPORA") or Path(__file__).parents[3] / "shared" / "data")
pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="corpora not available"),
]


def values(pattern):
    return [json.loads(path.read_text()) for path in sorted(CORPORA.glob(pattern))]


def kinds(pattern):
    redactor = Redactor(b"k" * 32)
    for value in values(pattern):
        redactor.check(redactor.redact_value(value))
    return set(redactor.report().counts)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("tau_bench/agentrx/**/*.json", {"email"}),
        ("tau_bench/env/*.json", {"email"}),
        ("agentdojo/slice/**/*.json", {"email", "iban"}),
        # Version numbers in the output of pip look like addresses.
        ("whoandwhen/**/*.json", {"email", "phone", "ip"}),
        ("mtrag/*.json", {"email", "phone"}),
        ("trace_formats/langfuse/**/*.json", {"email", "api_key"}),
    ],
)
def test_only_what_is_there_is_found(pattern, expected):
    assert values(pattern)
    assert kinds(pattern) <= expected


def test_orders_of_a_shop_keep_their_ids():
    (path,) = CORPORA.glob("tau_bench/env/orders.json")
    assert find(path.read_text()) == []
