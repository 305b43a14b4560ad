"""Assertions on outputs: ``contains``, ``regex``, ``equals``, ``json-schema``, ``json-path``, ``similar``.

An output that is JSON is searched in its canonical form and in each text it holds. Texts are compared in
Unicode normal form C.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any

from ..cases.assertions import Contains, Equals, JsonPath, JsonSchema, Regex, Similar
from ..cases.errors import ScorerError
from ..cases.json_path import parse_path, select
from ..cases.operators import compile_pattern
from .calls import excerpt
from .predicates import compile_predicate, json_equal, search
from .score import Scorer
from .targets import as_json, output_scorer, refuse_nan, texts_of

VERSION = "1"


def normal(text: str, ignore_case: bool = False) -> str:
    """Return a text in the form in which texts are compared."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.casefold() if ignore_case else text


def compile_contains(assertion: Contains) -> Scorer:
    """Compile ``contains`` or ``not-contains``."""
    negative = assertion.type == "not-contains"
    wanted = [assertion.value] if isinstance(assertion.value, str) else assertion.value
    needles = [(text, normal(text, assertion.ignore_case)) for text in wanted]
    mode = assertion.mode or ("any" if negative else "all")
    enough = 1 if mode == "any" else len(needles)

    def flaw(output: Any) -> str:
        texts = [normal(text, assertion.ignore_case) for text in texts_of(output)]
        found = [word for word, needle in needles if any(needle in text for text in texts)]
        if negative:
            return f"contains {excerpt(found)}" if len(found) >= enough else ""
        missing = [word for word, _ in needles if word not in found]
        return "" if len(found) >= enough else f"does not contain {excerpt(missing)}"

    several = f"{mode} of " if len(needles) > 1 else ""
    verb = "does not contain" if negative else "contains"
    words = f"{verb} {several}{excerpt(assertion.value)}"
    return output_scorer(assertion, flaw=flaw, describe=words, negative=negative, version=VERSION)


def compile_regex(assertion: Regex) -> Scorer:
    """Compile ``regex`` or ``not-regex``."""
    negative = assertion.type == "not-regex"
    pattern = compile_pattern(f"(?i){assertion.value}" if assertion.ignore_case else assertion.value)

    def flaw(output: Any) -> str:
        found = any(search(pattern, text) for text in texts_of(output))
        if found is not negative:
            return ""
        return f"{'matches' if found else 'does not match'} {assertion.value}"

    words = f"{'does not match' if negative else 'matches'} {assertion.value}"
    return output_scorer(assertion, flaw=flaw, describe=words, negative=negative, version=VERSION)


def compile_equals(assertion: Equals) -> Scorer:
    """Compile ``equals`` or ``not-equals``."""
    negative = assertion.type == "not-equals"
    expected = assertion.value

    def flaw(output: Any) -> str:
        refuse_nan(output)
        equal = json_equal(output, expected) or _same_json(output, expected)
        if equal is not negative:
            return ""
        return f"is {excerpt(output)}" + ("" if negative else f", not {excerpt(expected)}")

    words = f"{'is not' if negative else 'is'} {excerpt(expected) or 'null'}"
    return output_scorer(assertion, flaw=flaw, describe=words, negative=negative, version=VERSION)


def _same_json(output: Any, expected: Any) -> bool:
    """Tell whether an output that is text is JSON of the expected value."""
    if not isinstance(output, str) or isinstance(expected, str):
        return False
    try:
        return json_equal(as_json(output), expected)
    except ValueError:
        return False


def compile_json_schema(assertion: JsonSchema) -> Scorer:
    """Compile ``json-schema``."""
    validator = _validator(assertion.value)

    def flaw(output: Any) -> str:
        value, problem = _parsed(output)
        if problem:
            return problem
        error = next(iter(validator.iter_errors(value)), None)
        return "" if error is None else f"breaks the schema at {error.json_path}: {error.message[:200]}"

    return output_scorer(assertion, flaw=flaw, describe="satisfies the schema", version=VERSION)


def _validator(schema: Any) -> Any:
    import jsonschema
    import referencing
    from jsonschema import validators

    def pattern(_validator: Any, text: str, instance: Any, _schema: Any) -> Any:
        if isinstance(instance, str) and not search(compile_pattern(text), instance):
            yield jsonschema.ValidationError(f"{instance[:100]!r} does not match {text!r}")

    # RE2 for patterns (linear time), and an empty registry: the default one fetches references from the network.
    extend: Any = validators.extend  # has no types
    linear = extend(jsonschema.Draft202012Validator, {"pattern": pattern})
    return linear(schema, registry=referencing.Registry())


def compile_json_path(assertion: JsonPath) -> Scorer:
    """Compile ``json-path``."""
    steps = parse_path(assertion.path)
    compared = "value" in assertion.model_fields_set
    check = compile_predicate(assertion.value) if compared else None
    words = f"has {'' if assertion.exists else 'nothing at '}{assertion.path}"
    words += f" with {excerpt(assertion.value) or 'null'}" if compared else ""

    def flaw(output: Any) -> str:
        value, problem = _parsed(output)
        if problem:
            return problem
        found = select(steps, value)
        if bool(found) is not assertion.exists:
            return f"has {excerpt(found[0]) if found else 'nothing'} at {assertion.path}"
        wrong = [each for each in found if check is not None and not check(each)]
        return f"has {excerpt(wrong[0]) or 'null'} at {assertion.path}" if wrong else ""

    return output_scorer(assertion, flaw=flaw, describe=words, version=VERSION)


def _parsed(output: Any) -> tuple[Any, str]:
    try:
        return as_json(output), ""
    except ValueError:
        return None, "is not JSON"


def compile_similar(assertion: Similar) -> Scorer:
    """Compile ``similar``: the Dice coefficient of character trigrams reaches the threshold."""
    reference = trigrams(assertion.value)
    if not reference:
        raise ScorerError(
            f"expected a reference text with letters or digits, got {excerpt(assertion.value)}", where="similar.value"
        )

    def flaw(output: Any) -> str:
        share = dice(reference, trigrams(texts_of(output)[0]))
        return "" if share >= assertion.threshold else f"is similar only to {share:.2f} < {assertion.threshold}"

    words = f"is similar to {excerpt(assertion.value)} (at least {assertion.threshold})"
    return output_scorer(assertion, flaw=flaw, describe=words, version=VERSION)


def trigrams(text: str) -> Counter[str]:
    """Return how often each run of three characters occurs, case, white space and form of Unicode aside."""
    words = unicodedata.normalize("NFKC", text).casefold().split()
    padded = f"  {' '.join(words)} " if words else ""
    return Counter(map("".join, zip(padded, padded[1:], padded[2:], strict=False)))


def dice(left: Counter[str], right: Counter[str]) -> float:
    """Return twice the share of trigrams in common: ``2|A∩B| / (|A|+|B|)``, from 0 to 1."""
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0
