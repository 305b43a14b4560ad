"""The page of a run: complete, self-contained, and inert whatever the trace holds."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import msgspec
import pytest

from unrepeat.cases.trace import Span, ToolCall
from unrepeat.reports.html import data, data_link, render_page

from .samples import ASSERTIONS, ITEMS, cannot_judge, crashed, every_verdict, fifty, fixed, hostile

VOID = {"meta", "input", "br", "rect"}


class Page(HTMLParser):
    """Elements of a page, and whether each was closed."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text += text

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.mark.parametrize(
    "verdict", [*every_verdict(), hostile(), fifty()], ids=lambda each: each.case_id + each.verdict
)
def test_every_element_is_closed_and_every_id_is_used_once(verdict):
    page = Page(render_page(verdict))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert page.open == []
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("verdict", [*every_verdict(), fifty()], ids=lambda each: each.verdict)
def test_every_link_within_the_page_has_its_target(verdict):
    page = Page(render_page(verdict))
    ids = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    assert {attrs["href"][1:] for attrs in page.all("a") if attrs["href"].startswith("#")} <= ids


def test_a_page_of_fifty_traces_has_a_line_for_each_and_shows_two():
    html = render_page(fifty())
    page = Page(html)
    assert [f"t{number}" in page.text for number in range(1, 51)] == [True] * 50
    assert html.count('aria-hidden="true"><span>Recorded</span>') == 2
    assert page.text.count("like 12") == 1
    assert len(html) < 4 * len(render_page(fixed()))


def test_a_page_of_one_trace_has_no_table_of_traces():
    assert 'id="traces"' not in render_page(fixed())


def test_the_page_loads_nothing():
    page = Page(render_page(hostile()))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"img", "link", "iframe", "object", "embed", "base", "form", "video", "audio", "source", "image"}
    assert not [attrs for _, attrs in page.elements if {"src", "srcset", "style", "xlink:href"} & set(attrs)]


def test_nothing_runs_but_the_script_named_by_hash():
    html = render_page(hostile())
    page = Page(html)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert len(page.all("script")) == len(scripts) == 1
    assert f"script-src 'sha256-{digest}';" in page.all("meta")[1]["content"]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]


def test_the_policy_allows_no_other_style():
    html = render_page(fixed())
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = Page(html).all("meta")[1]["content"]
    assert f"style-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_template_syntax_in_a_trace_stays_text():
    text = Page(render_page(hostile())).text
    assert "{{7*7}}" in text
    assert "{% raise %}" in text
    assert "49" not in text.replace("2026", "")


def test_bidi_overrides_and_escapes_in_a_trace_are_visible():
    html = render_page(hostile())
    assert '<span class="escaped">\\u202e</span>' in html
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]", html)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JaVaScript:alert(1)", "java\nscript:alert(1)", " javascript:x", "data:text/html,x",
     "vbscript:x", "//evil.example", "file:///etc/passwd", "https://a b", "http://x\"onclick=", ""],
)  # fmt: skip
def test_a_link_needs_a_harmless_scheme(url):
    assert "<a" not in data_link(url)


@pytest.mark.parametrize("url", ["https://example.org/a?b=c&d=e", "http://example.org", "mailto:a@example.org"])
def test_plain_addresses_become_links(url):
    assert data_link(url).startswith('<a href="' + url.replace("&", "&amp;") + '" rel="noopener')


def test_markup_is_escaped():
    assert data("<b>&\"'\x00") == "&lt;b&gt;&amp;&#34;&#39;" + '<span class="escaped">\\x00</span>'


@pytest.mark.parametrize("words", [*ASSERTIONS, *(item.split("|")[0] for item in ITEMS)])
def test_the_page_names_every_assertion_and_every_evidence_item(words):
    assert words in Page(render_page(fixed())).text


@pytest.mark.parametrize(
    "words",
    ["Fixed", "recorded action", "What it does not show", "What a live model would try next after the refusal.",
     "netns", "3f2a9c41" * 8, "f4" * 32, "connect 140.82.112.3:443", "no endpoint /v1/audio/speech",
     "Beyond the recording.", "First divergence", "high severity", "working tree", "3.11.7", "20260102-081500-7f3a"],
)  # fmt: skip
def test_the_page_says_what_was_tested_and_how(words):
    assert words in Page(render_page(fixed())).text


def test_a_score_links_to_the_span_it_rests_on():
    page = Page(render_page(fixed()))
    assert {"href": "#recorded-1-6"} in page.all("a")
    assert "recorded step 5" in page.text


def test_only_changed_steps_are_unfolded():
    steps = re.findall(r'<li class="step (\w+)[^"]*">.*?<details( open)?>', render_page(fixed()), re.DOTALL)
    assert [mark for mark, unfolded in steps if unfolded] == ["not_called", "changed"]


def test_what_would_settle_it_is_shown_with_its_cost():
    text = Page(render_page(cannot_judge())).text
    assert "--preset model-change" in text
    assert "(30 model calls)" in text


def test_a_crashed_scorer_is_no_failed_assertion():
    assert "the scorer crashed: KeyError" in Page(render_page(crashed())).text


def test_the_same_verdict_gives_the_same_page():
    assert render_page(fixed()) == render_page(fixed())


def with_spans(count, result):
    trace = fixed().traces[0]
    spans = tuple(Span(span_id=f"x{n}", view=ToolCall(name="t", result=result)) for n in range(count))
    recording = msgspec.structs.replace(trace.recording, spans=spans)
    return msgspec.structs.replace(
        fixed(), traces=(msgspec.structs.replace(trace, recording=recording, candidate=None),)
    )


def test_a_long_text_is_folded_away_and_cut_at_the_cap():
    html = render_page(with_spans(1, "x" * 50_000))
    assert 20_000 < html.count("x" * 100) * 100 < 22_000
    assert "30,000 more characters" in html


def test_a_page_of_huge_texts_stays_small():
    assert len(render_page(with_spans(300, "x" * 50_000))) < 3_000_000


def test_a_long_trace_says_how_many_spans_are_left_out():
    assert "600 more spans" in Page(render_page(with_spans(1_000, "x"))).text


def test_a_trace_without_times_is_shown_in_order():
    assert "in order (no times)" in Page(render_page(with_spans(3, "x"))).text
