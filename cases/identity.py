"""Who is at the keyboard, for the custody log. Reads the environment and git's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def whoami(folder: Path | None = None) -> str:
    """Return ``Name <address>`` of the person who runs this.

    Args:
        folder: Where to ask git; the current folder when None.

    Returns:
        ``UNREPEAT_USER``, else git's ``user.name`` and ``user.email``, else the login name, else ``unknown``.
    """
    stated = os.environ.get("UNREPEAT_USER", "").strip()
    if stated:
        return _plain(stated)
    name, address = _git_config("user.name", folder), _git_config("user.email", folder)
    if name or address:
        return _plain(f"{name} <{address}>" if name and address else name or address)
    return _plain(os.environ.get("USER") or os.environ.get("USERNAME") or "unknown")


def _git_config(key: str, folder: Path | None) -> str:
    try:
        answer = subprocess.run(
            ["git", "config", "--get", key], cwd=folder, capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.decode("utf-8", "replace").strip()


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip() or "unknown"
