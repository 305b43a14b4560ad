"""The page of one run: one HTML file that needs nothing else and runs nothing that a trace brought in.

Trace text is data for the template, never a template. Everything is escaped; what would be invisible is shown as an
escape; links are limited to harmless schemes; the policy in the page forbids all loading and every script and style
but the page's own, named by hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..scorers.verdict import CaseVerdict
from .sections import page_of
from .text import is_unseen, visible
from .words import LIVE_OUTCOMES, OUTCOMES, SCOPE_MEANINGS, SCOPES, VERDICTS, count, duration, money, stands_in

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

PAGE_MARK = '<meta name="generator" content="unrepeat">'
"""Stands near the start of every page, so that a page of ours is told from other files."""
_TEMPLATES = Path(__file__).parent / "templates"
_LINKABLE = re.compile(r"(?:https?://|mailto:)[^\s\"'<>\\^`{|}\x00-\x20\x7f-\x9f]+", re.IGNORECASE)
_SHOWN_ESCAPE = '<span class="escaped">{}</span>'


def render_page(verdict: CaseVerdict) -> str:
    """Return the HTML page of a run.

    Args:
        verdict: The judgement over one case, with its traces and replays.

    Returns:
        A complete document. It loads nothing, and reads the same without JavaScript.
    """
    style, script = asset("page.css"), asset("page.js")
    template = environment().get_template("page.html")
    return template.render(page=page_of(verdict), style=style, script=script, policy=_policy(style, script)) + "\n"


def _policy(style: str, script: str) -> str:
    """Return the content security policy: nothing but the page's own style and script."""
    return (
        f"default-src 'none'; style-src '{content_hash(style)}'; script-src '{content_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def content_hash(text: str) -> str:
    """Return the source expression of a content security policy that allows just this text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def asset(name: str) -> Markup:
    """Return a file of the templates that goes into a page as it is."""
    from markupsafe import Markup

    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


@cache
def environment() -> Environment:
    """Return the environment of all pages: everything is escaped, nothing undefined is rendered."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        data=data, data_link=data_link, count=count, duration=duration, money=money, stands_in=stands_in
    )
    environment.globals.update(
        VERDICTS=VERDICTS, SCOPES=SCOPES, SCOPE_MEANINGS=SCOPE_MEANINGS, OUTCOMES=OUTCOMES, LIVE_OUTCOMES=LIVE_OUTCOMES
    )
    return environment


def data(value: Any) -> Markup:
    """Return untrusted text for a page: escaped, line breaks kept, invisible characters marked as escapes."""
    from markupsafe import Markup, escape

    text = str(value).replace("\r\n", "\n")
    if text.isprintable() and visible(text) == text:
        return escape(text)
    return Markup().join(_marked(text))


def _marked(text: str) -> Iterator[Markup]:
    from markupsafe import Markup, escape

    run: list[str] = []
    for char in text:
        if char in "\n\t" or not is_unseen(char):
            run.append(char)
            continue
        yield escape("".join(run))
        run.clear()
        yield Markup(_SHOWN_ESCAPE).format(visible(char))
    yield escape("".join(run))


def data_link(url: str, label: str = "") -> Markup:
    """Return untrusted text as a link where it is a plain http, https or mailto address, else as text."""
    from markupsafe import Markup

    if not _LINKABLE.fullmatch(url):
        return data(label or url)
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(url, data(label or url))
