"""The environment in which an app finds the wire server."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.replayers.wire.served import HELLO, says, served, word

from unrepeat.replayers.wire.server import environment

CHAT = "chat.completions.create(model='m1', messages=HELLO).choices[0].message.content"
APPS = {
    "openai": f"import openai; print(openai.OpenAI().{CHAT})",
    "azure": f"import openai; print(openai.AzureOpenAI().{CHAT})",
    "anthropic": "import anthropic; client = anthropic.Anthropic(); "
    "print(client.messages.create(model='m1', messages=HELLO, max_tokens=9).content[0].text)",
}


@pytest.mark.parametrize("client", APPS)
def test_client_needs_nothing_but_the_environment(client: str) -> None:
    with served(says(word("hi"))) as desk:
        env = {"PATH": os.environ["PATH"], "HTTP_PROXY": "http://127.0.0.1:9", **environment(desk.port)}
        command = [sys.executable, "-c", f"HELLO = {HELLO!r}; {APPS[client]}"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout.strip() == "hi", done.stderr
        assert desk.faultless()


def test_keys_are_dummies_and_all_addresses_are_loopback() -> None:
    found = environment(1234)
    assert {value for key, value in found.items() if key.endswith("_KEY")} == {"unrepeat-recorded"}
    addresses = [value for value in found.values() if value.startswith("http")]
    assert all(value.startswith("http://127.0.0.1:1234") for value in addresses)
