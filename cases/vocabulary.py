"""The closed lists of words that case.yaml uses."""

from __future__ import annotations

from typing import Literal

Kind = Literal["incident", "near_miss", "security_event", "quality_issue"]
Status = Literal["open", "fixed", "recovered", "retired"]
Severity = Literal["low", "medium", "high", "critical"]

DetectedBy = Literal[
    "monitoring",
    "guardrail",
    "review",
    "complaint",
    "user",
    "employee",
    "audit",
    "testing",
    "vendor",
    "regulator",
    "researcher",
    "drill",
    "chance",
    "unknown",
]
FailureCategory = Literal[
    "wrong_answer",
    "hallucination",
    "outdated_source",
    "wrong_retrieval",
    "tool_misuse",
    "wrong_action",
    "excessive_agency",
    "goal_hijack",
    "prompt_injection",
    "memory_poisoning",
    "data_disclosure",
    "cross_tenant_access",
    "permission_bypass",
    "review_failure",
    "policy_violation",
    "unsafe_output",
    "bias",
    "wrong_refusal",
    "runaway_cost",
    "unavailable",
    "supply_chain",
    "other",
    "unknown",
]
Component = Literal[
    "model",
    "prompt",
    "data",
    "retrieval",
    "tool",
    "permission",
    "validation",
    "review",
    "policy",
    "vendor",
    "integration",
    "unknown",
]
CauseStatus = Literal["hypothesis", "confirmed"]
ControlState = Literal["held", "failed", "absent", "bypassed", "exception"]
Barrier = Literal[
    "human-review",
    "approval",
    "guardrail",
    "permission",
    "validation",
    "monitoring",
    "testing",
    "user",
    "recipient",
    "vendor",
    "chance",
    "unknown",
]
Addresses = Literal["symptom", "control"]
ActionStatus = Literal["open", "in_progress", "done", "dropped"]
RecordState = Literal["to_correct", "corrected", "not_needed", "unknown"]
YesNo = Literal["yes", "no", "unknown"]
EvidenceKind = Literal["trace", "deployment", "config", "dataset", "vendor", "complaint", "other"]
LinkKind = Literal["ticket", "deployment", "change", "vendor_notice", "report", "conversation", "other"]

BoundaryName = Literal["model", "retrieval", "tool", "approval", "user", "clock"]
BoundaryModeName = Literal["recorded", "live", "static"]
Preset = Literal["code-change", "model-change", "from-step"]
OnMiss = Literal["fail", "error_result"]
Change = Literal[
    "entity_swap",
    "document_order",
    "document_stale",
    "injection_moved",
    "tool_error",
    "tool_timeout",
    "duplicate_result",
    "truncated_result",
    "approval_withheld",
    "approval_delayed",
    "unicode",
    "conversation_cut",
    "parallel_order",
    "paraphrase",
]
