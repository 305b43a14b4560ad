"""The environment in which an app finds the wire server, and nothing of the outside."""

from __future__ import annotations

HOST = "127.0.0.1"
DUMMY_KEY = "unrepeat-recorded"
"""Clients refuse to start without a key; this one opens nothing."""
_QUIET = {
    "ANONYMIZED_TELEMETRY": "False",  # Chroma, browser-use
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGFUSE_TRACING_ENABLED": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it fetches prices when it is imported
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
    "MEM0_TELEMETRY": "False",
    "NEXT_TELEMETRY_DISABLED": "1",
    "NO_UPDATE_NOTIFIER": "1",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
    "POSTHOG_DISABLED": "1",
    "RAGAS_DO_NOT_TRACK": "true",
    "SCARF_NO_ANALYTICS": "true",
    "TRACELOOP_TELEMETRY": "false",
    "TRANSFORMERS_OFFLINE": "1",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
}
"""What keeps SDKs from calling home: isolation would refuse it, and the attempt would stand in the report."""


def environment(port: int) -> dict[str, str]:
    """Return what an app needs in its environment to be answered by the wire server.

    Args:
        port: Where the server listens, on the loopback interface.
    """
    root = f"http://{HOST}:{port}"
    loopback = "127.0.0.1,localhost,::1"
    return {
        "OPENAI_BASE_URL": f"{root}/v1",
        "OPENAI_API_BASE": f"{root}/v1",
        "OPENAI_API_KEY": DUMMY_KEY,
        "ANTHROPIC_BASE_URL": root,
        "ANTHROPIC_API_KEY": DUMMY_KEY,
        "AZURE_OPENAI_ENDPOINT": root,
        "AZURE_OPENAI_API_KEY": DUMMY_KEY,
        "OPENAI_API_VERSION": "2024-10-21",
        "UNREPEAT_BOUNDARY_URL": f"{root}/boundary",
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        **_QUIET,
    }
