"""The envelope: encoding, canonical bytes, what is refused. Signatures are tested with the commands."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.reports.attestation import (
    PAYLOAD_TYPE,
    SUBJECTS,
    Approver,
    AttestationError,
    Predicate,
    open_envelope,
    pae,
    seal,
    statement_of,
)
from unrepeat.reports.canonical_json import canonical

SAID = Predicate(
    report_id="r", incidents=("inc-1",), environment="production", severity="high", epoch=1, decision="approve",
    approver=Approver(principal="ada", role="risk"), reason="", conditions=(), residual_risk={}, restrictions={},
    supersedes=(), custody={}, signed_at="2026-01-01T00:00:00Z", expires_at=None, nonce="", tool="",
)  # fmt: skip
BODY = statement_of(dict.fromkeys(SUBJECTS, "0" * 64), SAID)
ENVELOPE = seal(BODY, b"signature", "SHA256:x")


def test_encoding_is_that_of_the_dsse_specification():
    # The example of protocol.md.
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(st.text(), st.binary(), st.text(), st.binary())
def test_two_messages_are_never_encoded_alike(kind, body, other_kind, other_body):
    assert (pae(kind, body) == pae(other_kind, other_body)) == ((kind, body) == (other_kind, other_body))


def test_what_was_sealed_is_what_is_opened():
    opened = open_envelope(ENVELOPE, "e")
    assert (opened.statement.predicate, opened.signature) == (SAID, b"signature")
    assert opened.message == pae(PAYLOAD_TYPE, BODY)


def test_a_statement_is_one_of_in_toto():
    statement = json.loads(BODY)
    assert sorted(statement) == ["_type", "predicate", "predicateType", "subject"]
    assert (statement["_type"], len(statement["subject"])) == ("https://in-toto.io/Statement/v1", 4)
    assert isinstance(statement["predicate"]["epoch"], int)


def changed(**changes):
    return canonical({**json.loads(ENVELOPE), **changes})


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "not-an-envelope"),
        (b"[]", "not-an-envelope"),
        (b"\xff", "not-an-envelope"),
        (b"[" * 5000, "not-an-envelope"),
        (b" " * 2_000_000, "not-an-envelope"),
        (changed(payloadType="text/plain"), "not-an-envelope"),
        (changed(signatures=[]), "not-an-envelope"),
        (changed(signatures=json.loads(ENVELOPE)["signatures"] * 2), "not-an-envelope"),
        (changed(payload="e30=="), "not-an-envelope"),
        (changed(payload=base64.b64encode(b"{}").decode()), "unknown-predicate"),
        (changed(payload=base64.b64encode(b"{ }").decode()), "not-canonical"),
        (changed(more=1), "unsigned-fields"),
        (ENVELOPE + b" ", "not-canonical"),
    ],
)
def test_other_bytes_are_refused(data, rule):
    with pytest.raises(AttestationError) as refused:
        open_envelope(data, "e")
    assert refused.value.rule == rule


@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_no_flipped_byte_of_the_payload_opens_as_the_same(position, flip):
    data = bytearray(ENVELOPE)
    data[position] ^= flip
    try:
        opened = open_envelope(bytes(data), "e")
    except AttestationError:
        return
    same = (opened.message, opened.signature) == (pae(PAYLOAD_TYPE, BODY), b"signature")
    assert not same or b'"keyid"' in data  # only the hint at the key is not signed
