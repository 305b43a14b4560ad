r"""What personal data and secrets look like: a pattern to find candidates, and a check that decides.

Patterns are RE2 and run over UTF-8 bytes; a check gets the bytes around a candidate too, so that digits inside
ids, hashes, UUIDs, decimals and versions are left alone. Texts may be JSON inside JSON: a candidate after
``\n`` or ``\u003c`` does not start with the escape's letters.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from . import checksums

Hit = tuple[int, int, str]
"""Start, end (bytes) and canonical form: equal for every way of writing the same value."""
Check = Callable[[bytes, int, int], Hit | None]

TOKEN = re.compile(rb"[a-z][a-z0-9_]{1,24}_[a-z2-7]{16}")
"""What redaction puts in place of a value; never personal data itself."""

_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
_DIGIT = frozenset(b"0123456789")
_ESCAPES = frozenset(b"nrtbf")
_BACKSLASH = 0x5C
_CONTEXT = 40
"""Bytes before a candidate in which the word ``version`` counts."""
_VERSION = re.compile(
    rb"(?:\b(?:v|ver|rev|build|release|chapter|section|clause|python|sdk|firmware|driver)s?|version|versions|semver|"
    rb"revision|[~=<>!]=|[A-Za-z)]/|@)[^A-Za-z0-9\x1e]{0,4}\Z",
    re.IGNORECASE,
)
_DATE = re.compile(rb"\d{1,2}([-/.])\d{1,2}\1\d{2,4}")
_SSN = re.compile(rb"\d{3}-\d{2}-\d{4}")
_IN_GROUPS = re.compile(rb"\d[ -]\Z")
_DIGITS = re.compile(rb"\D+")
_PUNCTUATION = re.compile(rb"[^0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of value."""

    type: str
    """Names it in tokens, reports and assertions."""
    regex: str
    """RE2. With a group, only the group is the value."""
    check: Check
    bounded: bool = True
    """Candidates are short; after a refused one the search goes on inside it."""


def _word_before(blob: bytes, start: int) -> bool:
    if start == 0 or blob[start - 1] not in _WORD:
        return False
    if start >= 2 and blob[start - 2] == _BACKSLASH and blob[start - 1] in _ESCAPES:
        return False
    return not (start >= 6 and blob[start - 6 : start - 4] == b"\\u")


def _stands_alone(blob: bytes, start: int, end: int) -> bool:
    """Whether a number is no piece of a longer word, number, UUID, decimal or dotted id."""
    if _word_before(blob, start) or (end < len(blob) and blob[end] in _WORD):
        return False
    if start >= 2 and blob[start - 1] in b"-.:" and _word_before(blob, start - 1):
        return blob[start - 1 : start] == b":" and blob[start - 2] not in _DIGIT
    return not (end + 1 < len(blob) and blob[end] in b"-." and blob[end + 1] in _WORD)


def _after_escape(blob: bytes, start: int) -> int:
    """Return where a value starts whose candidate took in the letters of an escape before it."""
    if start == 0 or blob[start - 1] != _BACKSLASH:
        return start
    if blob[start : start + 1] == b"u" and re.match(rb"[0-9a-fA-F]{4}", blob[start + 1 : start + 5]):
        return start + 5
    return start + 1 if blob[start] in _ESCAPES else start


def _email(blob: bytes, start: int, end: int) -> Hit | None:
    start = _after_escape(blob, start)
    text = blob[start:end].replace(b"%40", b"@")
    local, _, _ = text.partition(b"@")
    if not local or local[:1] in b".+-'%" or TOKEN.fullmatch(local):
        return None
    if local == b"git" and (blob[end : end + 1] == b":" or blob[start - 1 : start] == b"/"):
        return None  # git@host:owner/repository, ssh://git@host/
    return start, end, text.decode("utf-8", "replace").casefold()


def _phone(blob: bytes, start: int, end: int) -> Hit | None:
    text = blob[start:end]
    if not _stands_alone(blob, start, end) or _DATE.match(text):
        return None
    digits = _DIGITS.sub(b"", text.replace(b"(0)", b"")).decode()
    if text.startswith(b"+"):
        return (start, end, f"+{digits}") if 8 <= len(digits) <= 15 else None
    if digits[0] == "0" and (_IN_GROUPS.search(blob, max(0, start - 2), start) or _SSN.fullmatch(text)):
        return None  # the middle of a longer number written in groups
    if digits.startswith("00"):
        return (start, end, f"+{digits[2:]}") if 10 <= len(digits) <= 17 else None
    if digits.startswith("0"):
        return (start, end, digits) if 9 <= len(digits) <= 12 else None
    national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    return start, end, f"+1{national}" if len(national) == 10 else digits


def _card(blob: bytes, start: int, end: int) -> Hit | None:
    digits = _DIGITS.sub(b"", blob[start:end]).decode()
    return (start, end, digits) if _stands_alone(blob, start, end) and checksums.card(digits) else None


def _iban(blob: bytes, start: int, end: int) -> Hit | None:
    length = int(checksums.IBAN_LENGTHS.get(blob[start : start + 2].decode().upper(), "0"))
    if not length or _word_before(blob, start):
        return None
    # The pattern runs on into the words that follow; the country says where the number ends.
    kept, stop = bytearray(), start
    while len(kept) < length and stop < end:
        if blob[stop] not in b" -":
            kept.append(blob[stop])
        stop += 1
    text = kept.decode().upper()
    whole = stop == len(blob) or blob[stop] not in _WORD
    return (start, stop, text) if whole and len(text) == length and checksums.iban(text) else None


def _number(verify: Callable[[str], bool], blob: bytes, start: int, end: int) -> Hit | None:
    text = _PUNCTUATION.sub(b"", blob[start:end]).decode().upper()
    return (start, end, text) if _stands_alone(blob, start, end) and verify(text) else None


def _ipv4(blob: bytes, start: int, end: int) -> Hit | None:
    if not _stands_alone(blob, start, end) or _VERSION.search(blob, max(0, start - _CONTEXT), start):
        return None
    return _address(blob, start, end)


def _ipv6(blob: bytes, start: int, end: int) -> Hit | None:
    start = _after_escape(blob, start)
    text = blob[start:end]
    if _word_before(blob, start) or (end < len(blob) and (blob[end] in _WORD or blob[end] == 0x3A)):
        return None
    # Scope operators of programming languages look alike: a real address has digits and some length.
    if not any(char in _DIGIT for char in text) or len(text) < 6 or blob[max(0, start - 1) : start] == b":":
        return None
    return _address(blob, start, end)


def _address(blob: bytes, start: int, end: int) -> Hit | None:
    try:
        address = ipaddress.ip_address(blob[start:end].decode())
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified or blob.startswith(b"255.", start):
        return None  # the same everywhere: says nothing about anybody
    return start, end, address.compressed


def _secret(blob: bytes, start: int, end: int) -> Hit | None:
    text = blob[start:end]
    if _word_before(blob, start) or TOKEN.fullmatch(text) or not any(char in _DIGIT for char in text):
        return None
    return start, end, text.decode()


def _block(blob: bytes, start: int, end: int) -> Hit | None:
    text = blob[start:end].decode("utf-8", "replace")
    return start, end, re.sub(r"\\[nr]|\s", "", text)


def _credentials(blob: bytes, start: int, end: int) -> Hit | None:
    text = blob[start:end]
    if text == b"git" or TOKEN.fullmatch(text):
        return None
    return start, end, text.decode("utf-8", "replace")


_LETTER = r"\p{Latin}\p{Greek}\p{Cyrillic}0-9"
_KEY = (
    r"sk-(?:ant-|proj-|svcacct-|admin-|or-|lf-)?[A-Za-z0-9_-]{20,}|pk-lf-[0-9a-f-]{36}|(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"
    r"|AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{28}|gh[pousr]_[A-Za-z0-9]{36,}"
    r"|github_pat_[A-Za-z0-9_]{22,}|glpat-[0-9A-Za-z_-]{20,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{20,}"
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}"
    r"|pypi-[A-Za-z0-9_-]{50,}|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|(?:AC|SK)[0-9a-f]{32}|gsk_[A-Za-z0-9]{40,}"
    r"|xai-[A-Za-z0-9]{60,}|dapi[0-9a-f]{32}|dop_v1_[a-f0-9]{64}|lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"
    r"|pplx-[A-Za-z0-9]{40,}|key-[0-9a-z]{32}|T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,}"
)
_PHONE_WORD = r"(?i:\b(?:telephone|phone|mobile|tel|fax|whatsapp|sms)(?:[ _-]?(?:number|no|nr))?)"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "private_key",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=:,]|\s|\\+[nr]|-[A-Za-z0-9])*"
        r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?",
        _block,
        bounded=False,
    ),
    Pattern("jwt", r"eyJ[A-Za-z0-9_-]{6,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*", _secret, bounded=False),
    Pattern("api_key", _KEY, _secret, bounded=False),
    Pattern(
        "api_key",
        r"(?i:account_?key|aws_?secret_?(?:access_?)?key)[\\\"'\s:=]{1,8}([A-Za-z0-9+/=]{40,})",
        _secret,
        bounded=False,
    ),
    Pattern("bearer", r"(?i:\b(?:bearer|basic)) +([A-Za-z0-9._~+/=-]{15,}[A-Za-z0-9_~+/=-])", _secret, bounded=False),
    Pattern(
        "url_credentials",
        r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#\"'<>\\\x1e]+)@[A-Za-z0-9\[]",
        _credentials,
        bounded=False,
    ),
    Pattern(
        "email",
        rf"[{_LETTER}_][{_LETTER}._%+'-]*(?:@|%40)(?:[{_LETTER}](?:[{_LETTER}-]*[{_LETTER}])?\.)+\p{{Latin}}{{2,}}",
        _email,
        bounded=False,
    ),
    Pattern("iban", r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}", _iban),
    Pattern(
        "card",
        r"[2-6]\d{13,18}|[2-6]\d{3}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?:[ -]?\d{1,3})?|3\d{3}[ -]\d{6}[ -]\d{4,5}",
        _card,
    ),
    Pattern(
        "us_ssn",
        r"\d{3}-\d{2}-\d{4}|(?i:ssn|social security)[^0-9\x1e]{0,20}(\d{9})",
        partial(_number, checksums.us_ssn),
    ),
    Pattern("uk_nino", r"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]", partial(_number, checksums.uk_nino)),
    Pattern("fr_nir", r"[12] ?\d\d ?\d\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d", partial(_number, checksums.fr_nir)),
    Pattern("de_taxid", r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}", partial(_number, checksums.de_taxid)),
    Pattern("ch_ahv", r"756\.?\d{4}\.?\d{4}\.?\d{2}", partial(_number, checksums.ch_ahv)),
    Pattern("br_cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", partial(_number, checksums.br_cpf)),
    Pattern("it_cf", r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]", partial(_number, checksums.it_cf)),
    Pattern("es_dni", r"(?:\d{8}|[XYZ]-?\d{7})-?[A-Z]", partial(_number, checksums.es_dni)),
    Pattern("ip", r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", _ipv4),
    Pattern(
        "ip",
        r"(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}",
        _ipv6,
    ),
    Pattern("phone", r"\+[1-9](?:[ ().\-/]{0,3}\d){6,14}", _phone),
    Pattern(
        "phone",
        r"(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}|00[1-9]\d{0,2}[ ()/-]{1,2}\d(?:[ ()/-]{0,2}\d){5,12}"
        r"|(?:0[1-9]\d{0,4}[ /-]|\(0[1-9]\d{0,4}\))[ /-]?\d(?:[ /-]?\d){4,9}",
        _phone,
    ),
    Pattern("phone", rf"{_PHONE_WORD}[^\p{{L}}\d+\x1e]{{0,6}}(?:is |at |on )?(\d{{7,15}})", _phone),
)
"""In order of precedence: where two overlap, the earlier one is taken."""

TYPES: tuple[str, ...] = tuple(dict.fromkeys(pattern.type for pattern in PATTERNS))
"""The built-in types, in the same order."""
