"""Wordings by which content addresses a model as if it were its principal, with weights.

The cues are about roles (who speaks, to whom, before or against which task), not about any one attack. Weights:
3 outright override, 2 rarely said to a person, 1 said to people too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import re2


@dataclass(frozen=True, slots=True)
class Cue:
    """One way of addressing a model."""

    name: str
    weight: int
    pattern: str
    """RE2 syntax, matched without regard to case; a space stands for any white space, line breaks included."""

    @property
    def compilable(self) -> str:
        """The pattern with its flags and white space written out."""
        return "(?is)" + self.pattern.replace(" ?", r"\s*").replace(" ", r"\s+")


CUES = (
    Cue(
        "overrides",
        3,
        r"\b(?:ignore|disregard|forget|override|bypass|overlook|discard|abandon|stop following)\b.{0,60}"
        r"\b(?:previous|prior|above|earlier|preceding|all|any|your|original|initial|other|everything)\b"
        r".{0,40}\b(?:i\w{0,3}nstructions?|prompts?|rules?|guidelines?|directions?|orders?|commands?|tasks?"
        r"|constraints?|polic(?:y|ies)|told)\b",
    ),
    Cue("new instructions", 2, r"\b(?:new|updated|real|actual|true|revised|following) (?:system )?instructions?\b"),
    Cue(
        "names the model",
        1,
        r"\b(?:ai|artificial intelligence|language|chat) ?(?:language )?(?:model|assistant|agent|system|bot)s?\b"
        r"|\bllms?\b|\bgpt-?\d|\bchatgpt\b|\bclaude\b|\bgemini\b|\bllama\b|\bmi[sx]tral\b|\bcopilot\b"
        r"|\bcommand r\b|\bdeepseek\b|\bqwen\b|\bchatbot\b"
        r"|\b(?:dear|hi|hey|hello|attention,?) (?:assistant|agent|model)\b"
        r"|\b(?:assistant|agent|model), |\b(?:you are|as) an? (?:assistant|agent|ai)\b",
    ),
    Cue(
        "sets itself before the task",
        2,
        r"\b(?:before|prior to|instead of|rather than|after|once|in order to)\b[^.]{0,60}"
        r"\b(?:user'?s?|original|initial|current|main|previous|the|your|my) (?:\w+ )?"
        r"(?:tasks?|questions?|requests?|query|prompt|conversation)\b"
        r"|\b(?:tasks?|questions?|requests?) (?:that )?(?:i|the user|you were|they) (?:gave|given|asked)"
        r"|\b(?:before|until) you (?:can |may |could )?"
        r"(?:solve|answer|continue|proceed|respond|reply|finish|complete)\b",
    ),
    Cue(
        "demands obedience",
        1,
        r"\b(?:do|perform|execute|carry out|complete|follow|take) (?:all )?(?:of )?(?:the|these)"
        r" (?:following|steps|actions)\b|\bstrictly (?:adhere|follow|comply)\b"
        r"|\b(?:must|need to|have to) (?:first|immediately|always|now)\b|\bmandatory\b"
        r"|\byou (?:are|have been) (?:now |hereby )?(?:instructed|required|ordered|authori[sz]ed)\b",
    ),
    Cue(
        "claims authority",
        1,
        r"\bimportant (?:message|notice|instructions?|information)\b|\bimportant ?!+|\burgent\b"
        r"|\b(?:system|security|admin\w*|developer|override)"
        r" (?:notice|message|note|update|alert|prompt|override|command)\b"
        r"|\bmessage from (?:me|the user|your|the system|the admin\w*|the developers?)\b"
        r"|\bi am (?:the|your) (?:user|admin\w*|developer|owner)\b",
    ),
    Cue(
        "imitates markup",
        1,
        r"</?(?:information|instructions?|system|important|admin|prompt|user|assistant|task|hidden|secret|command|tool)"
        r"\b[^>\n]{0,40}>|\[/?(?:inst|system|instructions?)\]|<\|\w{2,20}\|>"
        r"|(?m:^\s*#{1,4} ?(?:instructions?|system|new task)\b)|<!--",
    ),
    Cue("imitates a role", 1, r"(?m:^\s*(?:system|assistant|user|human|developer|ai) ?: )"),
    Cue(
        "asks to conceal",
        2,
        r"\b(?:do not|don't|never|without) (?:tell|mention|inform|reveal|notify|alert|ask|warn|disclos)\w*\b[^.]{0,40}"
        r"\b(?:user|anyone|this|confirmation|permission|them|instructions?)\b",
    ),
    Cue(
        "names a tool",
        2,
        r"\b(?:use|call|invoke|run|execute|using) (?:the |your )?(?:tool|function)s?\b"
        r"|\b(?:the|your) [`'\"]?\w+_\w+[`'\"]? (?:tool|function)\b|\btool (?:call )?[`'\"]?\w+_\w+"
        r"|\b(?:call|invoke|use|run) [`'\"]?[a-z]+_[a-z_]+\b|\bwith the following (?:arguments|parameters)\b",
    ),
)


def _compiled() -> tuple[Any, list[Any]]:
    together = re2.Set.SearchSet()
    for cue in CUES:
        together.Add(cue.compilable)
    together.Compile()
    return together, [re2.compile(cue.compilable) for cue in CUES]


_TOGETHER, _EACH = _compiled()


def cues_in(text: str) -> list[int]:
    """Return the indices of the cues that occur in a text, in one pass over it."""
    return _TOGETHER.Match(text) or []


def hits_in(text: str) -> list[tuple[int, int, Cue]]:
    """Return (start, end, cue) of every cue in a text, in the order of the text."""
    return sorted(
        ((match.start(), match.end(), CUES[index]) for index in cues_in(text) for match in _EACH[index].finditer(text)),
        key=lambda hit: hit[:2],
    )
