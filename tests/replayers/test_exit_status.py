"""How a process came to its end, in words."""

from __future__ import annotations

import pytest

from unrepeat.replayers.exit_status import told


@pytest.mark.parametrize(
    ("returncode", "words"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "signal SIGKILL"), (-35, "signal 35")]
)
def test_end_is_told_in_words(returncode, words):
    assert told(returncode) == words
