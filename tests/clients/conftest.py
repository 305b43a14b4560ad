"""The clients may not be there: they are heavy, and `make clients` adds them."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest
from tests.clients.running import HERE

_PACKAGES = {
    "openai": ["openai"],
    "anthropic": ["anthropic"],
    "langchain": ["langchain", "langchain_openai", "langchain_anthropic"],
    "langgraph": ["langgraph", "langchain_openai", "langchain_anthropic"],
    "pydantic": ["pydantic_ai", "openai", "anthropic"],
}


def missing(program: str) -> str:
    """Return why a program cannot run here; empty when it can."""
    language, _, name = program.partition("/")
    if language == "node":
        if shutil.which("node") is None:
            return "no node here"
        return "" if (HERE / "node_modules").is_dir() else "the Node clients are not installed: make clients"
    needed = ["agents"] if name.startswith("openai_agents") else _PACKAGES[name.partition("_")[0]]
    absent = [package for package in needed if find_spec(package) is None]
    return f"not installed: {', '.join(absent)}; make clients" if absent else ""


@pytest.fixture(autouse=True)
def _skip_without_client(request: pytest.FixtureRequest) -> None:
    """Skip a test whose parameter ``program`` names a program that cannot run here."""
    program = getattr(request.node, "callspec", None) and request.node.callspec.params.get("program")
    if program and (reason := missing(program)):
        pytest.skip(reason)
