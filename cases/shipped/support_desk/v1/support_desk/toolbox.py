"""The tools the model is offered, and whether a call fits their schemas."""

from __future__ import annotations

from typing import Any

WRITES = frozenset({"update_address", "request_refund"})
"""The tools that change something."""


def _tool(name: str, description: str, **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


_TEXT = {"type": "string"}
_LINES = {"type": "array", "items": {"type": "string"}}
_REASON = {"type": "string", "enum": ["not_delivered", "returned"]}

SCHEMAS = [
    _tool("get_customer", "Name and delivery address of an account.", customer_id=_TEXT),
    _tool("get_order", "Lines, prices, payment and notes of an order.", order_id=_TEXT),
    _tool("get_shipment", "What the carrier reports about an order's parcel.", order_id=_TEXT),
    _tool("get_return", "What the warehouse reports about a return.", order_id=_TEXT),
    _tool("update_address", "Change the delivery address of an account.", customer_id=_TEXT, address=_TEXT),
    _tool(
        "request_refund",
        "Ask for a refund of lines of an order; the amount is worked out from the order.",
        order_id=_TEXT,
        lines=_LINES,
        reason=_REASON,
        summary=_TEXT,
    ),
    _tool("ask_customer", "Ask the customer a question and wait for the answer.", question=_TEXT),
]


def objection(name: str, arguments: Any) -> str:
    """Return why a call does not fit its tool's schema; empty when it does."""
    schema = next((each["function"] for each in SCHEMAS if each["function"]["name"] == name), None)
    if schema is None:
        return f"there is no tool {name}"
    if not isinstance(arguments, dict):
        return "the arguments must be an object"
    properties = schema["parameters"]["properties"]
    if set(arguments) != set(properties):
        return f"{name} takes {', '.join(properties)}"
    wrong = (key for key, rule in properties.items() if not _fits(arguments[key], rule))
    return next((f"{key} is not what {name} takes" for key in wrong), "")


def _fits(value: Any, rule: dict[str, Any]) -> bool:
    if rule["type"] == "array":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, str) and value in rule.get("enum", [value])
