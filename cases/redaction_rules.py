"""What a team adds to the built-in patterns: fields by path, and lists of names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import ConfigError
from .json_path import Step, parse_path
from .patterns import Hit, Pattern

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,19}\Z")
_WIDE = "\u2e80"
"""From here on come scripts that write without spaces, where a name may stand between any two characters."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Every text and number at a path is replaced, whatever it looks like."""

    path: str
    """JSONPath: ``$.customer.name``, ``$..password``, ``$.items[*].note``."""
    type: str = "field"
    """Names the value in tokens and reports."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A field rule, ready to be matched while walking down a value."""

    steps: tuple[Step, ...]
    type: str


def check_type(name: str) -> str:
    """Return a type name unchanged.

    Raises:
        ConfigError: It could not stand in a token.
    """
    if not _TYPE.match(name):
        raise ConfigError(f"expected a type of lower-case letters, digits and underscores, got {name!r}")
    return name


def compile_rules(rules: Sequence[FieldRule]) -> tuple[CompiledRule, ...]:
    """Return the rules with their paths parsed.

    Raises:
        ConfigError: A path or type is not valid.
    """
    try:
        return tuple(CompiledRule(parse_path(rule.path), check_type(rule.type)) for rule in rules)
    except ValueError as error:
        raise ConfigError(str(error), where="redaction rules") from None


State = frozenset[tuple[int, int]]
"""Which rules (index) may go on at which of their steps, at one place of a value."""


def start(rules: Sequence[CompiledRule]) -> State:
    """Return the state at the root of a value."""
    return frozenset((index, 0) for index in range(len(rules)))


def descend(rules: Sequence[CompiledRule], state: State, key: str | int) -> State:
    """Return the state below a member or element."""
    following = set()
    for index, at in state:
        steps = rules[index].steps
        if at == len(steps):
            following.add((index, at))  # everything below a matched place
            continue
        step = steps[at]
        if step.deep:
            following.add((index, at))
        if step.key is None or step.key == key:
            following.add((index, at + 1))
    return frozenset(following)


def matched(rules: Sequence[CompiledRule], state: State) -> str:
    """Return the type of the first rule that matches here, or an empty text."""
    ended = [index for index, at in state if at == len(rules[index].steps)]
    return rules[min(ended)].type if ended else ""


def canonical_name(text: str) -> str:
    """Return a name without regard to case, spacing and Unicode form."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def entity_patterns(entities: Mapping[str, Sequence[str]]) -> list[Pattern]:
    """Return one pattern for each list of names.

    Args:
        entities: Names by type, such as ``{"person": ["Jane Doe"], "company": ["ACME"]}``.

    Raises:
        ConfigError: A type is not valid or a name is empty.
    """
    patterns = []
    for kind, names in entities.items():
        forms = {form for name in names for form in _forms(name)}
        if not forms:
            continue
        # Longest first: RE2 prefers the earlier alternative, as Python does.
        alternatives = "|".join(sorted(map(_name_regex, forms), key=len, reverse=True))
        patterns.append(Pattern(check_type(kind), f"(?i:{alternatives})", _name))
    return patterns


def _forms(name: str) -> set[str]:
    text = " ".join(name.split())
    if not text:
        raise ConfigError("expected names, got an empty one", where="redaction entities")
    return {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}


def _name_regex(name: str) -> str:
    import re2

    return r"\s+".join(re2.escape(word) for word in name.split(" "))


def _name(blob: bytes, start: int, end: int) -> Hit | None:
    text = blob[start:end].decode("utf-8", "replace")
    before = blob[max(0, start - 4) : start].decode("utf-8", "ignore")[-1:]
    after = blob[end : end + 4].decode("utf-8", "ignore")[:1]
    if _joined(before, text[0]) and not _escape_before(blob, start):
        return None
    return None if _joined(after, text[-1]) else (start, end, canonical_name(text))


def _joined(neighbour: str, edge: str) -> bool:
    if not neighbour or neighbour >= _WIDE or edge >= _WIDE:
        return False
    return neighbour.isalnum() or neighbour == "_" or unicodedata.category(neighbour) == "Mn"


def _escape_before(blob: bytes, start: int) -> bool:
    return blob[start - 2 : start] in (rb"\n", rb"\r", rb"\t")
