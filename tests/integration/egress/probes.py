"""Probes: ways out of a replay, one function each. Run in a cell as ``python probes.py NAME``; standard library only
but for the client that a probe is about. Where it leads stands in the environment; whether it got there is seen there.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import mmap
import os
import socket
import struct
import subprocess
import sys

HOST = "127.0.0.1"
TCP, UDP = (int(os.environ.get(name, "0")) for name in ("PROBE_TCP", "PROBE_UDP"))
UNIX, PLAIN_UNIX, ABSTRACT = (os.environ.get(f"PROBE_{name}", "") for name in ("UNIX", "PLAIN_UNIX", "ABSTRACT"))
TIMEOUT_S = 3
NAME = "unrepeat-probe.example.com"
"""What the DNS probe asks for."""


def python_socket():
    socket.create_connection((HOST, TCP), timeout=TIMEOUT_S).close()


def c_socket():
    import _socket

    _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).connect((HOST, TCP))


def udp():
    socket.socket(type=socket.SOCK_DGRAM).sendto(b"probe", (HOST, UDP))


def udp_connected():
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.connect((HOST, UDP))
        one.send(b"probe")


def udp_many():
    """Several messages in one system call."""
    libc = ctypes.CDLL(None)
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        address = ctypes.create_string_buffer(struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", UDP, _ip()))
        text = ctypes.create_string_buffer(b"probe")
        vector = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(text), 5))
        message = struct.pack("=QI4xQQQQI4xI4x", ctypes.addressof(address), 16, ctypes.addressof(vector), 1, 0, 0, 0, 0)
        libc.sendmmsg(one.fileno(), message, 1, 0)


def dns():
    """Look a name up with the C library, whose name server is the listener outside."""
    libc = ctypes.CDLL("libresolv.so.2")
    libc.__res_state.restype = ctypes.c_void_p
    libc.__res_init()
    state = libc.__res_state()
    # struct __res_state: retrans, retry, options, nscount, nsaddr_list[0]
    ctypes.memmove(state, struct.pack("=ii", 1, 1), 8)
    ctypes.memmove(state + 16, struct.pack("=i", 1), 4)
    ctypes.memmove(state + 20, struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", UDP, _ip()), 16)
    socket.getaddrinfo(NAME, 80)


def asyncio_streams():
    asyncio.run(asyncio.wait_for(asyncio.open_connection(HOST, TCP), TIMEOUT_S))


def uvloop():
    import uvloop

    uvloop.run(asyncio.wait_for(asyncio.open_connection(HOST, TCP), TIMEOUT_S))


def pycurl():
    import pycurl

    request = pycurl.Curl()
    request.setopt(pycurl.URL, f"http://{HOST}:{TCP}/")
    request.setopt(pycurl.TIMEOUT, TIMEOUT_S)
    request.perform()


def grpc():
    import grpc

    with grpc.insecure_channel(f"{HOST}:{TCP}") as channel:
        grpc.channel_ready_future(channel).result(timeout=TIMEOUT_S)


def psycopg():
    import psycopg

    psycopg.connect(f"host={HOST} port={TCP} dbname=x user=x connect_timeout={TIMEOUT_S} sslmode=disable")


def ctypes_connect():
    libc = ctypes.CDLL(None)
    one = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    libc.connect(one, struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", TCP, _ip()), 16)


def fast_open():
    """Connect by sending: there is no call of ``connect``."""
    with socket.socket() as one:
        one.sendto(b"GET / HTTP/1.0\r\n\r\n", socket.MSG_FASTOPEN, (HOST, TCP))
        one.recv(1)


def multipath():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as one:  # IPPROTO_MPTCP
        one.connect((HOST, TCP))


def io_uring():
    """Connect by a ring: no system call has the address."""
    libc = ctypes.CDLL(None, use_errno=True)
    parameters = ctypes.create_string_buffer(120)
    ring = libc.syscall(425, 4, parameters)
    if ring < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")
    entries, _, _, _, _, _, _ = struct.unpack_from("=7I", parameters)
    _, tail, mask, _, _, _, array = struct.unpack_from("=7I", parameters, 40)
    one = socket.socket()
    address = ctypes.create_string_buffer(struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", TCP, _ip()))
    queue = mmap.mmap(ring, array + entries * 4, offset=0)
    slots = mmap.mmap(ring, entries * 64, offset=0x10000000)
    connect = 16
    slots[:64] = struct.pack("=BBHiQQIIQ24x", connect, 0, 0, one.fileno(), 16, ctypes.addressof(address), 0, 0, 1)
    index = struct.unpack_from("=I", queue, tail)[0] & struct.unpack_from("=I", queue, mask)[0]
    struct.pack_into("=I", queue, array + 4 * index, 0)
    struct.pack_into("=I", queue, tail, struct.unpack_from("=I", queue, tail)[0] + 1)
    libc.syscall(426, ring, 1, 1, 1, None, 0)
    one.recv(1)


def unix_socket():
    socket.socket(socket.AF_UNIX).connect(UNIX)


def plain_unix_socket():
    socket.socket(socket.AF_UNIX).connect(PLAIN_UNIX)


def relative_unix_socket():
    folder, name = os.path.split(os.environ["PROBE_RELATIVE_UNIX"])
    opened = os.open(folder, os.O_RDONLY)
    socket.socket(socket.AF_UNIX).connect(f"/proc/self/fd/{opened}/{name}")


def abstract_socket():
    socket.socket(socket.AF_UNIX).connect(f"\0{ABSTRACT}")


def unix_datagram_of_a_pair():
    """One of a connected pair sends to the path of another."""
    one, _ = socket.socketpair(type=socket.SOCK_DGRAM)
    one.sendto(b"probe", f"{PLAIN_UNIX}.datagram")


def vsock():
    socket.socket(40, socket.SOCK_STREAM).close()
    print("opened")


def from_a_subprocess():
    subprocess.run([sys.executable, __file__, "python_socket"], timeout=30, check=False)


def _ip() -> bytes:
    return socket.inet_aton(HOST)


if __name__ == "__main__":
    with contextlib.suppress(Exception, TimeoutError):
        globals()[sys.argv[1]]()
