"""LangSmith runs: exported lists, pages or JSON Lines, and the bodies that the SDKs send (``post``, ``patch``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..trace import Original, Prompt, Session, Source, Trace
from .assembly import SpanDraft, assemble
from .gathering import Gathering
from .inherited import Above
from .langchain_values import alone, mapping
from .langsmith_views import IN_VIEW, OUT_OF_VIEW, VIEWS, Surroundings, kind_of, metadata_of, prompt_in, view_of
from .moments import unix_ns

Run = Mapping[str, Any]

_LISTS = ("runs", "post", "patch", "child_runs")
_TELLING = ("dotted_order", "trace_id", "run_id", "id")
_PLACED = {
    *("id", "run_id", "trace_id", "parent_run_id", "name", "start_time", "end_time", "error", "events", "extra"),
    "child_runs",
}
_ORDER_ID = re.compile(r"\d{8}T\d+Z(.+)")
_SESSION_KEYS = {
    # The run's own ``session_id`` is its project. These three are LangSmith's own names for a thread.
    "conversation_id": ("thread_id", "session_id", "conversation_id"),
    "user_id": ("user_id", "ls_user_id"),
    "tenant_id": ("tenant_id",),
}
_LABELS = ("name", "tags", "session_name")


def looks_like(sample: Any) -> bool:
    """Tell a run, a list or page of runs, or the body of a batch of them."""
    if isinstance(sample, list):
        return bool(sample) and looks_like(sample[0])
    if not isinstance(sample, Mapping):
        return False
    if _is_run(sample):
        return True
    for key in ("runs", "post", "patch"):
        runs = sample.get(key)
        if isinstance(runs, list) and runs:
            return isinstance(runs[0], Mapping) and (_is_run(runs[0]) or "dotted_order" in runs[0])
    return False


def parts(value: Any) -> Iterator[tuple[str, Run]]:
    """Yield the runs of a record, nested ones too, with the trace each belongs to."""
    if isinstance(value, list):
        for item in value:
            yield from parts(item)
    elif isinstance(value, Mapping):
        if _is_run(value) or "dotted_order" in value:
            yield from _nested(value, "", "")
            return
        for key in ("runs", "post", "patch"):
            if isinstance(value.get(key), list):
                yield from parts(value[key])


def only(value: Any, trace_id: str) -> Any:
    """Return a record with the runs of one trace."""
    if isinstance(value, list):
        return [item for item in value if any(found == trace_id for found, _ in parts(item))]
    return {
        key: only(item, trace_id) if key in _LISTS and isinstance(item, list) else item for key, item in value.items()
    }


def build(trace_id: str, runs: list[Run], source: Source, original: Original | None) -> Trace:
    """Return the trace of these runs; what was sent in several pieces is merged by id."""
    merged = sorted(_merged(runs), key=lambda run: str(run.get("dotted_order") or ""))
    root = next((run for run in merged if not _parent(run)), {})
    around = _surroundings(merged)
    return assemble(
        trace_id,
        [_draft(run, around) for run in merged],
        source,
        session=_session(merged),
        labels={key: root[key] for key in _LABELS if root.get(key)},
        original=original,
        **_ends(root),
    )


def _ends(root: Run) -> dict[str, Any]:
    """Return what the root states to have been given and to have answered; of a lone model call its messages say so."""
    if kind_of(root) == "llm":
        return {}
    ends = {name: alone(root.get(f"{name}s"), name) for name in ("input", "output")}
    return {name: value for name, value in ends.items() if value not in (None, {}, "")}


def _is_run(value: Mapping[str, Any]) -> bool:
    return "run_type" in value and any(key in value for key in _TELLING)


def _nested(run: Run, trace_id: str, parent: str) -> Iterator[tuple[str, Run]]:
    run_id, above = _id(run), _parent(run) or parent
    trace = str(run.get("trace_id") or next(iter(_order_ids(run)), "") or trace_id or above or run_id)
    yield trace, {**run, "parent_run_id": above} if above and not run.get("parent_run_id") else run
    for child in run.get("child_runs") or ():
        if isinstance(child, Mapping):
            yield from _nested(child, trace, run_id)


def _order_ids(run: Run) -> list[str]:
    """Return the ids in a dotted order, from the root of the trace to the run itself."""
    order = run.get("dotted_order")
    if not isinstance(order, str):
        return []
    found = [_ORDER_ID.fullmatch(step) for step in order.split(".")]
    return [step[1] for step in found if step is not None]


def _id(run: Run) -> str:
    return str(run.get("id") or run.get("run_id") or next(reversed(_order_ids(run)), ""))


def _parent(run: Run) -> str:
    above = _order_ids(run)[:-1]
    return str(run.get("parent_run_id") or (above[-1] if above else ""))


def _merged(runs: list[Run]) -> list[Run]:
    """Return one run for each id: what a later piece says counts, where it says anything."""
    by_id: dict[str, Run] = {}
    for number, run in enumerate(runs):
        key = _id(run) or f"#{number}"
        known = by_id.get(key)
        by_id[key] = run if known is None else _updated(known, run)
    return list(by_id.values())


def _updated(known: Run, later: Run) -> Run:
    said = {key: value for key, value in later.items() if value not in (None, {}, [], "")}
    extra, more = known.get("extra"), said.get("extra")
    if isinstance(extra, Mapping) and isinstance(more, Mapping):
        both = [part.get("metadata") for part in (extra, more)]
        metadata = {key: value for each in both if isinstance(each, Mapping) for key, value in each.items()}
        said["extra"] = {**extra, **more} | ({"metadata": metadata} if metadata else {})
    return {**known, **said}


def _draft(run: Run, around: Surroundings) -> SpanDraft:
    extra = mapping(run.get("extra"))
    failed = bool(run.get("error")) or run.get("status") == "error"
    message = _without_traceback(str(run.get("error") or "error")) if failed else ""
    return SpanDraft(
        span_id=_id(run),
        parent_id=_parent(run),
        name=str(run.get("name") or ""),
        start_ns=unix_ns(run.get("start_time"), naive_utc=True),
        end_ns=unix_ns(run.get("end_time"), naive_utc=True),
        status="error" if failed else "ok" if run.get("status") == "success" else "",
        error=message,
        resource={f"langsmith.runtime.{key}": value for key, value in mapping(extra.get("runtime")).items()},
        attributes=_attributes(run, extra),
        events=tuple([_event(event) for event in run.get("events") or () if isinstance(event, Mapping)]),
        operation=kind_of(run),
        make_view=lambda store: view_of(run, _id(run), message, around, store),
    )


def _attributes(run: Run, extra: Mapping[str, Any]) -> dict[str, Any]:
    said = {key: value for key, value in run.items() if key not in _PLACED}
    if kind_of(run) in VIEWS:
        for key, shown in (("inputs", IN_VIEW), ("outputs", OUT_OF_VIEW)):
            said[key] = {name: value for name, value in mapping(run.get(key)).items() if name not in shown}
    error = run.get("error")
    if error and _without_traceback(str(error)) != error:
        said["error"] = error
    beside = {key: value for key, value in extra.items() if key not in ("runtime", "metadata")}
    said |= {"metadata": metadata_of(run), "extra": beside}
    return {f"langsmith.{key}": value for key, value in said.items() if value not in (None, "", {}, [])}


def _without_traceback(error: str) -> str:
    """Return what was raised: the SDK writes the traceback right behind it."""
    raised, traceback, _ = error.partition("Traceback (most recent call last)")
    return raised.strip() if traceback and raised.strip() else error


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    beside = {key: value for key, value in event.items() if key not in ("name", "time")}
    time_ns = unix_ns(event.get("time"), naive_utc=True)
    return {"name": str(event.get("name") or ""), "time_ns": time_ns, "attributes": beside}


def _session(runs: list[Run]) -> Session | None:
    found = {name: _first(runs, keys) for name, keys in _SESSION_KEYS.items()}
    stated = {name: str(value) for name, value in found.items() if value}
    return Session(**stated) if stated else None


def _first(runs: list[Run], keys: tuple[str, ...]) -> Any:
    for key in keys:
        for run in runs:
            value = metadata_of(run).get(key)
            if value:
                return value
    return None


def _surroundings(runs: list[Run]) -> Surroundings:
    parents = {_id(run): _parent(run) for run in runs}
    prompts: dict[str, Prompt] = {}
    for run in runs:
        prompt = prompt_in(metadata_of(run)) if run.get("run_type") == "prompt" else None
        if prompt is not None:
            prompts[_parent(run)] = prompt
    systems = {
        _id(run): (run["inputs"]["system"], str(run.get("name") or ""))
        for run in runs
        if kind_of(run) != "llm" and mapping(run.get("inputs")).get("system")
    }
    return Surroundings(Above(parents, systems), prompts)


READER = Gathering(
    "langsmith",
    "runs with `run_type` and `dotted_order` or `trace_id`, or `post` and `patch` bodies of them",
    parts=parts,
    only=only,
    build=build,
).reader(looks_like)
