"""The conversations of the client programs: which turns the model has in each."""

from __future__ import annotations

from tests.clients.provider_forms import Turn

_ASKS_BOTH: Turn = {"calls": [["get_order", {"order_id": "A-17"}], ["get_order", {"order_id": "A-18"}]]}
_ASKS_ONE: Turn = {"text": "I look it up.", "calls": [["get_order", {"order_id": "A-17"}]]}
_REFUNDS: Turn = {"calls": [["refund", {"order_id": "A-18", "amount": 20.5}]]}
_TELLS: Turn = {"text": "A-17 was delivered. A-18 was lost: 20.50 € are on their way to you – “sorry”!"}
_SAYS: Turn = {"text": "A-17 was delivered, and A-18 is lost, as far as we can see."}
_DECIDES: Turn = {"object": {"order_id": "A-18", "refund": True, "reason": "It was lost in the post."}}
_REFUSES: Turn = {"status": 400, "message": "This model's maximum context length is 128000 tokens."}
_TWO_VECTORS: Turn = {"vectors": [[0.25, -0.5, 1.0], [0.125, 0.0, -2.0]]}
_VECTOR: Turn = {"vectors": [[0.5, 0.75, -0.25]]}

_WITH_REFUND = [_ASKS_BOTH, _REFUNDS, _TELLS]
_LOOKS_UP = [_ASKS_BOTH, _SAYS]
_SIXTEEN_ANSWERS: list[Turn] = [{"text": f"That is answer {number}."} for number in range(16)]

SCRIPTS: dict[str, list[Turn]] = {
    "python/openai_chat": _WITH_REFUND,
    "python/openai_chat_async_stream": _LOOKS_UP,
    "python/openai_chat_stream_helper": [_SAYS],
    "python/openai_responses": _LOOKS_UP,
    "python/openai_responses_async_stream": [_ASKS_ONE, _SAYS],
    "python/openai_structured": [_DECIDES, _DECIDES],
    "python/openai_embeddings": [_TWO_VECTORS, _VECTOR],
    "python/openai_error": [_REFUSES],
    "python/anthropic_messages": [{"tokens": 20}, *_WITH_REFUND],
    "python/anthropic_async_stream": _LOOKS_UP,
    "python/anthropic_error": [_REFUSES],
    "python/langchain_openai_agent": _WITH_REFUND,
    "python/langchain_anthropic_async": _LOOKS_UP,
    "python/langchain_structured": [_DECIDES, _VECTOR],
    "python/langgraph_openai": _LOOKS_UP,
    "python/langgraph_react": _LOOKS_UP,
    "python/pydantic_ai_openai": _WITH_REFUND,
    "python/pydantic_ai_chat_stream": _LOOKS_UP,
    "python/pydantic_ai_anthropic": [_ASKS_ONE, _DECIDES],
    "python/openai_agents_sdk": _WITH_REFUND,
    "python/openai_agents_stream": _LOOKS_UP,
    "node/openai_chat": _WITH_REFUND,
    "node/openai_run_tools": [_ASKS_ONE, _SAYS],
    "node/openai_responses": _LOOKS_UP,
    "node/openai_structured": [_DECIDES, _DECIDES],
    "node/openai_embeddings": [_TWO_VECTORS, _VECTOR],
    "node/openai_error": [_REFUSES],
    "node/anthropic_messages": [{"tokens": 20}, *_WITH_REFUND],
    "node/anthropic_stream": [_ASKS_ONE, _SAYS],
    "node/anthropic_error": [_REFUSES],
    "node/ai_generate_text": _WITH_REFUND,
    "node/ai_stream_text": _LOOKS_UP,
    "node/ai_chat_stream": _LOOKS_UP,
    "node/ai_generate_object": [_DECIDES, _DECIDES, _TWO_VECTORS],
}

AT_ONCE: dict[str, list[Turn]] = {
    "python/openai_concurrent": _SIXTEEN_ANSWERS,
    "node/anthropic_concurrent": _SIXTEEN_ANSWERS,
}
"""Programs that hold several conversations side by side."""
