"""What is found, what is left alone, and which spellings are the same value."""

import pytest

from unrepeat.cases.errors import ConfigError
from unrepeat.cases.scanning import find

FOUND = [
    ("email", "write to alice@example.com now", "alice@example.com"),
    ("email", "ALICE@Example.COM", "alice@example.com"),
    ("email", "josé.núñez@correo.example", "josé.núñez@correo.example"),
    ("email", "邮箱alice@example.com。", "alice@example.com"),
    ("email", "alice%40example.com", "alice@example.com"),
    ("email", r"{\"to\": \"\nalice@example.com\"}", "alice@example.com"),
    ("email", r"\u003calice@example.com\u003e", "alice@example.com"),
    ("phone", "+49 (0)30 123456-78", "+493012345678"),
    ("phone", "+1 415 555 2671", "+14155552671"),
    ("phone", "(415) 555-2671", "+14155552671"),
    ("phone", "415.555.2671", "+14155552671"),
    ("phone", "0049 30 12345678", "+493012345678"),
    ("phone", "020 7946 0958", "02079460958"),
    ("phone", "06 12 34 56 78", "0612345678"),
    ("phone", "my phone number is 4155552671", "+14155552671"),
    ("card", "4111 1111 1111 1111", "4111111111111111"),
    ("card", "4111-1111-1111-1111", "4111111111111111"),
    ("card", "3782 822463 10005", "378282246310005"),
    ("card", r"\n4111111111111111", "4111111111111111"),
    ("iban", "DE89 3704 0044 0532 0130 00 is mine", "DE89370400440532013000"),
    ("iban", "de89370400440532013000", "DE89370400440532013000"),
    ("iban", "ab12 some words GB82WEST12345698765432", "GB82WEST12345698765432"),
    ("ip", "from 192.168.17.4 at noon", "192.168.17.4"),
    ("ip", "http://10.1.2.3/x", "10.1.2.3"),
    ("ip", "2001:0db8:0:0:0:8a2e:0370:7334", "2001:db8::8a2e:370:7334"),
    ("ip", "fe80::1ff:fe23:4567:890a", "fe80::1ff:fe23:4567:890a"),
    ("us_ssn", "078-05-1120", "078051120"),
    ("us_ssn", "ssn is 078051120", "078051120"),
    ("uk_nino", "AB 12 34 56 C", "AB123456C"),
    ("de_taxid", "36 574 261 809", "36574261809"),
    ("de_taxid", "86095742719", "86095742719"),
    ("fr_nir", "2 55 08 14 168 025 38", "255081416802538"),
    ("es_dni", "12345678-Z", "12345678Z"),
    ("es_dni", "X1234567L", "X1234567L"),
    ("it_cf", "RSSMRA85T10A562S", "RSSMRA85T10A562S"),
    ("ch_ahv", "756.9217.0769.85", "7569217076985"),
    ("br_cpf", "529.982.247-25", "52998224725"),
    ("api_key", "sk-ant-api03-" + "aB3" * 10, "sk-ant-api03-" + "aB3" * 10),
    ("api_key", "sk-proj-" + "aB3" * 10, "sk-proj-" + "aB3" * 10),
    ("api_key", "AKIA" + "ABCDEFGHIJKLMNO2", "AKIAABCDEFGHIJKLMNO2"),
    ("api_key", "AIza" + "Sy" + "a1B2c3D4e5F" * 3, "AIza" + "Sy" + "a1B2c3D4e5F" * 3),
    ("api_key", "ghp_" + "a1B2c3" * 6, "ghp_" + "a1B2c3" * 6),
    ("api_key", "xoxb-123456789012-abcdefABCDEF", "xoxb-123456789012-abcdefABCDEF"),
    ("api_key", "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc", "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc"),
    ("api_key", "AccountKey=" + "a1B2" * 20 + "==", "a1B2" * 20 + "=="),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln"),
    ("bearer", "Authorization: Bearer abcdef1234567890", "abcdef1234567890"),
    ("url_credentials", "https://bob:s3cret@host.example/x", "bob:s3cret"),
    ("url_credentials", "postgres://app:p@ss@db:5432/x", "app:p@ss"),
]
LEFT_ALONE = [
    "version 1.2.3.4",
    "v1.2.3.4",
    "release: 10.0.19041.1",
    '{"version": "1.2.3.4"}',
    "Chrome/120.0.0.0",
    "numpy==1.2.3.4",
    "1.3.6.1.4.1.311",
    "127.0.0.1 and 0.0.0.0 and ::1 and 255.255.255.0",
    "550e8400-e29b-41d4-a716-446655440000",
    "41111111-1111-4111-8111-411111111111",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "1712345678901 1712345678901234 1712345678901234567",
    "2024-05-12T10:30:45.123456+10:00",
    "01-02-2024 10:30",
    "3.4111111111111111",
    "4111 1111 1111 1112",
    "DE89 3704 0044 0532 0130 01",
    "US133000000121212121212",
    "078-05-0000 and 900-12-3456",
    "36 574 261 808",
    "std::vector abc::def",
    "12:34:56 and AA:BB:CC:DD:EE:FF",
    "git@github.com:owner/repository",
    "npm install left-pad@1.2.3",
    "@someone and a@b",
    "call_1234567890 ord_993 credit_card_4466831 #W1234567",
    "a task-oriented-abcdefghijklmnop1234 risk-management",
    "https://example.org/@user/x and ssh://git@host.example/x",
    "email_abcdefghijklmnop https://url_credentials_abcdefghijklmnop@host.example",
]


@pytest.mark.parametrize(("kind", "text", "canonical"), FOUND)
def test_value_is_found_in_its_canonical_form(kind, text, canonical):
    assert [(each.type, each.canonical) for each in find(text)] == [(kind, canonical)]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_look_alike_is_left_alone(text):
    assert [text[each.start : each.end] for each in find(text)] == []


@pytest.mark.parametrize("end", ["-----END RSA PRIVATE KEY-----", ""])
def test_private_key_is_found_whole_even_when_cut_off(end):
    text = f"key: -----BEGIN RSA PRIVATE KEY-----\nMIIEow\n+/abc==\n{end}"
    assert [(each.type, each.start, each.end) for each in find(text)] == [("private_key", 5, len(text))]


def test_escaped_private_key_is_found_whole():
    text = r'"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"'
    assert [each.type for each in find(text)] == ["private_key"]


def test_positions_count_characters():
    text = "Grüße 😀 alice@example.com"
    (found,) = find(text)
    assert text[found.start : found.end] == "alice@example.com"


def test_types_can_be_chosen():
    assert [each.type for each in find("alice@example.com 10.1.2.3", {"ip"})] == ["ip"]


def test_unknown_type_is_refused():
    with pytest.raises(ConfigError, match=r"expected patterns among private_key, .*got emial"):
        find("x", {"emial"})


def test_hostile_text_takes_linear_time():
    # A backtracking engine needs hours for some of these.
    for piece in ("a", "1 ", "a@", "-----BEGIN PRIVATE KEY-----", "https://", "eyJ", "1.", "::1", "ab12"):
        assert len(find(piece * 20_000)) <= 20_000
