"""A decision as it is signed: an in-toto Statement v1 in a DSSE envelope with one signature.

What is signed is not the JSON but its pre-authentication encoding (DSSE v1):

    PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body

with lengths as decimal numbers of bytes. The payload is canonical JSON; an envelope holds nothing that is not signed
except the signature and a hint at its key.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal

import msgspec

from ..cases.errors import SourceError
from .canonical_json import DuplicateKeyError, NotCanonicalError, canonical, read_canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:unrepeat:recovery-decision:v1"
"""A name, not an address: nothing is ever fetched to understand a decision."""
NAMESPACE = "unrepeat-recovery"
"""Namespace of the SSH signatures: a signature for git or a file is none for a recovery."""
SUBJECTS = ("report", "case-set", "gate-policy", "system-under-test")
MAX_BYTES = 1024 * 1024

DecisionWord = Literal["approve", "approve-with-conditions", "reject", "revoke"]
APPROVALS = frozenset({"approve", "approve-with-conditions"})


class _Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything in an envelope: every field is written, unknown ones are refused."""


class Approver(_Signed, frozen=True):
    """Who decides, in which role."""

    principal: str
    role: str


class Predicate(_Signed, frozen=True):
    """What was decided about which recovery."""

    report_id: str
    incidents: tuple[str, ...]
    environment: str
    severity: str
    epoch: int
    decision: DecisionWord
    approver: Approver
    reason: str
    conditions: tuple[str, ...]
    residual_risk: dict[str, str]
    """By case."""
    restrictions: dict[str, tuple[str, ...]]
    """By case."""
    supersedes: tuple[str, ...]
    """SHA-256 of envelopes of the same person that this decision takes the place of."""
    custody: dict[str, str]
    """Head of the custody log of each case when it was signed; binds every decision logged before."""
    signed_at: str
    """RFC 3339, UTC."""
    expires_at: str | None
    """None for a rejection or revocation, which stand until they are superseded."""
    nonce: str
    tool: str


class Digest(_Signed, frozen=True):
    """How a subject is named."""

    sha256: str


class Bound(_Signed, frozen=True):
    """One of the things a decision is about."""

    name: str
    digest: Digest


class Statement(_Signed, frozen=True, rename={"type": "_type", "predicate_type": "predicateType"}):
    """An in-toto Statement v1."""

    type: str
    subject: tuple[Bound, ...]
    predicate_type: str
    predicate: Predicate

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each subject by name."""
        return {each.name: each.digest.sha256 for each in self.subject}


class Signature(_Signed, frozen=True):
    """One signature: base64 of the binary SSHSIG, and the fingerprint of the key as a hint."""

    keyid: str
    sig: str


class Envelope(_Signed, frozen=True, rename={"payload_type": "payloadType"}):
    """A DSSE envelope."""

    payload: str
    payload_type: str
    signatures: tuple[Signature, ...]


class Opened(msgspec.Struct, frozen=True):
    """What an envelope holds, not verified yet."""

    statement: Statement
    message: bytes
    """The bytes the signature is over."""
    signature: bytes
    """Binary SSHSIG."""


class AttestationError(ValueError):
    """An envelope is not one this project accepts; ``rule`` names what is wrong for machines."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        super().__init__(message)


def pae(payload_type: str, body: bytes) -> bytes:
    """Return the pre-authentication encoding of DSSE v1."""
    name = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(body), body)


def statement_of(subjects: dict[str, str], predicate: Predicate) -> bytes:
    """Return the canonical JSON of a statement.

    Args:
        subjects: SHA-256 by name, of each of ``SUBJECTS``.
        predicate: The decision.
    """
    bound = tuple(Bound(name=name, digest=Digest(sha256=subjects[name])) for name in SUBJECTS)
    return canonical(Statement(type=STATEMENT_TYPE, subject=bound, predicate_type=PREDICATE_TYPE, predicate=predicate))


def seal(body: bytes, signature: bytes, fingerprint: str) -> bytes:
    """Return the envelope of a signed payload."""
    signed = Signature(keyid=fingerprint, sig=base64.b64encode(signature).decode())
    return canonical(Envelope(payload=base64.b64encode(body).decode(), payload_type=PAYLOAD_TYPE, signatures=(signed,)))


def open_envelope(data: bytes, where: str) -> Opened:
    """Return what an envelope holds; whether the signature is good is for ``ssh-keygen`` to say.

    Raises:
        AttestationError: It is not an envelope as this project writes it.
    """
    if len(data) > MAX_BYTES:
        raise AttestationError("not-an-envelope", f"expected at most {MAX_BYTES} bytes, got {len(data)}")
    content = _document(data, where)
    envelope = _typed(content, Envelope, "unsigned-fields" if _has_more(content) else "not-an-envelope")
    if envelope.payload_type != PAYLOAD_TYPE:
        raise AttestationError("not-an-envelope", f"expected payloadType {PAYLOAD_TYPE}, got another")
    if len(envelope.signatures) != 1:
        raise AttestationError("not-an-envelope", f"expected one signature, got {len(envelope.signatures)}")
    body = _decoded(envelope.payload)
    statement = _statement(_document(body, f"payload of {where}"))
    return Opened(statement, pae(PAYLOAD_TYPE, body), _decoded(envelope.signatures[0].sig))


def _has_more(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    signatures = content.get("signatures")
    parts = [each for each in signatures if isinstance(each, dict)] if isinstance(signatures, list) else []
    return bool(set(content) - {"payload", "payloadType", "signatures"}) or any(
        set(each) - {"keyid", "sig"} for each in parts
    )


def _statement(content: Any) -> Statement:
    kind = content.get("predicateType") if isinstance(content, dict) else None
    if kind != PREDICATE_TYPE:
        raise AttestationError("unknown-predicate", f"expected predicateType {PREDICATE_TYPE}, got {str(kind)[:80]!a}")
    statement: Statement = _typed(content, Statement, "malformed-statement")
    if statement.type != STATEMENT_TYPE or [each.name for each in statement.subject] != list(SUBJECTS):
        raise AttestationError("malformed-statement", f"expected a Statement v1 about {', '.join(SUBJECTS)}")
    return statement


def _document(data: bytes, where: str) -> Any:
    try:
        return read_canonical(data, where)
    except DuplicateKeyError as error:
        raise AttestationError("duplicate-keys", str(error)) from None
    except NotCanonicalError as error:
        raise AttestationError("not-canonical", str(error)) from None
    except SourceError as error:
        raise AttestationError("not-an-envelope", error.message) from None


def _typed(content: Any, kind: type[Any], rule: str) -> Any:
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise AttestationError(rule, str(error)) from None


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if base64.b64encode(data).decode() != text:
        raise AttestationError("not-an-envelope", "expected base64, got something else")
    return data
