"""The JUnit XML of a gate: one test case an incident, so that CI systems list them.

JUnit knows no "a person must decide" and no "shown, has no say": a held case is written as a failure of type ``held``,
a reported one as skipped. A gate that is not green has at least one failure in its file.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ..scorers.gate_result import GatedCase, GateProblem, GateResult
from .text import inline

SUITE = "unrepeat gate"


def to_junit(result: GateResult) -> bytes:
    """Return the JUnit XML of a gate's result, UTF-8. It holds no trace text."""
    tests = [*map(_case, result.cases), *map(_problem, result.problems)]
    if result.exit_code and not any(_is_red(test) for test in tests):
        tests.append(_unmet(result))
    counts = _counts(tests)
    took = f"{max(result.duration_s, 0.0):.3f}"
    root = ET.Element("testsuites", {"name": SUITE, **counts, "time": took})
    stamp = {"timestamp": result.created_at.removesuffix("Z")} if result.created_at else {}
    suite = ET.SubElement(
        root, "testsuite", {"name": SUITE, **counts, "skipped": _skipped(tests), "time": took, **stamp}
    )
    suite.extend(tests)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _case(case: GatedCase) -> ET.Element:
    test = _test(case.case_id, case.duration_s)
    words = inline(case.reason)
    if case.effect == "reported":
        ET.SubElement(test, "skipped", {"message": words})
    elif case.effect != "pass":
        broken = case.effect == "fail" and case.verdict in (None, "error")
        kind = "held" if case.effect == "hold" else case.rule
        found = ET.SubElement(test, "error" if broken else "failure", {"message": words, "type": inline(kind)})
        found.text = "\n".join(_lines(case))
    return test


def _lines(case: GatedCase) -> list[str]:
    step = f"step {case.step.seq}: {case.step.kind} {case.step.name}" if case.step else ""
    facts = (
        ("rule", case.rule),
        ("verdict", case.verdict or "none"),
        ("assertion", case.assertion),
        ("where", step),
        ("cause", case.cause),
        ("owner", case.owner),
        ("next", case.next_command),
    )
    return [f"{name}: {inline(value)}" for name, value in facts if value]


def _problem(problem: GateProblem) -> ET.Element:
    test = _test(f"{problem.rule}: {problem.where}", 0.0)
    if problem.effect == "reported":
        ET.SubElement(test, "skipped", {"message": inline(problem.reason)})
    elif problem.effect != "pass":
        kind = "held" if problem.effect == "hold" else problem.rule
        ET.SubElement(test, "failure", {"message": inline(problem.reason), "type": inline(kind)})
    return test


def _unmet(result: GateResult) -> ET.Element:
    """Return the test case of a gate that is not green although no case of its is red: one without cases, say."""
    test = _test("the gate", 0.0)
    kind = "held" if result.exit_code == 10 else "gate"
    ET.SubElement(test, "failure", {"message": inline(result.reason), "type": kind})
    return test


def _test(name: str, duration_s: float) -> ET.Element:
    took = f"{max(duration_s, 0.0):.3f}"
    return ET.Element("testcase", {"classname": "incidents", "name": inline(name), "time": took})


def _is_red(test: ET.Element) -> bool:
    return test.find("failure") is not None or test.find("error") is not None


def _counts(tests: Sequence[ET.Element]) -> dict[str, str]:
    failures, errors = (sum(test.find(tag) is not None for test in tests) for tag in ("failure", "error"))
    return {"tests": str(len(tests)), "failures": str(failures), "errors": str(errors)}


def _skipped(tests: Sequence[ET.Element]) -> str:
    return str(sum(test.find("skipped") is not None for test in tests))
