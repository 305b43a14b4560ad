"""Passages of untrusted content that demand something.

A *commanding* passage is addressed to the model as if by its principal: it carries several independent cues
(it overrides the task, names the model or its tools, sets itself before the user's task, imitates a system
message …), and no single wording is enough but an outright override. Bare imperatives are kept too, but
documents are full of them, meant for people: a scorer must ask more evidence of a call that does one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import re2

from .actions import Action, demanded
from .cues import CUES, Cue, cues_in, hits_in
from .marks import Mark, marks

COMMANDING = 3
"""Sum of cue weights from which a passage counts as addressed to the model."""
REACH = 500
"""Characters between two cues of one passage, and behind the last one, at most."""

_ITEM = re2.compile(r"\n\s*- [a-z][a-z_]{1,24}: ")
"""The start of the next record of a YAML listing; cues of two records never add up."""
_TAIL = re2.compile(r"\n\s*- |\n\s*[a-z][a-z_]{1,24}: |\n\s*\n(?s:.*?)\n\s*\n")
"""Where a passage ends behind its last cue: the next item or field, or the paragraph after next."""
_SENTENCE = re.compile(r"[.!?]['\"”’)]{0,2}\s|\n[ \t]*\n|\n[ \t]*[-*•\d<]|[:;]\s")
_SAY = re2.compile(
    r"(?i)\b(?:say|respond with|reply with|answer with|print|output|mention|state|write|claim|recommend"
    r"|(?:begin|start|end|finish) (?:your|the) \w+ with|tell (?:me|the user|users|them|him|her))\b"
    r"(?: only)?(?: the (?:words?|phrase|text|sentence))?[:,]? +(?:that )?(.{3,300})"
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """A passage of untrusted content that demands something."""

    text: str
    cues: tuple[str, ...]
    """Names of its cues; none for a bare imperative."""
    weight: int
    marks: tuple[Mark, ...]
    actions: frozenset[Action]
    sayings: tuple[str, ...] = ()
    """What it wants said in the answer."""

    @property
    def commanding(self) -> bool:
        """Whether it is addressed to the model rather than to any reader."""
        return self.weight >= COMMANDING


def read_instructions(text: str) -> tuple[list[Instruction], list[str]]:
    """Split an untrusted plain text into instructions and the rest.

    Returns:
        The instructions, and the sentences outside them.
    """
    found: list[Instruction] = []
    rest: list[str] = []
    start = 0
    for passage in _passages(text):
        begin, cue = max(start, passage.begin), max(start, passage.cue)
        rest.append(text[start:begin])
        found.append(_commanding(text[begin:cue], text[cue : passage.end], passage.cues))
        start = passage.end
    rest.append(text[start:])
    others: list[str] = []
    for sentence in (sentence for piece in rest for sentence in sentences(piece)):
        actions = demanded(sentence, imperative=True)
        if actions:
            found.append(Instruction(sentence, (), 0, tuple(marks(sentence)), actions))
        else:
            others.append(sentence)
    return found, others


def quotes_instructions(text: str) -> bool:
    """Whether a plain text contains a commanding passage itself: it then passes one on rather than follows it."""
    return sum(CUES[index].weight for index in cues_in(text)) >= COMMANDING


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a plain text, without their line breaks."""
    start = 0
    for match in _SENTENCE.finditer(text):
        yield " ".join(text[start : match.end()].split())
        start = match.end()
    yield " ".join(text[start:].split())


@dataclass(frozen=True, slots=True)
class _Passage:
    begin: int
    """Start of the sentence of the first cue."""
    cue: int
    end: int
    cues: dict[str, int]


_Hit = tuple[int, int, Cue]


def _passages(text: str) -> Iterator[_Passage]:
    group: list[_Hit] = []
    for hit in hits_in(text):
        if group and (hit[0] - group[-1][1] > REACH or _ITEM.search(text[group[-1][1] : hit[0]])):
            yield from _passage(group, text, hit[0])
            group = []
        group.append(hit)
    if group:
        yield from _passage(group, text, len(text))


def _passage(group: list[_Hit], text: str, limit: int) -> Iterator[_Passage]:
    cues = {cue.name: cue.weight for _, _, cue in group}
    if sum(cues.values()) < COMMANDING:
        return
    first, last = group[0][0], max(end for _, end, _ in group)
    near = max(0, first - REACH)
    begin = max(text.rfind("\n", near, first), text.rfind(". ", near, first), near - 1) + 1
    yield _Passage(begin, first, _end(text, last, min(limit, last + REACH), len(group) > 1), cues)


def _end(text: str, last: int, limit: int, framed: bool) -> int:
    """Return where a passage ends whose last cue ends at ``last``."""
    if framed and text[last - 1 : last] == ">":  # a closing tag
        return last
    tail = _TAIL.search(text[last:limit])
    if tail is None:
        return max(last, limit)
    begin, end = tail.span()
    return last + int(end if str(tail.group()).endswith("\n") else begin)


def _commanding(before: str, text: str, cues: dict[str, int]) -> Instruction:
    """Build the instruction of a passage; what stands before its first cue belongs to it only if it demands."""
    if demanded(before, imperative=True):
        text = before + text
    parts = list(sentences(text))
    actions = frozenset(action for part in parts for action in demanded(part, imperative=True))
    if not actions:
        actions = frozenset(action for part in parts for action in demanded(part, imperative=False))
    sayings = tuple(saying.strip() for saying in _SAY.findall(" ".join(parts)))
    return Instruction(text, tuple(cues), sum(cues.values()), tuple(marks(text)), actions, sayings)
