"""Callers: what a process that made a system call is, where it called, and what serves there, as /proc shows it."""

from __future__ import annotations

import ipaddress
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from socket import AF_INET, AF_INET6, AF_UNIX

from .lookup import Lookup

_MAX_TEXT = 120
_MAX_WORD = 60
_MAX_ADDRESS_BYTES = 128  # sizeof(struct sockaddr_storage)
_TCP_LISTENS = "0A"
_UDP_OPEN = "07"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a call leads."""

    family: int
    host: str = ""
    """IP address, or the path of a Unix socket; an abstract one begins with ``@``."""
    port: int = 0

    def __str__(self) -> str:
        if self.family == AF_UNIX:
            return f"unix:{_shown(self.host)}"
        if self.family in (AF_INET, AF_INET6):
            return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return f"address family {self.family}"

    @property
    def is_local(self) -> bool:
        """Whether it is on the loopback interface; connecting to the unspecified address is too."""
        if self.family not in (AF_INET, AF_INET6):
            return False
        ip = ipaddress.ip_address(self.host.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return ip.is_loopback or ip.is_unspecified


def parsed(raw: bytes) -> Address | None:
    """Return the address that a ``sockaddr`` holds; None where it is too short."""
    if len(raw) < 2:
        return None
    (family,) = struct.unpack_from("=H", raw)
    if family == AF_UNIX:
        path = raw[2:]
        path = b"@" + path[1:] if path[:1] == b"\0" else path.partition(b"\0")[0]
        if raw[2:3] == b"@":  # the name of a file
            path = b"./" + path
        return Address(family, os.fsdecode(path))
    if family == AF_INET and len(raw) >= 8:
        return Address(family, str(ipaddress.IPv4Address(raw[4:8])), int.from_bytes(raw[2:4], "big"))
    if family == AF_INET6 and len(raw) >= 24:
        return Address(family, str(ipaddress.IPv6Address(raw[8:24])), int.from_bytes(raw[2:4], "big"))
    return None if family in (AF_INET, AF_INET6) else Address(family)


class Caller:
    """A thread that waits for the answer to a system call.

    Args:
        pid: Its id, as the harness sees it.
    """

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc", str(pid))

    def memory(self, at: int, length: int) -> bytes:
        """Return what lies at an address of its memory.

        Raises:
            OSError: It cannot be read.
        """
        fd = os.open(self._folder / "mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(fd, length, at)
        finally:
            os.close(fd)

    def address(self, at: int, length: int) -> Address | None:
        """Return the address that a pointer and a length stand for."""
        return parsed(self.memory(at, min(length, _MAX_ADDRESS_BYTES)))

    def __str__(self) -> str:
        try:
            status = dict(
                line.split(":", 1) for line in (self._folder / "status").read_text("utf-8", "replace").splitlines()
            )
            pid = status.get("NStgid", status["Tgid"]).split()[-1]  # as it sees itself
            words = Path("/proc", status["Tgid"].strip(), "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except (OSError, KeyError, ValueError):
            return "a process that is gone"
        words[0] = os.path.basename(words[0]) or status["Name"].strip()
        shown = " ".join(_shown(word, _MAX_WORD) for word in words if word)
        return f"{_shown(shown)} (pid {pid})"

    def serves(self, port: int) -> bool:
        """Tell whether something in the caller's network serves a port."""
        return any(
            port in _served(self._folder / "net" / name, state)
            for name, state in (
                *(("tcp", _TCP_LISTENS), ("tcp6", _TCP_LISTENS)),
                *(("udp", _UDP_OPEN), ("udp6", _UDP_OPEN)),
            )
        )

    def has_made(self, path: str) -> bool:
        """Tell whether a path leads the caller to a Unix socket, where only the program can have made it.

        Raises:
            OSError: It leads to nothing, or cannot be followed.
        """
        with Lookup(self._folder, path) as place:
            return place.is_socket() and place.is_writable() and not place.is_shown()

    def is_of_host(self, path: str) -> bool:
        """Tell whether a Unix socket is there for the harness, whether the caller sees it or not."""
        if path.startswith("@"):
            return path in _bound("/proc/self/net/unix") and path not in _bound(self._folder / "net" / "unix")
        try:
            absolute = os.path.join(os.readlink(self._folder / "cwd"), path)
            return stat.S_ISSOCK(os.stat(absolute).st_mode)
        except OSError:
            return False


def _shown(text: str, longest: int = _MAX_TEXT) -> str:
    """Return the first line of a text of strangers, with nothing in it that a terminal obeys."""
    first, newline, _ = text.lstrip().partition("\n")
    text = f"{first}…" if newline else first
    plain = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _served(table: Path, state: str) -> set[int]:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return set()
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == state}


def _bound(table: str | Path) -> set[str]:
    try:
        rows = [line.split(maxsplit=7) for line in Path(table).read_text("utf-8", "surrogateescape").splitlines()]
    except OSError:
        return set()
    return {row[7] for row in rows if len(row) == 8}
