"""Build hook: lets an editable install see the layer folders as `unrepeat.*`.

The wheel maps `cases/` to `unrepeat/cases/` and so on. An editable install cannot rename folders, so this
hook makes `.editable/unrepeat/` with one link per layer, and `dev-mode-dirs` puts `.editable` on the path.
New files are seen at once; `make` makes the links again when `git clean -X` took them.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LAYERS = ("cases", "replayers", "scorers", "reports", "harness")


def link_folder(link: Path, target: Path) -> None:
    """Points `link` at the folder `target`, replacing whatever link stood there."""
    if link.is_symlink():
        if link.resolve() == target.resolve():
            return
        link.unlink()
    elif link.exists():
        # A junction on Windows, or a leftover copy: never follow it, the target holds the sources.
        os.rmdir(link) if sys.platform == "win32" else shutil.rmtree(link)
    if sys.platform == "win32":  # symbolic links need a privilege there, junctions do not
        import _winapi

        _winapi.CreateJunction(str(target), str(link))
    else:  # relative, so that the links themselves survive a moved checkout
        link.symlink_to(os.path.relpath(target, link.parent), target_is_directory=True)


class EditableLinks(BuildHookInterface[Any]):
    """Makes `.editable/unrepeat/<layer>` for editable installs and does nothing for real wheels."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Runs before each wheel build; `version` is `editable` or `standard`."""
        if version != "editable":
            return
        root = Path(self.root)
        package = root / ".editable" / "unrepeat"
        package.mkdir(parents=True, exist_ok=True)
        for layer in LAYERS:
            link_folder(package / layer, root / layer)
