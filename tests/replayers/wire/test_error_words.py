"""Errors of providers, served as the provider said them and not as its client printed them."""

import pytest

from unrepeat.cases.trace import ModelCall, Source, Span, Trace
from unrepeat.replayers.boundary import recorded_calls
from unrepeat.replayers.wire.refusals import recorded_message, recorded_status

BODY = {"type": "error", "error": {"type": "invalid_request_error", "message": "It's too long"}}


@pytest.mark.parametrize(
    "error",
    [
        "It's too long",
        "Error code: 400 - It's too long",
        f"Error code: 400 - {BODY}",
        "openai.BadRequestError: Error code: 400 - It's too long",
        "400 It's too long",
        """BadRequestError: 400 {"type":"error","error":{"message":"It's too long"}}""",
    ],
)
def test_what_a_client_adds_to_an_error_is_taken_off(error):
    assert recorded_message(error) == "It's too long"


@pytest.mark.parametrize(
    "error",
    ["", "400", "Error code: 400 - {'error': ", "Error code: 400 - {'error': {'message': 3}}", "400 " + "{" * 30_000],
)
def test_an_error_that_cannot_be_read_is_served_nonetheless(error):
    assert isinstance(recorded_message(error), str)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("Error code: 429 - slow down", 429),
        ("429 slow down", 429),
        ("RateLimitError: 429 slow down", 429),
        ("something of 429 things", 500),
    ],
)
def test_the_status_is_read_from_the_words_of_either_language(error, status):
    span = Span(span_id="s", view=ModelCall(), error=error)
    (call,) = recorded_calls(Trace(trace_id="t", source=Source(format="written"), spans=(span,)))
    assert recorded_status(call) == status
