"""What case.yaml may say, and how mistakes are named."""

import pytest

from unrepeat.cases.case import Case, load_case, normal_id, read_case
from unrepeat.cases.complaints import CaseFileError
from unrepeat.cases.errors import CaseError

MINIMAL = "id: a\ntitle: b\nassert: [{type: not-contains, value: x}]\n"
FULL = """\
format: 1
id: INC-2026-0007
title: Refund issued to an order of another customer
assert:
  - {type: not-tool-called, tool: issue_refund, args: {order_id: ord_993}, stage: executed}
  - {type: retrieved, not: {status: superseded}}
kind: incident
status: open
system: support-desk
use_case: refunds
severity: high
severity_factors: {blast_radius: segment, reversibility: hard, exposure: customer, data_sensitivity: personal,
                   recurrence: second, autonomy: acts, decision_significance: financial, stoppable: yes,
                   uncertainty: low}
timeline: {occurred: 2026-01-31, detected: 2026-01-31T14:05:00Z, contained: 2026-02-01T09:00:00+01:00}
detected_by: complaint
failure:
  summary: The refund went to somebody else.
  category: tool_misuse
  cause: {component: retrieval, status: hypothesis}
  taxonomy: [owasp-llm:LLM06:2025, atlas:AML.T0053]
controls: [{name: refund limit, state: bypassed}]
barrier: human-review
approved_for_use: yes
affected: {users: 1, records: [{id: ord_993, state: to_correct}, ord_994], since: 2026-01-30}
remediation: [{component: retrieval, change: newest first, link: "https://git.example.org/1", addresses: control}]
compensating_controls: [refunds above 100 are reviewed]
actions: [{what: correct the record, owner: Ada, due: 2026-02-05, status: open}]
attempts: [asked again in staging]
replay: {preset: code-change, boundaries: {tool: {mode: static, only: [issue_refund], value: {ok: true}}}}
variants: [{name: other order, change: entity_swap, target: ord_993, value: ord_994}]
repeat: 1
pass_threshold: all
owners: {engineering: Ada, business: Grace, risk: Edsger}
rollback: {when: more than one complaint a day}
monitoring: [refunds by customer]
residual_risk: wrong refunds below the limit
restrictions: [{what: no refunds above 500, until: 2026-06-01}]
links: ["https://tickets.example.org/7", {url: "https://vendor.example.org", kind: vendor_notice}]
"""


def complaints_of(text):
    with pytest.raises(CaseFileError) as caught:
        read_case(text.encode(), "incidents/x/case.yaml")
    return [str(each) for each in caught.value.complaints]


def minimal(extra=""):
    return read_case(f"{MINIMAL}{extra}".encode(), "case.yaml")


def test_three_keys_are_enough():
    case = minimal()
    assert (case.kind, case.status, case.replay.preset) == ("incident", "open", "code-change")


def test_every_key_of_the_design_is_read():
    case = read_case(FULL.encode(), "case.yaml")
    assert case.id == "inc-2026-0007"
    assert len(case.assertions) == 2
    assert not [
        name
        for name, field in Case.model_fields.items()
        if field.is_required() is False and getattr(case, name) is None
    ]


def test_empty_assert_is_a_draft():
    assert read_case(b"id: a\ntitle: b\nassert: []\n", "case.yaml").is_draft


@pytest.mark.parametrize("text", ["id: a\ntitle: b\n", "id: a\ntitle: b\nassert:\n"])
def test_absent_assert_is_refused(text):
    assert "assert" in complaints_of(text)[0]


def test_typo_in_a_key_names_the_nearest_one():
    assert complaints_of("id: a\nassert: []\ntitle: b\ntitel: c\n") == [
        "incidents/x/case.yaml:4: expected a known key, got 'titel'. Did you mean 'title'?"
    ]


def test_typo_in_assert_never_asserts_nothing():
    found = complaints_of("id: a\ntitle: b\nasert: [{type: contains, value: x}]\n")
    assert "incidents/x/case.yaml:3: expected a known key, got 'asert'. Did you mean 'assert'?" in found


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("failure:\n  categry: bias\n", "7: expected a known key, got 'categry'. Did you mean 'category'?"),
        ("links:\n- {url: 'https://x.org', kid: x}\n", "7: expected a known key, got 'kid'. Did you mean 'kind'?"),
        (
            "replay:\n  boundaries:\n    tool:\n      mod: live\n",
            "9: expected a known key, got 'mod'. Did you mean 'mode'?",
        ),
        ("kind: near-miss\n", "6: expected one of 'incident', 'near_miss'"),
        (
            "severity: hihg\n",
            "6: expected one of 'low', 'medium', 'high' or 'critical' for severity, got 'hihg'.",
        ),
        ("owners: {risk: 7}\n", "6: owners.risk: expected a valid string, got 7. Quote it if it is text"),
        ("repeat: 0\n", "6: repeat: expected greater than or equal to 1, got 0"),
        ("repeat: '3'\n", "6: repeat: expected a valid integer, got '3'"),
        ("links: ['javascript:alert(1)']\n", "6: links[0]: expected an address that starts with https://"),
        ("timeline: {occurred: 2026-01-01 10:00}\n", "6: timeline.occurred: expected a time with its zone"),
        ("timeline: {occurred: yesterday}\n", "6: timeline.occurred: expected a date or a time"),
        ("replay: {preset: from-step}\n", "6: replay: expected from_step together with preset from-step"),
        (
            "replay: {boundaries: {tool: {mode: static}}}\n",
            "6: replay.boundaries.tool: expected a value for mode static",
        ),
    ],
)
def test_mistake_is_named_with_its_line(extra, message):
    text = "id: a\ntitle: b\nassert:\n  - type: not-contains\n    value: x\n" + extra
    assert complaints_of(text)[0].startswith(f"incidents/x/case.yaml:{message}")


def test_unknown_assertion_type_names_the_nearest_one():
    text = "id: a\ntitle: b\nassert:\n  - type: not-tool-caled\n    tool: x\n"
    assert complaints_of(text) == [
        "incidents/x/case.yaml:4: expected a known word for assert[0], got 'not-tool-caled'. "
        "Did you mean 'not-tool-called'?"
    ]


def test_typo_inside_an_assertion_names_the_nearest_key():
    found = complaints_of("id: a\ntitle: b\nassert:\n  - type: tool-called\n    tol: x\n")
    assert "incidents/x/case.yaml:5: expected a known key, got 'tol'. Did you mean 'tool'?" in found


def test_all_mistakes_are_named_in_order_of_line_and_missing_keys_last():
    found = complaints_of("id: ../a\ntitel: b\nassert: []\nseverity: 3\n")
    assert [each.split(": ")[0] for each in found] == [f"incidents/x/case.yaml:{line}" for line in (1, 2, 4, 1)]


@pytest.mark.parametrize("text", ["INC-7", "inc-7", "Inc-7"])
def test_id_is_lower_case(text):
    assert normal_id(text) == "inc-7"


@pytest.mark.parametrize(
    "text",
    [
        "..",
        ".",
        "",
        "../a",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "con",
        "NUL",
        "com1",
        "aux",
        "-a",
        "a-",
        "a.b",
        "a b",
        "a\n",
        "x" * 65,
        "\u212a1",
        "\u0456nc-1",
        "inc\u20111",
        "inc-\u0661",
        "e\u0301",
        "a\0",
    ],
)
def test_unsafe_or_look_alike_id_is_refused(text):
    with pytest.raises(ValueError, match="expected an id"):
        normal_id(text)


@pytest.mark.parametrize(("text", "read"), [("007", "007"), ("yes", "yes"), ("2026-01-31", "2026-01-31"), ("42", "42")])
def test_unquoted_id_stays_what_was_written(text, read):
    assert read_case(f"id: {text}\ntitle: b\nassert: []\n".encode(), "case.yaml").id == read


def test_id_that_is_a_fraction_must_be_quoted():
    assert "Quote it" in complaints_of("id: 1.10\ntitle: b\nassert: []\n")[0]


@pytest.mark.parametrize("title", ['"\\e[31mred"', '"\\u202egnp"', '"a\\nb"', '"\\x9b2J"', '"\\a"'])
def test_control_characters_in_the_title_are_refused(title):
    assert "title: expected" in complaints_of(f"id: a\ntitle: {title}\nassert: []\n")[0]


def test_newer_format_is_refused():
    with pytest.raises(CaseError, match=r"expected format 1 or older, got 2\. Update unrepeat"):
        minimal("format: 2\n")


def test_text_stands_for_a_mapping():
    case = minimal("actions: [call the customer]\nlinks: ['https://x.org']\n")
    assert (case.actions[0].what, case.links[0].url) == ("call the customer", "https://x.org")


@pytest.mark.parametrize(("text", "read"), [("yes", "yes"), ("true", "yes"), ("false", "no"), ("unknown", "unknown")])
def test_yes_and_true_are_the_same(text, read):
    assert minimal(f"approved_for_use: {text}\n").approved_for_use == read


def test_case_cannot_be_changed():
    case = minimal()
    with pytest.raises(ValueError, match="frozen"):
        case.title = "other"


def test_missing_file_is_a_case_error(tmp_path):
    with pytest.raises(CaseError, match="expected a readable file"):
        load_case(tmp_path / "case.yaml")


def test_huge_file_is_refused_before_it_is_read_whole(tmp_path):
    path = tmp_path / "case.yaml"
    with path.open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(CaseError, match="at most 1,048,576 bytes"):
        load_case(path)
