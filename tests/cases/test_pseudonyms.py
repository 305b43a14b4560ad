"""Tokens and the tenant key."""

import os
import stat

import pytest

from unrepeat.cases.errors import ConfigError
from unrepeat.cases.patterns import TOKEN
from unrepeat.cases.pseudonyms import Pseudonyms, default_key_path, load_or_create_key


def test_key_is_made_private_and_kept(tmp_path):
    path = tmp_path / "config" / "tenant.key"
    key = load_or_create_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(path) == key


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_key_that_others_can_read_is_refused(tmp_path, mode):
    path = tmp_path / "tenant.key"
    load_or_create_key(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="only its owner can read"):
        load_or_create_key(path)


@pytest.mark.parametrize("content", ["", "abc", "zz" * 32, "aa" * 8])
def test_damaged_key_is_refused_not_replaced(tmp_path, content):
    path = tmp_path / "tenant.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="expected 32 bytes"):
        load_or_create_key(path)
    assert path.read_text() == content


def test_linked_key_is_refused(tmp_path):
    load_or_create_key(tmp_path / "real.key")
    (tmp_path / "tenant.key").symlink_to("real.key")
    with pytest.raises(ConfigError, match="got a link"):
        load_or_create_key(tmp_path / "tenant.key")


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"UNREPEAT_TENANT_KEY_FILE": "/keys/a"}, "/keys/a"),
        ({"XDG_CONFIG_HOME": "/conf"}, "/conf/unrepeat/tenant.key"),
        ({"XDG_CONFIG_HOME": "relative"}, os.path.expanduser("~/.config/unrepeat/tenant.key")),
        ({}, os.path.expanduser("~/.config/unrepeat/tenant.key")),
    ],
)
def test_key_lies_outside_of_the_repository(environ, path):
    assert str(default_key_path(environ)) == path


def test_token_depends_on_key_type_and_value_only():
    one, other = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)
    token = one.token("email", "alice@example.com")
    assert token == Pseudonyms(b"a" * 32).token("email", "alice@example.com")
    assert len({token, other.token("email", "alice@example.com"), one.token("name", "alice@example.com")}) == 3


def test_token_is_one_plain_word():
    assert TOKEN.fullmatch(Pseudonyms(b"a" * 32).token("us_ssn", "078051120").encode())


def test_short_key_is_refused():
    with pytest.raises(ConfigError, match="at least 16 bytes"):
        Pseudonyms(b"short")
