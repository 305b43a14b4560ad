"""Check digits of numbers that identify people and accounts. Each function takes the number without separators."""

from __future__ import annotations

import re

IBAN_LENGTHS: dict[str, str] = {
    pair[:2]: pair[3:]
    for pair in (
        "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27 "
        "DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 HR:21 HU:28 "
        "IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 "
        "MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 "
        "SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30"
    ).split()
}
"""Length by country: SWIFT IBAN registry, release 99."""

_SSN_UNISSUED = re.compile(r"000|666|9")
_NINO_PREFIX = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]")
_CARD_BRANDS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-59]|[689]\d)\d{11}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}|(?:5018|5020|5038|5[67]\d\d|6304|6759|676[1-3])\d{12}"
)
_CF_ODD_DIGITS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
_CF_ODD_LETTERS = (*_CF_ODD_DIGITS, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_CF_ODD = {char: _CF_ODD_DIGITS[int(char)] for char in "0123456789"} | {
    chr(65 + index): value for index, value in enumerate(_CF_ODD_LETTERS)
}
"""Values of digits and letters in odd places of a codice fiscale (decree of 23 December 1976)."""


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(digits: str) -> bool:
    """A payment card: a known issuer range and length, and the Luhn digit."""
    return bool(_CARD_BRANDS.fullmatch(digits)) and luhn(digits)


def iban(text: str) -> bool:
    """ISO 13616: the length of its country and ISO 7064 mod 97-10; upper case."""
    if str(len(text)) != IBAN_LENGTHS.get(text[:2]):
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def us_ssn(digits: str) -> bool:
    """US Social Security number: no check digit, but areas and groups that are never issued."""
    return not _SSN_UNISSUED.match(digits) and digits[3:5] != "00" and digits[5:] != "0000"


def uk_nino(text: str) -> bool:
    """UK National Insurance number: prefixes that are issued."""
    return bool(_NINO_PREFIX.match(text))


def de_taxid(digits: str) -> bool:
    """German Steuer-ID: ISO 7064 mod 11,10, and exactly one digit twice or thrice among the first ten."""
    counts = sorted(digits[:10].count(char) for char in set(digits[:10]))
    if counts not in ([1] * 8 + [2], [1] * 7 + [3]):
        return False
    product = 10
    for char in digits[:10]:
        total = (int(char) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def fr_nir(text: str) -> bool:
    """French NIR: key = 97 - number mod 97, Corsican departments 2A and 2B as 19 and 18."""
    number = text[:13].upper().replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(text[13:])


def es_dni(text: str) -> bool:
    """Spanish DNI and NIE: letter by number mod 23; X, Y, Z stand for 0, 1, 2."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


def it_cf(text: str) -> bool:
    """Italian codice fiscale: control letter over odd and even places."""
    odd = sum(_CF_ODD[char] for char in text[:15:2])
    even = sum(int(char) if char.isdigit() else ord(char) - 65 for char in text[1:15:2])
    return chr(65 + (odd + even) % 26) == text[15]


def ch_ahv(digits: str) -> bool:
    """Swiss AHV number: EAN-13."""
    total = sum(int(char) * (1, 3)[index % 2] for index, char in enumerate(digits[:12]))
    return -total % 10 == int(digits[12])


def br_cpf(digits: str) -> bool:
    """Brazilian CPF: two digits mod 11; eleven equal digits are never issued."""
    if len(set(digits)) == 1:
        return False

    def check(length: int) -> int:
        total = sum(int(char) * (length + 1 - index) for index, char in enumerate(digits[:length]))
        return total * 10 % 11 % 10

    return check(9) == int(digits[9]) and check(10) == int(digits[10])
