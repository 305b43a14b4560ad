"""Likely paths: where in a recording a request belongs that came without its call path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice, takewhile

from .boundary import RecordedCall
from .replay import BoundaryKind
from .request import PreparedRequest

PathKey = tuple[BoundaryKind, str, tuple[str, ...]]
"""Kind, name and call path."""
_LOOKED_AHEAD = 50
"""With how many paths a request is compared."""


class LikelyPaths:
    """The paths on which calls of each kind and name are still to be made.

    Args:
        by_path: The recorded calls on each path, in order.
        made: How many calls were made on each path so far; it changes as they are.
    """

    def __init__(self, by_path: Mapping[PathKey, Sequence[RecordedCall]], made: Mapping[PathKey, int]) -> None:
        self._by_path = by_path
        self._made = made
        self._open: dict[tuple[BoundaryKind, str], dict[PathKey, None]] = defaultdict(dict)
        """Those that were called to their end may be missing."""
        for key in by_path:
            self._open[key[:2]][key] = None

    def are_several(self, kind: BoundaryKind, name: str) -> bool:
        """Whether a request of this kind and name may belong to more than one path."""
        return len(self._open.get((kind, name), ())) > 1

    def path_of(self, kind: BoundaryKind, name: str, request: PreparedRequest) -> tuple[str, ...]:
        """Return the path of the next call that has the longest beginning of messages in common with a request, the
        earliest recorded among equals; the empty one where none is left.
        """
        following = self._following(kind, name)
        if len(following) < 2:
            return following[0].call_path if following else ()
        return max(following, key=lambda call: (*_in_common(request, call.prepared), -call.index)).call_path

    def _following(self, kind: BoundaryKind, name: str) -> list[RecordedCall]:
        """Return the next call on each path; a path that was called to its end is forgotten."""
        paths, found = self._open.get((kind, name), {}), []
        for key in list(islice(paths, 2 * _LOOKED_AHEAD)):
            made = self._made.get(key, 0)
            if made < len(self._by_path[key]):
                found.append(self._by_path[key][made])
            else:
                del paths[key]
        return found[:_LOOKED_AHEAD]


def shared_beginning(request: PreparedRequest, recorded: PreparedRequest) -> int:
    """Return how many first messages two requests share."""
    pairs = zip(request.message_keys, recorded.message_keys, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _in_common(request: PreparedRequest, recorded: PreparedRequest) -> tuple[bool, int]:
    """Return whether two requests are the same but for fields not recorded, and how many first messages they share."""
    return request.comparable(recorded)[0].exact == recorded.exact, shared_beginning(request, recorded)
