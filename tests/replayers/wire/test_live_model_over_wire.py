"""A live model behind the wire server: the app asks here, the server asks the provider."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from tests.integration import model_server
from tests.replayers.wire.served import HELLO, listening, says, word

from unrepeat.replayers.calls import Calls
from unrepeat.replayers.live import LiveModel, Patience
from unrepeat.replayers.playback import Modes, Playback
from unrepeat.replayers.wire.server import environment, serving

pytest.importorskip("inspect_ai", reason="the extra `live` is not installed")


@pytest.fixture
def goes_on():
    return threading.Event()


@pytest.fixture
def provider(monkeypatch, goes_on):
    def answer(number, body):
        if body["messages"][-1]["content"] == "wait":
            assert goes_on.wait(30)
        if body["messages"][-1]["content"] == "fail":
            raise model_server.RefusedError(400, "no")
        return model_server.asks("find", q="a") if "stream" in str(body["messages"]) else model_server.says("live")

    with model_server.serving(answer) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "real-key")
        yield server


@pytest.fixture
def asked(provider):
    model = LiveModel.connect("openai/gpt-4o", patience=Patience(retries=0))
    calls = Calls(Playback(says(word("recorded")), Modes(live=frozenset({"model"}))), model)
    with listening() as listener, serving(calls, [listener]):
        url = environment(listener.getsockname()[1])["OPENAI_BASE_URL"]
        yield calls, openai.OpenAI(base_url=url, api_key="dummy", max_retries=0).chat.completions
    model.close()


def test_live_answer_goes_to_the_app_and_is_compared(asked, provider):
    calls, completions = asked
    assert completions.create(model="m1", messages=HELLO).choices[0].message.content == "live"
    assert [each.grade for each in calls.playback.divergences] == ["changed_outcome"]
    assert calls.playback.events[0].mode == "live"
    assert len(provider.requests) == 1


def test_live_answer_is_streamed_where_the_app_wants_a_stream(asked):
    _, completions = asked
    chunks = completions.create(model="m1", messages=[{"role": "user", "content": "stream"}], stream=True)
    names = [each.function.name for chunk in chunks for each in chunk.choices[0].delta.tool_calls or ()]
    assert names[0] == "find"


def test_other_boundaries_are_answered_while_the_model_thinks(asked, goes_on):
    _, completions = asked
    root = str(completions._client.base_url).removesuffix("/v1/")
    with ThreadPoolExecutor(1) as pool:
        thinking = pool.submit(completions.create, model="m1", messages=[{"role": "user", "content": "wait"}])
        try:
            assert httpx.get(f"{root}/v1/models", timeout=10).status_code == 200
            assert httpx.post(f"{root}/boundary/tool/x", json={}, timeout=10).status_code == 422
            assert not thinking.done()
        finally:
            goes_on.set()
        assert thinking.result().choices[0].message.content == "live"


def test_pipe_and_connections_may_ask_the_model_at_once(asked, provider):
    calls, completions = asked
    with ThreadPoolExecutor(6) as pool:
        piped = [pool.submit(calls.ask, "model", "m1", {"model": "m1", "messages": HELLO}) for _ in range(6)]
        served = [pool.submit(completions.create, model="m1", messages=HELLO) for _ in range(6)]
        assert {each.result().reply.value["content"] for each in piped} == {"live"}
        assert {each.result().choices[0].message.content for each in served} == {"live"}
    assert (len(provider.requests), calls.failed) == (12, None)


def test_provider_that_fails_ends_the_replay(asked):
    calls, completions = asked
    with pytest.raises(openai.UnprocessableEntityError, match="the live model failed"):
        completions.create(model="m1", messages=[{"role": "user", "content": "fail"}])
    assert calls.failed is not None
    assert calls.stopped.is_set()
