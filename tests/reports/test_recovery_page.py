"""The page approvers read: everything of the report on it, and nothing in it acts."""

from __future__ import annotations

import hashlib
import re

import msgspec
import pytest
from tests.harness.people import FACTS, build_desk

from unrepeat.reports.canonical_json import canonical
from unrepeat.reports.recovery_page import render_recovery
from unrepeat.scorers.recovery import EarlierDecision, Known, MissingFact

from .browser import find_browser, running_browser
from .test_page_in_browser import CONTRAST

PROGRAM = find_browser()
HOSTILE = '"><script>window.owned=1</script><img src=https://evil.invalid/x onerror=alert(1)>{{ 7*7 }}\u202e'


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return build_desk(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def report(desk):
    return desk.recover().report


def hostile(report):
    """Return the report with markup wherever people or traces put text."""
    case = report.cases[0]

    def spoilt(value):
        if isinstance(value, str):
            return HOSTILE
        if isinstance(value, list):
            return [spoilt(each) for each in value]
        return {key: spoilt(each) for key, each in value.items()} if isinstance(value, dict) else value

    stated = spoilt({**case.stated, "links": [{"url": "javascript:alert(1)", "kind": "ticket"}]})
    stated["actions"] = [{"what": HOSTILE, "owner": HOSTILE, "due": HOSTILE, "status": "open"}]
    stated["links"] = [{"url": "javascript:alert(1)", "kind": HOSTILE, "note": None}]
    spoilt_case = msgspec.structs.replace(
        case, title=HOSTILE, reason=HOSTILE, not_proven=(HOSTILE,) * 3, stated=stated, verdict="x" + HOSTILE
    )
    return msgspec.structs.replace(
        report,
        asked=HOSTILE,
        made_by=HOSTILE,
        authors=(HOSTILE,),
        tested_in={HOSTILE: {HOSTILE: [HOSTILE]}},
        confirmed=(Known(text=HOSTILE, origin="stated", case_id=HOSTILE),),
        missing=(MissingFact(case_id=HOSTILE, key=HOSTILE, reason=HOSTILE),),
        earlier=(
            EarlierDecision(
                report_id=HOSTILE, decision="reject", principal=HOSTILE, role=HOSTILE, at=HOSTILE, reason=HOSTILE,
                same_system=True, envelope=HOSTILE,
            ),
        ),
        cases=(spoilt_case, spoilt_case),
    )  # fmt: skip


def page_of(report):
    return render_recovery(canonical(report))


def test_the_first_screen_asks_for_the_decision(report):
    page = page_of(report)
    first = page.partition("<nav")[0]
    for words in (report.asked, "engineering, business, risk", "dan@example.org", "Human review", "not tested"):
        assert words in first
    digest = hashlib.sha256(canonical(report)).hexdigest()
    assert all(f"<span>{digest[at : at + 4]}</span>" in first for at in (0, 4, 8))


@pytest.mark.parametrize(
    "words",
    ["An answer can still promise a refund.", "no refunds over 100", "more than one refund is refused",
     "refused refunds", "The desk refunded on its own.", "hypothesis", "Refunds are refused", "stated by people",
     "guard"],
)  # fmt: skip
def test_every_fact_is_on_the_page(report, words):
    assert words in page_of(report)


def test_every_digest_is_on_the_page(report):
    page = page_of(report)
    assert [each for each in (*report.digests.values(), *report.cases[0].digests.values()) if each not in page] == []


def test_what_is_missing_is_on_the_first_screen(tmp_path):
    desk = build_desk(tmp_path, FACTS.replace("monitoring: [refused refunds]\n", ""))
    page = page_of(desk.recover().report)
    assert "it cannot be approved like this" in page.partition("<nav")[0]
    assert 'data-verdict="incomplete"' in page


def test_the_page_is_made_from_the_bytes_that_are_signed(desk):
    file = desk.report
    assert file.page.read_text() == render_recovery(file.path.read_bytes())


def test_text_of_people_is_only_text(report):
    page = page_of(hostile(report))
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript:' not in page
    assert "49" not in re.findall(r"&lt;img[^<]*", page)[0]
    assert "\u202e" not in page


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="no browser")
def test_nothing_of_it_acts_or_overflows_in_a_browser(report, tmp_path):
    path = tmp_path / "page.html"
    with running_browser(str(PROGRAM), tmp_path / "profile") as browser:
        for shown in (report, hostile(report)):
            path.write_text(page_of(shown), encoding="utf-8")
            for width in (320, 400, 1280):
                browser.resize(width)
                browser.open(path, settle_s=0.1)
                assert browser.evaluate("document.documentElement.scrollWidth") <= width
                assert browser.evaluate("typeof window.owned") == "undefined"
                assert browser.named("Page.javascriptDialogOpening") == []
                assert {
                    each["request"]["url"].split(":")[0] for each in browser.named("Network.requestWillBeSent")
                } == {"file"}
                assert [each["entry"]["text"] for each in browser.named("Log.entryAdded")] == []
        for scheme in ("light", "dark"):
            path.write_text(page_of(report), encoding="utf-8")
            browser.emulate(scheme)
            browser.open(path, settle_s=0)
            assert browser.evaluate(CONTRAST) == []
        assert len(browser.pdf()) > 20_000
