"""What changed while a gate ran: it says something only about what stayed the same from its beginning to its end."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..cases import custody, evidence
from ..cases.errors import UnrepeatError
from ..cases.files import has_pending_edit
from ..cases.library import CaseFolder
from ..scorers.gate_result import GateProblem
from .gate_candidate import Candidate, has_changed

_MARKS = (evidence.CASE, evidence.MANIFEST, evidence.TRACE, custody.FILE_NAME)


@dataclass(slots=True)
class Watch:
    """Looks at cases while a gate runs: the code that is judged could rewrite a case that is judged after it."""

    folders: Sequence[CaseFolder]
    digests: Mapping[str, str]
    """Digest of each case at the beginning, by id."""
    _changed: set[str] = field(default_factory=set)

    @classmethod
    def begin(cls, folders: Sequence[CaseFolder]) -> Watch:
        """Look at cases for the first time."""
        return cls(folders, {folder.id: _digest(folder) for folder in folders})

    def has_changed(self, folder: CaseFolder) -> bool:
        """Return whether a case is not what it was at the beginning, or was not once when it was asked for before."""
        if _digest(folder) != self.digests[folder.id]:
            self._changed.add(folder.id)
        return folder.id in self._changed

    def problems(self, candidate: Candidate) -> Iterator[GateProblem]:
        """Look for the last time, and name a candidate and cases that were edited while they were judged."""
        if has_changed(candidate):
            told = "its files were changed while the gate ran, so that no one version was judged"
            yield GateProblem(effect="fail", rule="candidate-changed", where=candidate.label, reason=told)
        for folder in self.folders:
            if self.has_changed(folder):
                told = "its files were changed while the gate ran, so that it may have been judged as another case"
                yield GateProblem(effect="fail", rule="cases-changed", where=folder.id, reason=told)


def _digest(folder: CaseFolder) -> str:
    total = hashlib.sha256(b"pending\n" if has_pending_edit(folder.path) else b"")
    for mark in _MARKS:
        with contextlib.suppress(UnrepeatError):
            total.update(f"{mark} {evidence.digest_file(folder.path / mark)}\n".encode())
    return total.hexdigest()
