"""Keys on disk, in an agent, listed, out of date: with the real ssh-keygen and ssh-agent."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import signal
import subprocess

import pytest
from tests.harness.people import make_key, public

from unrepeat.cases.errors import ConfigError
from unrepeat.harness.allowed_signers import parse_allowed_signers
from unrepeat.harness.ssh_keys import Keys, check, fingerprint, principals_of, public_key, sign

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return make_key(tmp_path_factory.mktemp("keys") / "ada")


def keys(*lines):
    return Keys("\n".join(lines).encode(), "allowed_signers")


def checked(message, signature, lines, principal="ada@x"):
    return check(message, signature, principal, keys(*lines), then=NOW, now=NOW)


def test_a_signature_is_good_for_its_principal(key):
    found = checked(b"m", sign(b"m", key), [f"ada@x {public(key)}"])
    assert (found.authentic, found.listed, found.valid_then, found.valid_now, found.revoked) == (True,) * 4 + (False,)


def test_a_signature_is_not_good_for_other_bytes(key):
    found = checked(b"n", sign(b"m", key), [f"ada@x {public(key)}"])
    assert (found.authentic, found.valid_now) == (False, False)


def test_a_signature_is_not_good_for_somebody_else(key):
    assert not checked(b"m", sign(b"m", key), [f"ada@x {public(key)}"], "bob@x").listed


@pytest.mark.parametrize("junk", [b"", b"SSHSIG", b"SSHSIG\0\0\0\1\xff\xff\xff\xff", b"\0" * 99])
def test_junk_is_no_signature(key, junk):
    assert not checked(b"m", junk, [f"ada@x {public(key)}"]).authentic


def test_an_unusable_revocation_list_revokes(key):
    listed = Keys(f"ada@x {public(key)}".encode(), "allowed_signers", revoked=b"SSHKRL\n\0broken")
    assert check(b"m", sign(b"m", key), "ada@x", listed, then=NOW, now=NOW).revoked


def test_an_empty_revocation_list_revokes_nobody(key):
    listed = Keys(f"ada@x {public(key)}".encode(), "allowed_signers", revoked=b"")
    assert not check(b"m", sign(b"m", key), "ada@x", listed, then=NOW, now=NOW).revoked


def test_dates_are_read_as_utc_everywhere(key, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    line = f'ada@x valid-after="20260301" {public(key)}'
    assert checked(b"m", sign(b"m", key), [line]).valid_now


def test_a_key_in_an_agent_signs_by_its_public_key(key, tmp_path, monkeypatch):
    if shutil.which("ssh-agent") is None:
        pytest.skip("there is no ssh-agent")
    moved = tmp_path / "ada.pub"
    moved.write_text(key.with_name("ada.pub").read_text())
    started = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    socket, pid = re.findall(r"SSH_AUTH_SOCK=([^;]+);.*?SSH_AGENT_PID=(\d+)", started, re.DOTALL)[0]
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        subprocess.run(["ssh-add", "-q", key], check=True)
        assert checked(b"m", sign(b"m", moved), [f"ada@x {public(key)}"]).valid_now
    finally:
        os.kill(int(pid), signal.SIGTERM)


def test_a_public_key_without_its_agent_says_so(key, tmp_path, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    moved = tmp_path / "ada.pub"
    moved.write_text(key.with_name("ada.pub").read_text())
    with pytest.raises(ConfigError, match="ssh-add"):
        sign(b"m", moved)


def test_the_public_key_is_found_without_its_file(key, tmp_path):
    alone = tmp_path / "alone"
    alone.write_bytes(key.read_bytes())
    alone.chmod(0o600)
    assert public_key(alone) == public_key(key)


def test_fingerprint_is_that_of_ssh_keygen(key):
    said = subprocess.run(["ssh-keygen", "-lf", key], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == fingerprint(public_key(key))


def test_principals_are_those_of_the_key_without_patterns(key):
    listed = keys(f"ada@x,*@y {public(key)}", "# a comment", "")
    assert principals_of(public_key(key), listed) == ("ada@x",)


def test_a_line_with_options_is_read(key):
    line = f'"ada@x" namespaces="a b",valid-before="20300101" {public(key)} ada\'s laptop'
    (only,) = parse_allowed_signers(line.encode(), "f")
    assert (only.covers("ada@x"), only.options) == (True, 'namespaces="a b",valid-before="20300101"')


def test_an_excluded_principal_is_not_covered(key):
    (only,) = parse_allowed_signers(f"*@x,!bob@x {public(key)}".encode(), "f")
    assert (only.covers("ada@x"), only.covers("bob@x"), only.covers("a@xyz")) == (True, False, False)


@pytest.mark.parametrize(
    "line", ["ada@x", "ada@x ssh-ed25519", "ada@x ssh-ed25519 !!!", "ada@x ssh-rsa AAAA", "ssh-ed25519 AAAA"]
)
def test_a_malformed_line_is_named(line):
    with pytest.raises(ConfigError, match=r"^f:2: "):
        parse_allowed_signers(f"\n{line}\n".encode(), "f")
