"""The last look at rendered output: no credential leaves in a page or a result, whatever the replay brought up.

Traces are redacted at import; a candidate can still print a key that was never in one. Personal data is not
looked for here: a replay is made of redacted data, and masking it again would hide what the run did.
"""

from __future__ import annotations

from ..cases.scanning import scanner_for

SECRET_TYPES = frozenset({"api_key", "jwt", "private_key", "bearer", "url_credentials"})
"""Types of cases.patterns that are credentials."""


def without_secrets(rendered: bytes) -> bytes:
    """Return rendered output with each credential replaced by what it was.

    Args:
        rendered: HTML or JSON, UTF-8.
    """
    spans = scanner_for(SECRET_TYPES).spans(rendered)
    if not spans:
        return rendered
    parts, position = [], 0
    for span in spans:
        parts += [rendered[position : span.start], f"[removed: {span.type}]".encode()]
        position = span.end
    return b"".join([*parts, rendered[position:]])
