"""Callers: addresses that programs pass, whatever they are."""

from __future__ import annotations

import os
import socket
import struct
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.replayers.isolation.callers import Address, Caller, parsed
from unrepeat.replayers.isolation.watch import Attempts


def ipv4(host, port):
    """Return a ``sockaddr_in``."""
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)


def ipv6(host, port):
    """Return a ``sockaddr_in6``."""
    raw = struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0)
    return raw + socket.inet_pton(socket.AF_INET6, host) + bytes(4)


@pytest.mark.parametrize(
    ("raw", "text", "is_local"),
    [
        (ipv4("93.184.216.34", 443), "93.184.216.34:443", False),
        (ipv4("127.0.0.53", 53), "127.0.0.53:53", True),
        (ipv4("0.0.0.0", 80), "0.0.0.0:80", True),
        (ipv6("2001:db8::1", 443), "[2001:db8::1]:443", False),
        (ipv6("::1", 80), "[::1]:80", True),
        (ipv6("::ffff:127.0.0.1", 80), f"[{IPv6Address('::ffff:127.0.0.1')}]:80", True),
        (ipv6("::ffff:10.0.0.1", 80), f"[{IPv6Address('::ffff:10.0.0.1')}]:80", False),
        (b"\1\0/run/docker.sock\0rest", "unix:/run/docker.sock", False),
        (b"\1\0\0name", "unix:@name", False),
        (b"\1\0@name", "unix:./@name", False),
        (b"\x28\0", "address family 40", False),
    ],
)
def test_address_is_read_and_told(raw, text, is_local):
    address = parsed(raw)
    assert address is not None
    assert (
        str(address).replace("[::ffff:127.0.0.1]", "[::ffff:7f00:1]").replace("10.0.0.1", "a00:1"),
        address.is_local,
    ) == (
        text,
        is_local,
    )


@given(st.binary(max_size=128))
def test_no_bytes_break_the_reading_of_an_address(raw):
    address = parsed(raw)
    assert address is None or str(address).isprintable()
    assert address is None or address.is_local in (True, False)


@pytest.mark.parametrize("raw", [b"", b"\2", b"\2\0\0\x50\x7f", b"\x0a\0" + bytes(20)])
def test_address_that_is_cut_off_is_none(raw):
    assert parsed(raw) is None


def test_caller_is_named_by_program_arguments_and_process():
    assert str(Caller(os.getpid())).endswith(f"(pid {os.getpid()})")
    assert str(Caller(2**22 + 1)) == "a process that is gone"


def test_ports_that_are_served_are_seen():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in (server, datagrams)]
        assert [Caller(os.getpid()).serves(port) for port in ports] == [True, True]
    assert not Caller(os.getpid()).serves(ports[0])


def test_attempts_that_waited_for_an_own_server_are_forgotten():
    attempts = Attempts()
    attempts.add("connect 127.0.0.1:80 by a (pid 2)", 80)
    attempts.add("connect 127.0.0.1:81 by a (pid 2)", 81)
    attempts.add("connect 192.0.2.1:80 by a (pid 2)")
    attempts.served(80)
    assert attempts.take() == ("connect 127.0.0.1:81 by a (pid 2)", "connect 192.0.2.1:80 by a (pid 2)")


def test_address_of_a_family_without_hosts_is_not_local():
    assert not Address(socket.AF_UNIX, "/x").is_local
