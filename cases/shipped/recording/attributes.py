"""Attributes of the recorded spans: OpenTelemetry's GenAI names, and ``unrepeat.*`` where there is none."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from typing import Any

from .otlp import dump
from .scenarios import Scenario

EFFECTS = {
    "update_address": "write",
    "set_queue": "write",
    "draft_refund": "write",
    "issue_refund": "external",
    "send_reply": "external",
}
"""What a tool does to the outside; every other one reads."""


def describe(kind: str, function: str, arguments: dict[str, Any], version: str, update: str) -> dict[str, Any]:
    """Return ``name`` and the attributes of a boundary call that are known before it is answered.

    Args:
        kind: The boundary.
        function: Name of its function.
        arguments: What it is called with, by name.
        version: Version of the desk.
        update: The vendor's update of the model that is in force; empty for none.
    """
    match kind:
        case "model":
            return _model(arguments, version, update)
        case "retrieval":
            return _retrieval(arguments)
        case "tool":
            return {
                "name": f"execute_tool {function}",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": function,
                "gen_ai.tool.type": "function",
                "gen_ai.tool.call.arguments": dump(arguments),
                "unrepeat.tool.effect": EFFECTS.get(function, "read"),
                "unrepeat.tool.stage": "executed",
            }
        case "approval":
            request = arguments["request"]
            return {
                "name": "review.decide",
                "unrepeat.approval.request": dump(request),
                "unrepeat.approval.shown_evidence": list(request["evidence"]),
            }
        case _:
            return {"name": f"chat.{function}"}


def _model(arguments: dict[str, Any], version: str, update: str) -> dict[str, Any]:
    name, prompt = _prompt(arguments["messages"])
    tools = [each["function"] for each in arguments["tools"]]
    return {
        "name": f"chat {arguments['model']}",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted-example",
        "gen_ai.request.model": arguments["model"],
        "gen_ai.response.model": "-".join(filter(None, (arguments["model"], update, "scripted"))),
        "gen_ai.request.temperature": arguments["temperature"],
        **({"gen_ai.tool.definitions": dump(tools)} if tools else {}),
        "gen_ai.input.messages": dump([_parts(each) for each in arguments["messages"]]),
        "unrepeat.prompt.name": name,
        "unrepeat.prompt.version": version,
        "unrepeat.prompt.sha256": hashlib.sha256(prompt.encode()).hexdigest(),
    }


def _prompt(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """Return name and text of the prompt a request was made from."""
    conversation = importlib.import_module("support_desk.conversation")
    topic = re.search(r"topic (\w+), from account", messages[1]["content"])
    if topic:
        return topic[1], f"{conversation.template('common')}\n\n{conversation.template(topic[1])}"
    system = messages[0]["content"]
    return next(each for each in ("triage", "addresses") if conversation.template(each) == system), system


def _retrieval(arguments: dict[str, Any]) -> dict[str, Any]:
    knowledge = importlib.import_module("support_desk.knowledge")
    return {
        "name": "retrieval policies",
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": "policies",
        "gen_ai.retrieval.query.text": arguments["query"],
        "unrepeat.retrieval.filters": dump(arguments["filters"]),
        "unrepeat.retrieval.index_version": knowledge.load()["index_version"],
    }


def _parts(message: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAI chat message in the GenAI parts form."""
    if message["role"] == "tool":
        response = {
            "type": "tool_call_response",
            "id": message["tool_call_id"],
            "response": message["content"],
        }
        return {"role": "tool", "parts": [response]}
    text = [{"type": "text", "content": message["content"]}] if message["content"] else []
    calls = [
        {
            "type": "tool_call",
            "id": call["id"],
            "name": call["function"]["name"],
            "arguments": json.loads(call["function"]["arguments"]),
        }
        for call in message.get("tool_calls", ())
    ]
    return {"role": message["role"], "parts": [*text, *calls]}


def answered(kind: str, result: Any) -> dict[str, Any]:
    """Return the attributes of a boundary call that are known with its answer."""
    match kind:
        case "model":
            reason = "tool_calls" if result.get("tool_calls") else "stop"
            message = {**_parts(result), "finish_reason": reason}
            return {
                "gen_ai.output.messages": dump([message]),
                "gen_ai.response.finish_reasons": [reason],
            }
        case "retrieval":
            found = [{"id": each["id"], "score": each["score"]} for each in result]
            return {"gen_ai.retrieval.documents": dump(found), "unrepeat.documents": dump(result)}
        case "tool":
            return {"gen_ai.tool.call.result": dump(result)}
        case "approval":
            keys = ("decision", "approver", "approver_kind", "explanation")
            return {f"unrepeat.approval.{key}": result[key] for key in keys}
        case _:
            answer = {"role": "user", "parts": [{"type": "text", "content": result}]}
            return {"gen_ai.input.messages": dump([answer])}


def permission(module: Any, tool: str, objection: str, scenario: Scenario) -> dict[str, Any]:
    """Return the attributes of an access decision."""
    return {
        "unrepeat.permission.principal": scenario.user,
        "unrepeat.permission.capability": tool,
        "unrepeat.permission.policy": module.POLICY,
        "unrepeat.permission.policy_version": module.POLICY_VERSION,
        "unrepeat.permission.decision": "deny" if objection else "allow",
    }


def schema_check(tool: str, objection: str, scenario: Scenario) -> dict[str, Any]:
    """Return the attributes of a call that does not fit its tool's schema; the desk logs only those."""
    return {
        "unrepeat.guardrail.name": "call-schema",
        "unrepeat.guardrail.target": f"{tool} on {scenario.conversation}",
        "unrepeat.guardrail.verdict": "fail",
        "unrepeat.guardrail.action": "block",
        "unrepeat.guardrail.findings": dump([objection]),
    }


def guardrail(module: Any, tool: str, objection: str, scenario: Scenario) -> dict[str, Any]:
    """Return the attributes of a guard's verdict on a call."""
    return {
        "unrepeat.guardrail.name": "call-guard",
        "unrepeat.guardrail.version": module.VERSION,
        "unrepeat.guardrail.target": f"{tool} on {scenario.conversation}",
        "unrepeat.guardrail.verdict": "fail" if objection else "pass",
        "unrepeat.guardrail.action": "block" if objection else "allow",
        "unrepeat.guardrail.findings": dump([objection] if objection else []),
    }


def write(change: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of one change in the shop's records."""
    plain = {key: change[key] for key in ("system", "resource", "operation", "reversible")}
    named = {f"unrepeat.write.{key}": value for key, value in plain.items()}
    states = {f"unrepeat.write.{key}": dump(change[key]) for key in ("before", "after")}
    key = {"unrepeat.write.idempotency_key": change["idempotency_key"]} if change["idempotency_key"] else {}
    return {**named, **states, **key}
