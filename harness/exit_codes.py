"""Exit codes, the same for every command (5-verdicts: gate)."""

from __future__ import annotations

OK = 0
"""Everything asked for is as it should be."""
FAILED = 1
"""There is a verdict and it is not a pass."""
USAGE = 2
"""Usage, configuration or input error: no verdict could be produced, nothing was changed."""
HELD = 10
"""A person must decide."""
INTERRUPTED = 130
"""Interrupted; what was finished is kept."""
BROKEN_PIPE = 141
"""Nobody reads the output any more, as shells report it."""
TERMINATED = 143
"""Ended by SIGTERM; what was started is ended too."""
