"""JSON Schemas of the files of a case, for editors and for other tools."""

from __future__ import annotations

from typing import Any

from .trace import TRACE_FORMAT, TraceDocument

DRAFT = "https://json-schema.org/draft/2020-12/schema"
CASE_SCHEMA_ID = "urn:unrepeat:schema:case:{version}"
TRACE_SCHEMA_ID = "urn:unrepeat:schema:trace:{version}"


def case_schema() -> dict[str, Any]:
    """Return the JSON Schema of case.yaml (draft 2020-12), with a description for every key."""
    from .case import Case
    from .case_migrations import CASE_FORMAT

    schema = Case.model_json_schema(by_alias=True, mode="validation")
    schema.pop("title", None)
    return {
        "$schema": DRAFT,
        "$id": CASE_SCHEMA_ID.format(version=CASE_FORMAT),
        "title": "case.yaml of unrepeat",
        **_without_titles(schema),
    }


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    for definition in (schema, *schema.get("$defs", {}).values()):
        definition.pop("title", None)
        for each in definition.get("properties", {}).values():
            each.pop("title", None)  # only repeats the key
    return schema


def trace_schema() -> dict[str, Any]:
    """Return the JSON Schema of trace.json (draft 2020-12)."""
    import msgspec

    schema = msgspec.json.schema(TraceDocument)
    schema["$defs"]["TraceDocument"]["required"] = ["format"]  # always written, see cases.trace_file
    return {
        "$schema": DRAFT,
        "$id": TRACE_SCHEMA_ID.format(version=TRACE_FORMAT),
        "title": "trace.json of unrepeat",
        **schema,
    }
