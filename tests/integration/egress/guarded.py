"""Runs a probe in a Python that guards itself as the child of a replay does; run in a cell of level ``guard``.

python guarded.py START_FILE REPORT_FD PROCESSES NAME
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys


def main() -> None:
    """Load the guard from the package of the child, put it up, and run the probe."""
    start, report, allow_subprocess, name = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("child_start", start)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.load_package()
    channel = importlib.import_module("_unrepeat_child.channel").Channel(os.open(os.devnull, os.O_RDONLY), int(report))
    sys.path.insert(0, os.path.dirname(__file__))
    channel.app_paths = (os.path.dirname(__file__),)
    probes = importlib.import_module("probes")

    importlib.import_module("_unrepeat_child.guard").guard(channel, allow_subprocess == "yes")
    with contextlib.suppress(Exception):
        getattr(probes, name)()


main()
