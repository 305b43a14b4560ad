"""The page of ``unrepeat.*`` span attributes, for ``docs.generate``."""

from __future__ import annotations

from unrepeat.cases.readers.unrepeat_attributes import FIELDS

FORMS = {
    "text": "text",
    "json": "JSON text or a structured value",
    "list": "a list, as JSON text or an array",
    "texts": "a list of texts, as JSON text or an array",
    "flag": "`true` or `false`",
}

WHOLE_RUN = {
    "unrepeat.input": "the arguments of the entry callable by name, as JSON; on the root span",
    "unrepeat.output": "what the entry callable returned; on the root span",
    "unrepeat.user.id": "the signed-in user",
    "unrepeat.tenant.id": "the tenant the user belongs to",
    "unrepeat.incident.id": "the incident this trace is known to belong to; kept as the label `incident_id`",
}
BOUNDARIES = {
    "unrepeat.boundary": "`model`, `retrieval`, `tool`, `approval` or `user`: this span is a call of that boundary",
    "unrepeat.arguments": "the arguments of the boundary function by parameter name, as JSON, verbatim",
    "unrepeat.result": "its return value as JSON, verbatim; a replay hands exactly this back",
    "unrepeat.tool.name": "name of the tool, where `gen_ai.tool.name` is not set",
    "unrepeat.tool.effect": "`read`, `write` or `external`",
    "unrepeat.tool.stage": "`proposed` (only asked for) or `executed` (it went through; the default)",
    "unrepeat.tool.attempt": "number of the attempt, from 1",
    "unrepeat.documents": "what was retrieved: a list of objects, see below",
    "unrepeat.retrieval.index_version": "version of the index that was searched",
    "unrepeat.retrieval.data_source": "what was searched",
    "unrepeat.retrieval.filters": "filters of the search, as JSON",
    "unrepeat.prompt.name": "name of the prompt template of a model call",
    "unrepeat.prompt.version": "its version",
    "unrepeat.prompt.sha256": "SHA-256 of its text",
    "unrepeat.evaluation.annotator_kind": "who gave an evaluation: a person or a machine",
}
MEANINGS = {
    "approval.request_ref": "id of the tool call (or span) that asked for the approval",
    "approval.request": "what was put before the approver",
    "approval.approver": "who decided",
    "approval.approver_kind": "kind of approver, such as `human`",
    "approval.decision": "`approve`, `modify`, `reject`, `escalate` or `terminate`",
    "approval.modified_arguments": "the arguments after a `modify`",
    "approval.shown_evidence": "names of the evidence on the approver's screen",
    "approval.explanation": "the reason given",
    "permission.principal": "who wants to act",
    "permission.capability": "what they want to do",
    "permission.policy": "the policy that decided",
    "permission.policy_version": "its version",
    "permission.decision": "what it decided, such as `allow` or `deny`",
    "guardrail.name": "name of the check",
    "guardrail.version": "its version",
    "guardrail.target": "what it looked at",
    "guardrail.verdict": "what it found, in a word",
    "guardrail.action": "what it did about it",
    "guardrail.findings": "what it found, one by one",
    "write.system": "the downstream system",
    "write.resource": "the record that changed",
    "write.operation": "`create`, `update`, `delete` …",
    "write.before": "the record before",
    "write.after": "the record after",
    "write.idempotency_key": "key by which a repeated write is recognised",
    "write.reversible": "whether it can be undone",
}
DOCUMENT_FIELDS = (
    "id", "chunk_id", "content", "score", "rank", "sha256", "uri", "version", "status", "updated_at", "acl", "trust"
)  # fmt: skip


def attributes_page(note: str) -> str:
    """Return the page.

    Args:
        note: The comment that says that the page is generated.

    Raises:
        KeyError: A field of the code has no meaning here yet.
    """
    lines = ["# `unrepeat.*` span attributes", "", note, ""]
    lines += ["OpenTelemetry's GenAI conventions cover model calls, tools and retrieved documents. What they do not"]
    lines += ["cover, unrepeat reads from these attributes. Emit them from your own spans; the reader takes them from"]
    lines += ["every format that carries span attributes. Structured values may be JSON text or OTLP lists and maps."]
    lines += ["None is required: what is missing is said at the end of an import.", ""]
    lines += ["## The whole run", "", *_plain(WHOLE_RUN), "", "## Boundary calls", "", *_plain(BOUNDARIES)]
    for section, fields in FIELDS.items():
        lines += ["", f"## `unrepeat.{section}.*`", "", "| attribute | form | meaning |", "|---|---|---|"]
        for name, kind in fields.items():
            meaning = MEANINGS[f"{section}.{name}"]
            lines.append(f"| `unrepeat.{section}.{name}` | {FORMS[kind]} | {meaning} |")
    lines += [
        "",
        "They may stand on a span of their own or on the tool's span. A write belongs to the tool span it hangs",
    ]
    lines += ["below (its parent), or stands on.", "", "## `unrepeat.documents`", ""]
    lines += ["A list of objects with " + ", ".join(f"`{each}`" for each in DOCUMENT_FIELDS) + ". Every field is"]
    lines += ["optional; other fields are kept as metadata. `text` and `page_content` are read as `content`. Without"]
    lines += ["this attribute, `gen_ai.retrieval.documents` is read, else the span's `unrepeat.result`."]
    return "\n".join(lines) + "\n"


def _plain(rows: dict[str, str]) -> list[str]:
    return ["| attribute | meaning |", "|---|---|", *(f"| `{name}` | {meaning} |" for name, meaning in rows.items())]
