"""The JSON Schemas of the documents."""

from __future__ import annotations

import json
from typing import Any


def schema_text(document: str) -> str:
    """Return the JSON Schema of ``case``, ``trace`` or ``result`` as text."""
    return json.dumps(_schema(document), indent=2, ensure_ascii=False) + "\n"


def _schema(document: str) -> dict[str, Any]:
    if document == "result":
        from ..reports.documents import result_schema

        return result_schema()
    from ..cases.schema import case_schema, trace_schema

    return case_schema() if document == "case" else trace_schema()
