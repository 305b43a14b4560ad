"""Starts the child process; executed by path, with the app's interpreter.

The package is loaded under a name of its own, from its folder: on the import path, its modules would stand in for
the app's of the same name.
"""

from __future__ import annotations

import importlib.util
import os
import sys

PACKAGE = "_unrepeat_child"
"""What the package is called in the app's process."""


def load_package() -> None:
    """Make the modules beside this file importable as ``_unrepeat_child.*``."""
    folder = os.path.dirname(__file__)
    spec = importlib.util.spec_from_file_location(
        PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


if __name__ in ("__main__", "__mp_main__"):  # the latter in what the app starts by multiprocessing, to unpickle
    load_package()

if __name__ == "__main__":
    importlib.import_module(f"{PACKAGE}.main").main(*map(int, sys.argv[1:4]))
