"""What a case states, whatever its status: digests of case.yaml that a change of status leaves alone.

A proof, a report and a signature are about what the case says. ``fixed`` and ``recovered`` come later, by command
and with an entry in the custody log; they must not make what they rest on look outdated.
"""

from __future__ import annotations

import hashlib
import re
from typing import get_args

from .status_line import with_status
from .vocabulary import Status

_INSERTED = re.compile(rb"^status: [a-z]+\r?\n", re.MULTILINE)


def statement_digest(data: bytes, where: str) -> str:
    """Return the SHA-256 of a case.yaml as it would be with ``status: open``.

    Args:
        data: The file's bytes; a valid case.
        where: What to call the file in errors.

    Raises:
        CaseError: Its status cannot be edited in place.
    """
    return hashlib.sha256(with_status(data, "open", where)).hexdigest()


def digests_by_status(data: bytes, where: str) -> frozenset[str]:
    """Return the SHA-256 of a case.yaml as it is, under every status, and without a status line.

    Raises:
        CaseError: Its status cannot be edited in place.
    """
    versions = [data, _INSERTED.sub(b"", data, count=1)]
    versions += [with_status(data, status, where) for status in get_args(Status)]
    return frozenset(hashlib.sha256(each).hexdigest() for each in versions)
