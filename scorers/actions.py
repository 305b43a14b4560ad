"""What a sentence demands and what a tool does, in one small vocabulary so that the two can be compared.

Both sides become (verb, object) pairs of concepts: ``Change the password`` and ``update_password`` meet in
``("change", "password")``. The vocabulary is English, and about acting on behalf of a user in general.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

import re2

Action = tuple[str, str]
ANYTHING = "*"

_VERBS = {
    "send": "send transfer wire pay forward email mail message dm text notify remit reply submit ship refund",
    "delete": "delete remove erase drop destroy wipe purge unshare kick expel ban cancel revoke clear terminate",
    "create": "create make add schedule book reserve set plan insert append register generate buy order purchase",
    "change": "change update modify edit alter reset replace rename set adjust amend reschedule switch increase lower",
    "invite": "invite add enroll",
    "read": "visit browse read fetch get open view go click download access look search find list navigate check load"
    " lookup query retrieve",
    "post": "post publish upload write submit concatenate push",
    "share": "share grant give expose forward",
    "run": "run execute invoke install eval launch",
    "approve": "approve accept grant authorize authorise confirm allow close escalate issue",
    "say": "say print respond answer output mention state claim recommend tell",
}
_OBJECTS = {
    "money": "money transaction transactions payment payments transfer funds pay dollars eur euros refund amount bill",
    "email": "email emails mail mails inbox e-mail forward",
    "message": "message messages dm dms text note link",
    "web": "webpage website websites webpages web url urls link links site page pages visit browse",
    "file": "file files document documents doc drive folder attachment",
    "event": "event events calendar appointment appointments meeting meetings invitation",
    "user": "user users member members account him her them colleague",
    "password": "password passwords passphrase credential credentials",
    "channel": "channel channels group",
    "booking": "reservation booking hotel restaurant flight room table",
    "shell": "command shell script code terminal bash python",
    "order": "ticket tickets case order orders refund refunds return",
}
_LEADS = frozenset(
    "todo task action note step important attention also then now next first finally instead and please kindly just do"
    " immediately simply always afterwards hi hey hello dear assistant ai agent ok so but".split()
)
"""Words before the verb of a command."""
_ASKS = frozenset(
    "please kindly must should to and then you now also first immediately could can would will need".split()
)
"""Words right before a verb that is asked for."""
_ASKED = frozenset("please kindly you must should todo".split())
"""One of these makes a sentence that does not begin with a verb a request."""
_SPEECH = frozenset({"email", "message", "channel"})
"""What is sent to people; ``send a link to Alice`` names none of them."""
_FILLER = frozenset("to from a an the in on of for by with and or all my your".split())

_WORDS = re.compile(r"[a-z][a-z\-]*")
_TOOL_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_DELEGATION = re2.compile(
    r"(?i)\b(?:do|perform|complete|execute|follow|carry out|handle|process|work through|act on|take care of)\b"
    r"[^.?!]{0,40}\b(?:tasks?|instructions?|actions?|steps|to-?dos?|requests?|items)\b[^?!]{0,60}"
    r"\b(?:in|at|on|from|of|by|specified|listed|precisely)\b"
)


def _index(groups: dict[str, str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for concept, listed in groups.items():
        for word in listed.split():
            found.setdefault(word, set()).add(concept)
    return {word: frozenset(concepts) for word, concepts in found.items()}


_VERB = _index(_VERBS)
_OBJECT = _index(_OBJECTS)


def demanded(sentence: str, *, imperative: bool) -> frozenset[Action]:
    """Return the actions a sentence asks for.

    Args:
        sentence: One sentence of plain text.
        imperative: Count only verbs in a commanding position (first word, after *please*, *you must* …);
            otherwise every verb.
    """
    found = _WORDS.findall(sentence.lower())
    verbs = _commanded(found) if imperative else found
    actions = {concept for verb in verbs for concept in _VERB.get(verb, ())}
    if not actions:
        return frozenset()
    things = {concept for word in found for concept in _OBJECT.get(word, ())} | {ANYTHING}
    if "www" in found or "http" in found or "https" in found:
        things.add("web")
    if "@" in sentence:
        things.add("user")  # an address names a person
    things.update(word for word in found if word not in _FILLER and word not in _VERB)
    return frozenset((verb, thing) for verb in actions for thing in things)


def _commanded(found: list[str]) -> list[str]:
    """Return the verbs in a commanding position among the words of a sentence."""
    first = next((at for at, word in enumerate(found) if word not in _LEADS), len(found))
    leading = first < len(found) and found[first] in _VERB
    if not leading and _ASKED.isdisjoint(found):
        return []
    verbs = [found[first]] if leading else []
    return verbs + [word for before, word in pairwise(found) if before in _ASKS and word in _VERB]


@lru_cache(maxsize=4096)
def of_tool(name: str) -> frozenset[Action]:
    """Return the actions a tool's name stands for."""
    found = [word.lower() for word in _TOOL_WORDS.findall(name)]
    verbs = set(_VERB.get(found[0], ())) if found else set()
    verbs = verbs or {concept for word in found for concept in _VERB.get(word, ())}
    things = {concept for word in found for concept in _OBJECT.get(word, ())}
    things |= {word for word in found[1:] if word not in _FILLER and word not in _VERB}
    speaks = bool(verbs & {"send", "post", "share"} and things & _SPEECH) and "money" not in things
    if speaks:
        verbs |= {"send", "post"}  # one writes to a channel or posts there
    if speaks or not things:
        things.add(ANYTHING)
    return frozenset((verb, thing) for verb in verbs for thing in things)


@lru_cache(maxsize=4096)
def only_reads(name: str) -> bool:
    """Whether a tool's name says that it only looks something up."""
    first = next((str(word).lower() for word in _TOOL_WORDS.findall(name)), "")
    return _VERB.get(first, frozenset()) == {"read"}


def delegates(sentence: str) -> bool:
    """Whether a sentence of the user says to do what some content says."""
    match = _DELEGATION.search(sentence)
    return match is not None and "following" not in str(match.group()).lower()  # then the user lists them himself
