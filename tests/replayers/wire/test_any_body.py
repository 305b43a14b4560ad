"""Any JSON as a request: answered or refused, and never a failure of the harness."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.replayers.recordings import text
from tests.replayers.wire.served import call, recorded, word

from unrepeat.cases.trace import Message
from unrepeat.replayers.calls import Calls
from unrepeat.replayers.playback import Playback
from unrepeat.replayers.wire.desk import Desk
from unrepeat.replayers.wire.exchange import Exchange

WORDS = st.sampled_from(
    (
        "message function_call function_call_output reasoning item_reference text input_text tool_use tool_result "
        "thinking function auto tool user assistant system developer m1 c1"
    ).split()
)
KEYS = st.sampled_from(
    (
        "type role content text id call_id name arguments input output tool_calls function summary parts tool_use_id "
        "tool_call_id thinking refusal kwargs lc data format schema"
    ).split()
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    (
        "model messages input system instructions tools functions tool_choice stream n stop stream_options text prompt "
        "response_format previous_response_id metadata max_tokens max_completion_tokens encoding_format dimensions "
        "answer error"
    ).split()
)
PATHS = st.sampled_from(
    (
        "/v1/chat/completions /v1/responses /v1/messages /v1/messages/count_tokens /v1/embeddings "
        "/boundary/tool/get /boundary/model/m /boundary/approval/a /boundary/answers/1"
    ).split()
)
TRACE = recorded(
    ([text("user", "hello")], [Message(role="assistant", parts=(word("hi"), call("c1", "get", {"a": 1})))]),
    ([text("system", "be"), text("user", "hello")], [text("assistant", "hi")]),
    params={"output_type": "json", "max_tokens": 3},
)


@settings(max_examples=400)
@given(PATHS, st.lists(st.dictionaries(FIELDS, ODD, max_size=6), min_size=1, max_size=3))
def test_any_body_is_answered_or_refused(path: str, bodies: list[dict[str, Any]]) -> None:
    calls = Calls(Playback(TRACE))
    desk = Desk(calls)
    for body in bodies:
        response = desk.respond(Exchange("POST", path, {}, json.dumps(body).encode()))
        assert calls.failed is None
        assert response.status in (200, 400, 404, 422)
        if not response.is_stream:
            json.loads(b"".join(response.chunks))
