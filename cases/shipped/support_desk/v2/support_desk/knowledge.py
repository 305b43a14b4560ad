"""Search in the desk's policies (Okapi BM25 over a small local index)."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

INDEX = Path(__file__).parent / "index" / "policies.json"
TOP = 2
K1 = 1.2
"""Saturation of term frequency; the usual value (Robertson & Zaragoza 2009)."""
B = 0.75
"""Weight of document length; the usual value."""


def search(query: str, filters: dict[str, str]) -> list[dict[str, Any]]:
    """Return the policies that match a query best.

    Args:
        query: Free text.
        filters: ``topic``, and ``as_of``: the day the policies must apply to (``2026-05-04``).

    Returns:
        At most ``TOP`` documents, best first, with ``score`` and ``rank``.
    """
    terms = set(words(query))
    found = [
        {**document, "score": round(score(terms, document["content"]), 4)}
        for document in load()["documents"]
        if document["topic"] == filters["topic"] and applies(document, filters["as_of"])
    ]
    found.sort(key=lambda each: (-each["score"], each["id"], each["version"]))
    return [{**each, "rank": rank} for rank, each in enumerate(found[:TOP], start=1) if each["score"] > 0]


def applies(document: dict[str, Any], day: str) -> bool:
    """Return whether a policy applies on a day: announced ones do not yet, replaced ones no longer."""
    if document["status"] == "superseded":
        return False
    ends = document["effective_to"]
    return document["effective_from"] <= day and (ends is None or day < ends)


def score(terms: set[str], text: str) -> float:
    """Return the BM25 score of a text for a set of terms."""
    counts = Counter(words(text))
    length = sum(counts.values()) / average_length()
    total = 0.0
    for term in sorted(terms & counts.keys()):
        frequency = counts[term]
        total += rarity(term) * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * length))
    return total


@cache
def rarity(term: str) -> float:
    """Return the inverse document frequency of a term in the whole index."""
    texts = [set(words(each["content"])) for each in load()["documents"]]
    holding = sum(term in text for text in texts)
    return math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))


@cache
def average_length() -> float:
    """Return the mean number of words of a document."""
    lengths = [len(words(each["content"])) for each in load()["documents"]]
    return sum(lengths) / len(lengths)


@cache
def load() -> dict[str, Any]:
    """Return the index: ``index_version`` and ``documents``."""
    loaded: dict[str, Any] = json.loads(INDEX.read_text(encoding="utf-8"))
    return loaded


def words(text: str) -> list[str]:
    """Return the lower-case words of a text."""
    return re.findall(r"[a-z0-9]+", text.lower())
