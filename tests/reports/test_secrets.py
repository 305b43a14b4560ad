"""No credential leaves in a rendered page or result."""

from __future__ import annotations

import json

import msgspec
from tests.reports.samples import fixed

from unrepeat.reports.documents import from_json, to_json
from unrepeat.reports.html import render_page
from unrepeat.reports.secrets import without_secrets

CANARY = "sk-ant-api03-" + "Q7x9" * 22 + "Zz-AAAA"


def leaky():
    verdict = fixed()
    trace = verdict.traces[0]
    assert trace.candidate is not None
    replay = msgspec.structs.replace(trace.candidate.replay, error=f"debug: key={CANARY}")
    judged = msgspec.structs.replace(trace.candidate, replay=replay)
    return msgspec.structs.replace(verdict, traces=(msgspec.structs.replace(trace, candidate=judged),))


def test_planted_key_is_removed_from_the_page():
    assert CANARY.encode() in render_page(leaky()).encode()
    assert CANARY.encode() not in without_secrets(render_page(leaky()).encode())


def test_removed_key_says_what_it_was():
    assert b"[removed: api_key]" in without_secrets(to_json(leaky()))


def test_result_without_its_key_still_reads():
    assert from_json(without_secrets(to_json(leaky()))).case_id == fixed().case_id


def test_output_without_secrets_is_the_same_bytes():
    rendered = render_page(fixed()).encode()
    assert without_secrets(rendered) is rendered


def test_key_inside_of_json_text_inside_of_json_is_removed():
    nested = json.dumps({"arguments": json.dumps({"token": CANARY})}).encode()
    assert CANARY.encode() not in without_secrets(nested)
