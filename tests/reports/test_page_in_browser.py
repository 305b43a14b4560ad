"""The page in a real browser: nothing runs, nothing leaves, nothing overflows."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from unrepeat.reports.html import render_page

from .browser import find_browser, running_browser
from .samples import every_verdict, fifty, fixed, hostile

PROGRAM = find_browser()
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="no browser"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with running_browser(str(PROGRAM), tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def canary():
    """A server nobody should ever ask, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


@pytest.fixture(scope="module")
def attacked(browser, canary, tmp_path_factory):
    """The page of a hostile trace, opened and every part of it unfolded."""
    path = tmp_path_factory.mktemp("page") / "hostile.html"
    path.write_text(render_page(hostile(canary[0])), encoding="utf-8")
    browser.resize(1280)
    browser.open(path)
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.evaluate("document.querySelectorAll('summary, button, label').forEach(e => e.click())")
    browser.evaluate("1")
    return browser


def opened(browser, tmp_path, verdict, width, scheme="light"):
    path = tmp_path / "page.html"
    path.write_text(render_page(verdict), encoding="utf-8")
    browser.resize(width)
    browser.emulate(scheme)
    browser.open(path, settle_s=0)
    return browser


def test_no_dialog_opens(attacked):
    assert attacked.named("Page.javascriptDialogOpening") == []


def test_a_planted_script_does_not_run(attacked):
    assert attacked.evaluate("[typeof window.owned, document.title]") == ["undefined", "inc-hostile: Fixed"]


def test_no_request_leaves_the_page(attacked, canary):
    addresses = {each["request"]["url"].split(":")[0] for each in attacked.named("Network.requestWillBeSent")}
    assert addresses == {"file"}
    assert canary[1] == []


def test_the_policy_has_nothing_to_object_to(attacked):
    assert [each["entry"]["text"] for each in attacked.named("Log.entryAdded")] == []


def test_nothing_throws_in_the_page(attacked):
    assert attacked.named("Runtime.exceptionThrown") == []


def test_a_planted_element_is_only_text(attacked):
    assert attacked.evaluate("document.querySelectorAll('main img, main iframe, main script, main b > i').length") == 0


@pytest.mark.parametrize("width", [320, 400, 1280])
@pytest.mark.parametrize("verdict", [*every_verdict(), hostile(), fifty()])
def test_the_page_never_scrolls_sideways(browser, tmp_path, verdict, width):
    opened(browser, tmp_path, verdict, width)
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_a_wide_font_does_not_make_the_page_scroll_sideways(browser, tmp_path):
    opened(browser, tmp_path, fixed(), 320)
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.evaluate("document.documentElement.style.letterSpacing = '0.12em'")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 320


CONTRAST = """
(() => {
  const rgb = (text) => { const c = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    c.fillStyle = text; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
  const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = (colour) => [.2126, .7152, .0722].reduce((sum, share, i) => sum + share * linear(colour[i] / 255), 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$|transparent/.test(c)) return c; } return "white"; };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest("script, .skip, .hidden")) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(rgb(behind(e)))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) poor.push(node.data.trim().slice(0, 40));
  }
  return poor;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("verdict", every_verdict(), ids=lambda each: each.verdict)
def test_text_has_the_contrast_of_wcag_aa(browser, tmp_path, verdict, scheme):
    assert opened(browser, tmp_path, verdict, 1280, scheme).evaluate(CONTRAST) == []


def test_a_link_to_evidence_unfolds_the_span(browser, tmp_path):
    opened(browser, tmp_path, fixed(), 1280)
    browser.evaluate("document.querySelector('.rests a').click()")
    assert browser.evaluate("document.querySelector(':target').closest('details').open") is True


def test_only_what_differs_can_be_shown(browser, tmp_path):
    opened(browser, tmp_path, fixed(), 1280)
    browser.evaluate("document.querySelector('#only-differences').click()")
    shown = "[...document.querySelectorAll('.step')].filter(e => e.offsetHeight).length"
    assert browser.evaluate(shown) == 2


def test_the_page_reads_without_scripts(browser, tmp_path):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened(browser, tmp_path, fixed(), 1280)
        tools = browser.call("DOM.getDocument", depth=-1)
        assert "hidden" in str(tools)
        assert len(browser.screenshot()) > 50_000
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_print_unfolds_the_spans(browser, tmp_path):
    opened(browser, tmp_path, fixed(), 1280)
    folded = len(browser.pdf())
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate("document.querySelectorAll('.spans details:not([open])').length") == 0
    assert folded > 30_000
