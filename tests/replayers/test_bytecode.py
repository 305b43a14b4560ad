"""Bytecode of the child: written once, anew after a change, and never a reason to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

from tests.replayers.apps import replayed

from unrepeat.replayers.bytecode import compile_once
from unrepeat.replayers.child_process import CHILD


def test_child_is_compiled_before_it_starts_and_the_app_is_not(tmp_path):
    compiled = Path(cache_from_source(str(CHILD.parent / "main.py")))
    compiled.unlink(missing_ok=True)
    compile_once.cache_clear()
    replayed(tmp_path)
    assert compiled.exists()
    assert not (tmp_path / "__pycache__").exists()


def test_module_that_has_changed_is_compiled_anew(tmp_path):
    module = tmp_path / "one.py"
    for text in ("print('before')", "print('after!')"):
        module.write_text(text)
        compile_once.cache_clear()
        compile_once(tmp_path)
    os.utime(module, (0, 0))
    done = subprocess.run([sys.executable, cache_from_source(str(module))], capture_output=True, text=True, check=True)
    assert done.stdout == "after!\n"


def test_folder_that_cannot_be_written_to_is_left_alone(tmp_path):
    (tmp_path / "one.py").write_text("")
    (tmp_path / "__pycache__").write_text("no folder")
    compile_once(tmp_path)
