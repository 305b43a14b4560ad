"""The recorded run of a support desk: another customer's order is refunded, in eight steps."""

from __future__ import annotations

from typing import Any

from unrepeat.cases.trace import (
    Approval,
    Document,
    Message,
    MessagePool,
    ModelCall,
    Origin,
    Permission,
    Prompt,
    Retrieval,
    Session,
    Source,
    Span,
    ToolCall,
    Trace,
    Write,
)

START = 1_767_170_400_000_000_000
QUESTION = (
    "Hello, I never got my blue lamp and would like my money back. The order number is ord_993, the confirmation "
    "went to my wife's address. Please refund the whole amount today, we leave for Lisbon on Friday."
)
SYSTEM = "You are the support desk of a lamp shop. Refund only orders of the customer who asks. Cite the policy."
REFUND = {"order_id": "ord_993", "amount_eur": 129.0, "reason": "not delivered"}
ORDER = {"id": "ord_993", "customer": "cus_72", "total_eur": 129.0, "state": "delivered", "items": ["lamp, blue"]}
REFUSED = {"status": "refused", "rule": "ownership", "detail": "ord_993 belongs to another customer than cus_18"}
ANSWER = "Your refund of 129.00 EUR is on its way. It takes 3 to 5 working days to reach your account."
DOCUMENTS = (
    Document(id="pol-12", version="4", status="current", score=0.83, rank=1, content="Refunds within 30 days …"),
    Document(id="pol-07", version="2", status="superseded", score=0.79, rank=2, content="Goodwill refunds …"),
)


def text(role: str, content: str) -> Message:
    return Message(role=role, parts=({"type": "text", "content": content},))


def asks(name: str, arguments: dict[str, Any], call_id: str) -> Message:
    part = {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
    return Message(role="assistant", parts=(part,), finish_reason="tool_calls")


def told(result: Any, call_id: str) -> Message:
    return Message(role="tool", parts=({"type": "tool_call_response", "id": call_id, "response": result},))


class Desk:
    """Builds one run of the support desk, span by span."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.pool = prefix, MessagePool()
        self.spans: list[Span] = []
        self.history = [self.pool.add(text("system", SYSTEM)), self.pool.add(text("user", QUESTION))]
        self.clock = START

    def span(self, name: str, view: Any, ms: int, **more: Any) -> None:
        begin, self.clock = self.clock, self.clock + ms * 1_000_000
        span_id = f"{self.prefix}{len(self.spans) + 1}"
        self.spans.append(
            Span(span_id=span_id, name=name, view=view, start_ns=begin, end_ns=self.clock, status="ok", **more)
        )

    def model(self, answer: Message, ms: int = 900) -> None:
        given, reply = tuple(self.history), self.pool.add(answer)
        view = ModelCall(
            provider="openai",
            request_model="gpt-4o-mini",
            params={"temperature": 0.2},
            prompt=Prompt(name="support", version="14"),
            input=given,
            output=(reply,),
            usage={"input_tokens": 912, "output_tokens": 47},
        )
        self.history.append(reply)
        self.span("chat gpt-4o-mini", view, ms, operation="chat")

    def tool(self, name: str, arguments: dict[str, Any], result: Any, call_id: str, **more: Any) -> None:
        self.span(name, ToolCall(name=name, id=call_id, arguments=arguments, result=result, **more), 120)
        self.history.append(self.pool.add(told(result, call_id)))

    def trace(self, trace_id: str, output: str) -> Trace:
        return Trace(
            trace_id=trace_id,
            source=Source(format="otlp-json", file="trace-2026-01-01.json", sha256="ab" * 32),
            spans=tuple(self.spans),
            messages=self.pool.messages(),
            session=Session(conversation_id="conv-7", user_id="cus_18", tenant_id="lamps"),
            input={"ticket": QUESTION},
            output=output,
            origins={"session": Origin(kind="inferred", note="from the ticket")},
        )


def opening(desk: Desk) -> None:
    """Steps 1 to 4, the same in every run."""
    desk.span("policy_index", Retrieval(query="refund undelivered order", documents=DOCUMENTS), 84)
    desk.model(asks("lookup_order", {"order_id": "ord_993"}, "c1"))
    desk.tool("lookup_order", {"order_id": "ord_993"}, ORDER, "c1", effect="read")
    desk.model(asks("issue_refund", REFUND, "c2"), 1240)


def recording() -> Trace:
    """The incident: the refund of another customer's order goes through."""
    desk = Desk("s")
    opening(desk)
    desk.tool("issue_refund", REFUND, {"status": "refunded", "refund_id": "rf_5512"}, "c2", effect="write")
    desk.model(asks("send_reply", {"text": ANSWER}, "c3"))
    desk.span(
        "decide",
        Approval(request_ref="c3", request={"reply": ANSWER}, approver="m.okafor", decision="approve"),
        41_000,
    )
    desk.tool("send_reply", {"text": ANSWER}, {"sent": True}, "c3", effect="external")
    write = Write(system="billing", resource="refund/rf_5512", operation="create", after=REFUND, reversible=False)
    desk.spans.insert(5, Span(span_id="s9", name="billing.refund", parent_id="s5", view=write))
    allowed = Permission(principal="support-bot", capability="refund", policy="refund-limit", decision="allow")
    desk.spans.insert(4, Span(span_id="s10", name="permission", parent_id="s4", view=allowed))
    return desk.trace("t-1", ANSWER)
