"""The page says what was tried, with which versions."""

from __future__ import annotations

from tests.clients.conversations import AT_ONCE, SCRIPTS
from tests.clients.page import PAGE, published
from tests.clients.running import HERE


def test_page_lists_the_programs_as_they_are():
    page = PAGE.read_text("utf-8")
    assert page == published(page), "run `python -m tests.clients.page`"


def test_every_program_is_recorded_and_run():
    files = {f"{file.parent.name}/{file.stem}" for file in (*HERE.glob("python/*.py"), *HERE.glob("node/*.mjs"))}
    files -= {"node/mcp_client"}  # speaks to no provider; tests/replayers/wire run it
    assert files == set(SCRIPTS) | set(AT_ONCE)
    recorded = {file.stem.replace("-", "/", 1) for file in HERE.glob("recordings/*.json")}
    assert recorded == files


def test_no_program_is_told_where_its_provider_is():
    for file in (*HERE.glob("python/*.py"), *HERE.glob("node/*.mjs")):
        source = file.read_text("utf-8").lower()
        assert "base_url" not in source
        assert "baseurl" not in source
        assert "unrepeat" not in source
