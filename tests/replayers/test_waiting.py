"""Waiting for a process: told at once when it has ended, and no longer than asked."""

from __future__ import annotations

import subprocess
import time

import pytest

from unrepeat.replayers.isolation.waiting import has_ended


@pytest.mark.parametrize("has_handles", [True, False])
def test_end_is_told_and_not_waited_for_too_long(monkeypatch, has_handles):
    if not has_handles:
        monkeypatch.delattr("os.pidfd_open", raising=False)
    with subprocess.Popen(["sleep", "30"]) as process:
        before = time.monotonic()
        assert not has_ended(process, 0.1)
        assert time.monotonic() - before < 10
        process.kill()
        assert has_ended(process, 10)
        assert has_ended(process, 0)
