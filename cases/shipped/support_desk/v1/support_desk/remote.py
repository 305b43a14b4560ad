"""JSON over HTTP to the services around the desk."""

from __future__ import annotations

import json
import os
from typing import Any


class NotConfigured(RuntimeError):
    """An environment variable the desk needs is not set."""


class BadAnswer(RuntimeError):
    """A service answered something the desk does not understand."""


def setting(name: str) -> str:
    """Return an environment variable.

    Raises:
        NotConfigured: It is not set.
    """
    value = os.environ.get(name, "")
    if not value:
        raise NotConfigured(f"set {name} to run the desk against real services")
    return value


def post(url: str, value: dict[str, Any], *, timeout_s: float, bearer: str = "") -> dict[str, Any]:
    """Send a JSON object and return the JSON object that comes back."""
    import urllib.request  # takes longer than all of the desk; many runs need no service

    headers = {"Content-Type": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    request = urllib.request.Request(url, json.dumps(value).encode(), headers)
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        answer = json.load(response)
    if not isinstance(answer, dict):
        raise BadAnswer(f"{url} did not answer with an object")
    return answer
