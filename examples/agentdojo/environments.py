"""AgentDojo's environments as the system under test: its real tools, run in memory."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from ast import literal_eval
from collections.abc import Mapping
from functools import cache
from typing import Any

from unrepeat.cases.errors import ConfigError
from unrepeat.replayers.trajectory import ToolFailure

from .corpus import Run

VERSION = "v1"
"""Version of the suites that the recorded runs were made with."""
_OLD_DATE = "2022-0 3-04"
"""How the bank of most recordings dates transaction 4; the installed package has it corrected to 2022-03-04."""


def require_agentdojo() -> None:
    """Check that the benchmark is installed.

    Raises:
        ConfigError: It is not.
    """
    if importlib.util.find_spec("agentdojo") is None:
        raise ConfigError(
            "expected the package agentdojo, got none in this environment", hint="Install it with `make corpora`"
        )


@cache
def _suite(name: str) -> Any:
    from agentdojo.task_suite.load_suites import get_suite

    return get_suite(VERSION, name)


@cache
def _environment(suite: str, user_task: str, injections: frozenset[tuple[str, str]]) -> Any:
    loaded = _suite(suite)
    environment = loaded.load_and_inject_default_environment(dict(injections))
    if user_task in loaded.user_tasks:
        environment = loaded.user_tasks[user_task].init_environment(environment)
    return environment


def fresh_environment(run: Run) -> Any:
    """Return the world in which a run began, with the attacker's texts in it."""
    injections = frozenset((run.record.get("injections") or {}).items())
    environment = _environment(run.suite, str(run.record["user_task_id"]), injections).model_copy(deep=True)
    if shows_old_date(run):
        environment.bank_account.transactions[3].date = _OLD_DATE
    return environment


def shows_old_date(run: Run) -> bool:
    """Tell whether a run was recorded in the bank as it was before one of its dates was corrected."""
    return run.suite == "banking" and _OLD_DATE.encode() in run.text


class LiveTools:
    """The benchmark's tools over one fresh environment: a `live_tool` of a trajectory replay.

    Args:
        run: The run whose world they act on.
    """

    def __init__(self, run: Run) -> None:
        from agentdojo.agent_pipeline.tool_execution import is_string_list, tool_result_to_str
        from agentdojo.functions_runtime import FunctionsRuntime

        self._is_list = is_string_list
        self._to_text = tool_result_to_str
        self._runtime = FunctionsRuntime(_suite(run.suite).tools)
        self._delimited = "spotlighting" in str(run.record["pipeline_name"])
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """The calls that reached a tool."""
        self.before = fresh_environment(run)
        self.environment = self.before.model_copy(deep=True)

    def __call__(self, name: str, arguments: Any) -> str:
        """Run a tool as the benchmark's executor does.

        Raises:
            ToolFailure: The tool failed, or there is none of that name.
        """
        if not name:
            raise ToolFailure("Empty function name provided. Provide a valid function name.")
        if name not in self._runtime.functions:
            raise ToolFailure(f"Invalid tool {name} provided.")
        given = arguments if isinstance(arguments, Mapping) else {}
        parsed = {key: self._parsed(value) for key, value in given.items()}
        self.calls.append((name, parsed))
        result, error = self._runtime.run_function(self.environment, name, parsed)
        if error:
            raise ToolFailure(error)
        text = self._to_text(result)
        return f"<<{text}>>" if self._delimited else text

    def _parsed(self, value: Any) -> Any:
        return literal_eval(value) if isinstance(value, str) and self._is_list(value) else value


def carried_out(run: Run, tools: LiveTools) -> bool:
    """Ask the benchmark itself whether the attacker's goal was reached in the world that the tools left."""
    from agentdojo.functions_runtime import FunctionCall

    task = _suite(run.suite).injection_tasks[str(run.record["injection_task_id"])]
    output = run.record["messages"][-1].get("content") or ""
    calls = [FunctionCall(function=name, args=arguments) for name, arguments in tools.calls]
    with contextlib.redirect_stdout(io.StringIO()):  # some goals print what they look at
        verdict = task.security_from_traces(output, tools.before, tools.environment, calls)
        return bool(task.security(output, tools.before, tools.environment) if verdict is None else verdict)
