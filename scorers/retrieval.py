"""What was retrieved: ``retrieved`` and ``not-retrieved``.

A field that a document does not state neither matches nor fails to match. Where documents must be such, it
counts as not matching; where none may be such, the assertion cannot be judged, so that an index which stops
stating the status of its documents never passes for one without superseded documents.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from ..cases.assertions import DocumentPattern, Retrieved
from ..cases.errors import ScorerError
from ..cases.trace import Document, Retrieval, Span, Trace
from .calls import excerpt
from .disguise import folded
from .predicates import MISSING, Check, as_number, compile_predicate, json_equal
from .score import Scorer, Violation

VERSION = "1"

_LABELS = frozenset({"status", "trust", "acl", "data_source"})
"""Words of a vocabulary: an index that writes ``Superseded`` means the same as one that writes ``superseded``."""

_Test = Callable[[Document, Retrieval], bool | None]
"""True, False, or None where the document does not state what is asked."""


def compile_retrieved(assertion: Retrieved) -> Scorer:
    """Compile ``retrieved`` (liveness) or ``not-retrieved`` and ``retrieved`` with ``not`` (safety)."""
    negative = assertion.type == "not-retrieved" or assertion.not_ is not None
    pattern = assertion.not_ or assertion
    test = _compile(pattern)
    words = _words(pattern)
    forbidden, required = _forbidden(test, words), _required(test, words, assertion.min)
    least = f"at least {assertion.min} documents" if assertion.min > 1 else "a document"
    return Scorer(
        type=assertion.type,
        version=VERSION,
        property="safety" if negative else "liveness",
        find=forbidden if negative else required,
        describe=f"no document with {words} is retrieved" if negative else f"{least} with {words} is retrieved",
        params=assertion,
        remark=_nothing_retrieved if negative else None,
    )


def _nothing_retrieved(trace: Trace) -> str:
    return "" if any(True for _ in trace.views(Retrieval)) else "nothing was retrieved at all"


def _documents(trace: Trace) -> Iterator[tuple[Span, Retrieval, Document]]:
    for span, view in trace.views(Retrieval):
        for document in view.documents:
            yield span, view, document


def _forbidden(test: _Test, words: str) -> Callable[[Trace], tuple[Violation, ...]]:
    def find(trace: Trace) -> tuple[Violation, ...]:
        violations, unknown = [], None
        for span, view, document in _documents(trace):
            found = test(document, view)
            if found:
                reason = f"{_name(document)} was retrieved, with {words}"
                violations.append(Violation(reason=reason, span_ids=(span.span_id,)))
            elif found is None:
                unknown = unknown or (span, document)
        if unknown and not violations:
            raise ScorerError(
                f"expected {_name(unknown[1])} to state whether it has {words}, got nothing; cannot tell",
                where=f"span {unknown[0].span_id}",
                hint="Record these fields with each retrieved document",
            )
        return tuple(violations)

    return find


def _required(test: _Test, words: str, least: int) -> Callable[[Trace], tuple[Violation, ...]]:
    def find(trace: Trace) -> tuple[Violation, ...]:
        documents = list(_documents(trace))
        count = sum(test(document, view) is True for _, view, document in documents)
        if count >= least:
            return ()
        if not documents:
            return (Violation(reason="nothing was retrieved"),)
        names = ", ".join(dict.fromkeys(_name(document) for _, _, document in documents[:5]))
        wanted = f"only {count} of {least} documents" if least > 1 else "no document"
        spans = tuple(dict.fromkeys(span.span_id for span, _, _ in documents))
        return (Violation(reason=f"{wanted} with {words} retrieved; retrieved: {names}", span_ids=spans),)

    return find


def _name(document: Document) -> str:
    version = f" (version {document.version})" if document.version else ""
    return f"{document.id or document.chunk_id or document.uri or 'an unnamed document'}{version}"


def _words(pattern: DocumentPattern) -> str:
    return excerpt(pattern.given())


def _compile(pattern: DocumentPattern) -> _Test:
    tests = [_field_test(name, predicate) for name, predicate in pattern.given().items()]

    def test(document: Document, view: Retrieval) -> bool | None:
        found = [each(document, view) for each in tests]
        if False in found:
            return False
        return None if None in found else True

    return test


def _field_test(name: str, predicate: Any) -> _Test:
    if name == "fresh_as_of":
        return _freshness(predicate)
    check = _check(name, predicate)

    def test(document: Document, view: Retrieval) -> bool | None:
        stated = [each for each in _stated(name, document, view) if each]
        if stated:
            return any(check(each) for each in stated)
        # `exists` is decided by absence; all else is unknown.
        return check(MISSING) if isinstance(predicate, dict) and "exists" in predicate else None

    return test


def _stated(name: str, document: Document, view: Retrieval) -> tuple[str, ...]:
    if name == "id":
        return (document.id, document.chunk_id)
    if name == "data_source":
        return (view.data_source,)
    return (getattr(document, name),)


def _check(name: str, predicate: Any) -> Check:
    if isinstance(predicate, dict):
        return compile_predicate(predicate)
    if name == "content":
        return lambda text: str(predicate) in text
    if name in _LABELS and isinstance(predicate, str):
        return lambda text: folded(text) == folded(predicate)
    return lambda text: json_equal(text, predicate) or _same_number(text, predicate)


def _same_number(text: Any, predicate: Any) -> bool:
    """Tell whether a stated text is the number asked for: YAML reads ``version: 3`` as one."""
    number = isinstance(predicate, (int, float)) and not isinstance(predicate, bool)
    return number and as_number(text) == predicate


def _freshness(moment: str) -> _Test:
    limit = _utc(moment)

    def test(document: Document, _view: Retrieval) -> bool | None:
        try:
            return _utc(document.updated_at) >= limit
        except ValueError:
            return None

    return test


def _utc(moment: str) -> dt.datetime:
    parsed = dt.datetime.fromisoformat(moment)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)
