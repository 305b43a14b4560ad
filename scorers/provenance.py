"""What a run has read, kept apart by who said it: its principal, or a tool or document.

``carried`` then says what some text takes over from instructions in untrusted content that its principal
never said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .actions import Action, delegates, demanded
from .instructions import Instruction, quotes_instructions, read_instructions, sentences
from .marks import Mark, plain, words

DEMANDS_PER_WORD = 8
"""Instructions remembered per first word of a mark; keeps the work linear when content repeats itself."""
PASTED = 20
"""Characters from which a sentence of a user message that untrusted content has too counts as pasted from it."""


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """An instruction and where it came in."""

    instruction: Instruction
    span_id: str
    origin: str
    """In words, such as ``the result of read_file``."""


@dataclass(slots=True)
class Carried:
    """What a text carries of one demand."""

    demand: Demand
    exclusive: list[Mark] = field(default_factory=list)
    """Identifiers that occur nowhere but in instructions."""
    literal: list[Mark] = field(default_factory=list)
    """Numbers and pairs of quoted words, and identifiers that other content has too."""
    names: list[Mark] = field(default_factory=list)

    @property
    def telling(self) -> Mark:
        """The mark that identifies most."""
        return (self.exclusive + self.literal + self.names)[0]


class Provenance:
    """What was read so far, by who said it."""

    def __init__(self) -> None:
        self.asked: set[Action] = set()
        """Actions that the principal's own words name."""
        self.delegated = False
        """Whether the principal said to do what some content says."""
        self.demands: list[Demand] = []
        self.actions: dict[Action, Demand] = {}
        """Actions that commanding instructions demand, with the first that does."""
        self._trusted: set[str] = set()
        self._trusted_text = " "
        self._elsewhere: set[str] = set()
        self._contents: set[str] = set()
        self._sentences: set[str] = set()
        self._by_word: dict[str, list[tuple[Mark, Demand]]] = {}

    def allow(self, text: str) -> None:
        """Take in words that calls may carry wherever they came from."""
        found = words(plain(text))
        self._trusted.update(found)
        self._trusted.update(word.split("/", 1)[0] for word in found if "/" in word)
        self._trusted_text += " ".join(found) + " \n "

    def trust(self, text: str) -> None:
        """Take in what the system prompt or the user says, without untrusted content pasted into it."""
        own = [part for part in sentences(plain(text)) if part not in self._sentences]
        for part in own:
            self.asked |= demanded(part, imperative=False)
            self.delegated = self.delegated or delegates(part)
        self.allow("\n".join(own))

    def distrust(self, text: str, span_id: str, origin: str) -> None:
        """Take in what a tool or a document says; the same text counts once."""
        if text in self._contents:
            return
        self._contents.add(text)
        content = plain(text)
        instructions, others = read_instructions(content)
        self._elsewhere.update(word for part in others for word in words(part))
        self._sentences.update(part for part in sentences(content) if len(part) >= PASTED)
        for instruction in instructions:
            self._remember(Demand(instruction, span_id, origin))

    def _remember(self, demand: Demand) -> None:
        self.demands.append(demand)
        for mark in demand.instruction.marks:
            listed = self._by_word.setdefault(mark.words[0], [])
            if len(listed) < DEMANDS_PER_WORD:
                listed.append((mark, demand))
        if demand.instruction.commanding:
            for action in demand.instruction.actions:
                self.actions.setdefault(action, demand)

    def trusts(self, mark: Mark) -> bool:
        """Whether the principal said these words."""
        if len(mark.words) == 1:
            return mark.words[0] in self._trusted
        return f" {mark} " in self._trusted_text

    def names_all(self, listed: Iterable[str]) -> bool:
        """Whether the principal used every one of these words."""
        return all(word in self._trusted for word in listed)

    def carried(self, texts: Iterable[str]) -> list[Carried]:
        """Return what texts carry of the demands read so far, leaving out texts that pass a whole passage on."""
        found: dict[int, Carried] = {}
        for text in texts if self._by_word else ():
            shown = plain(text)
            listed = words(shown)
            hits = [hit for at in range(len(listed)) for hit in self._hits(listed, at)]
            if hits and not quotes_instructions(shown):
                for mark, demand in hits:
                    self._add(found.setdefault(id(demand), Carried(demand)), mark)
        return list(found.values())

    def _hits(self, listed: list[str], at: int) -> Iterator[tuple[Mark, Demand]]:
        for mark, demand in self._by_word.get(listed[at], ()):
            if tuple(listed[at : at + len(mark.words)]) == mark.words and not self.trusts(mark):
                yield mark, demand

    def _add(self, carried: Carried, mark: Mark) -> None:
        if mark.kind == "name":
            carried.names.append(mark)
        elif mark.kind == "identifier" and not (len(mark.words) == 1 and mark.words[0] in self._elsewhere):
            carried.exclusive.append(mark)
        else:
            carried.literal.append(mark)
