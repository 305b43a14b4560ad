"""Import of each format, end to end, with personal data in every corner of it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from tests.cases.readers.files import CHAT, otlp, otlp_span
from tests.cases.readers.test_benchmarks import DOJO, TAU

from unrepeat.cases import custody, evidence
from unrepeat.cases.library import load

from .command_line import SHIPPED, call, files_of

MAIL = "jane.roe@example.com"
CARD = "4111 1111 1111 1111"
CHATTER = [{"role": "user", "content": f"I am {MAIL}"}, {"role": "assistant", "content": f"Paid with {CARD}"}]


def asking(arguments: str) -> list[dict[str, Any]]:
    """Return a conversation with one tool call."""
    call = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": arguments}}
    answer = {"role": "tool", "tool_call_id": "c1", "content": json.dumps({MAIL: {"card": CARD}})}
    return [*CHATTER, {"role": "assistant", "content": None, "tool_calls": [call]}, answer]


INSIDE = json.dumps({"who": json.dumps({"mail": MAIL, MAIL: [CARD]})})
"""JSON in JSON in JSON."""
GENAI = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(CHATTER), MAIL: CARD}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "refund", "gen_ai.tool.call.arguments": INSIDE}
LANGFUSE = {
    "trace": {"id": "lf1", "name": f"ticket of {MAIL}", "input": {"question": f"I am {MAIL}"}, "userId": MAIL},
    "observations": [
        {
            "id": "o1",
            "type": "GENERATION",
            "name": "chat",
            "input": CHATTER,
            "output": {"role": "assistant", MAIL: CARD},
        },
        {"id": "o2", "type": "TOOL", "name": "refund", "input": INSIDE, "output": {"ok": CARD}},
    ],
}
FORMATS = {
    "otlp-json": otlp(otlp_span(attributes=GENAI), otlp_span(span="b", attributes=TOOL)),
    "otel-genai": GENAI,
    "langfuse": LANGFUSE,
    "agentdojo": {**DOJO, "messages": [*CHATTER, *DOJO["messages"]], "injections": {MAIL: INSIDE}},
    "tau-bench": [{**TAU, "traj": asking(INSIDE)}],
    "whoandwhen": {"history": [{**each, "name": MAIL} for each in CHATTER], "question_ID": "q1", "question": MAIL},
    "chat": {"messages": asking(INSIDE), "metadata": {MAIL: INSIDE}},
}


@pytest.fixture(params=FORMATS)
def imported(request, tmp_path):
    """A case made of a small file of each format, with the file's content."""
    source = tmp_path / f"export of {MAIL}.json"
    source.write_text(json.dumps(FORMATS[request.param]))
    title = f"{MAIL} paid twice"
    args = ["--id", "INC-1", "--title", title, "--reason", f"asked by {MAIL}", "--accept", "all", "--json"]
    done = call("import", source, *args, cwd=tmp_path)
    assert done.err == ""
    return request.param, tmp_path / "incidents/inc-1", done.json


def test_case_folder_is_complete(imported):
    _, folder, told = imported
    assert set(files_of(folder)) == {
        "case.yaml", "trace.json", "manifest-sha256.txt", "custody.jsonl", "evidence/trace-1.json"
    }  # fmt: skip
    assert told["case"] == load(folder).case.id == "inc-1"


def test_format_is_told(imported):
    name, folder, _ = imported
    assert {trace.source.format for trace in load(folder).document.traces} == {name}


def test_manifest_is_checked_by_sha256sum(imported):
    _, folder, _ = imported
    done = subprocess.run(["sha256sum", "-c", "--quiet", "manifest-sha256.txt"], cwd=folder, check=False)
    assert done.returncode == 0


def test_evidence_and_custody_verify(imported):
    _, folder, _ = imported
    assert evidence.verify(folder) == []
    [entry], problems = custody.read((folder / "custody.jsonl").read_bytes())
    assert (entry.action, entry.who, problems) == ("created", "Ada <ada@example.org>", [])


def test_personal_data_is_nowhere_in_the_case_folder(imported):
    _, folder, _ = imported
    planted = [MAIL, "jane.roe", CARD, CARD.replace(" ", "")]
    found = [(name, each) for name, data in files_of(folder).items() for each in planted if each.encode() in data]
    assert found == []


def test_personal_data_is_not_in_what_is_printed(imported):
    _, _, told = imported
    assert MAIL not in json.dumps(told)
    assert told["redacted"]["email"] > 0


@pytest.mark.parametrize("source", sorted((SHIPPED / "traces").glob("*.json")), ids=lambda path: path.stem)
def test_shipped_trace_is_imported_with_a_proposal_that_is_red(tmp_path, source):
    told = call("import", source, "--id", "inc-1", "--accept", "all", "--json", cwd=tmp_path).json
    assert [each["accepted"] for each in told["proposals"]] == [True] * len(told["proposals"])
    assert len(load(tmp_path / "incidents/inc-1").case.assertions) == len(told["proposals"]) > 0


def test_without_redaction_the_evidence_is_the_file_itself(tmp_path):
    source = tmp_path / "run.json"
    source.write_text(json.dumps({"messages": CHAT, "mail": MAIL}, indent=3))
    args = ["--id", "i1", "--redact", "none", "--reason", "public data"]
    assert call("import", source, *args, cwd=tmp_path).code == 0
    assert (tmp_path / "incidents/i1/evidence/trace-1.json").read_bytes() == source.read_bytes()
