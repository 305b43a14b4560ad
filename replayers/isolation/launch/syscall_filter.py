"""The system call filter: a classic BPF program that refuses what would pass the isolation, or has it asked about.

What leads to an address is asked about (``NOTIFY``): the filter cannot read memory. Everything that is decided by
numbers alone is decided here.
"""

from __future__ import annotations

import ctypes
import os
import struct

from .kernel import CLONE_NEWUSER, MACHINE, syscall

_EPERM = 1
_ENOSYS = 38
_EINVAL = 22
ALLOW = 0x7FFF0000
NOTIFY = 0x7FC00000
"""The harness is asked; without a harness that listens, the call fails."""
_REFUSE = 0x00050000
REFUSE = _REFUSE | _EPERM
_UNKNOWN = _REFUSE | _ENOSYS

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000
# By name: x86_64, aarch64.
NUMBERS = {
    "connect": (42, 203),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "listen": (50, 201),
    "ioctl": (16, 29),
    "clone": (56, 220),
    "clone3": (435, 435),
    "unshare": (272, 97),
    "setns": (308, 268),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265),
    "prlimit64": (302, 261),
    "shmget": (29, 194),
    "shmctl": (31, 195),
    "shmat": (30, 196),
    "semget": (64, 190),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "semop": (65, 193),
    "msgget": (68, 186),
    "msgctl": (71, 187),
    "msgrcv": (70, 188),
    "msgsnd": (69, 189),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
_COLUMN = {"x86_64": 0, "aarch64": 1}
# No replayed program needs them, and each reaches past a process, a namespace or this filter.
_REFUSED = (
    *("setns", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "bpf", "perf_event_open"),
    *("add_key", "request_key", "keyctl", "userfaultfd", "open_by_handle_at", "io_uring_enter", "io_uring_register"),
)
# Memory, semaphores and queues that are shared by number or name. A namespace has its own; Landlock does not see them.
_SHARED = (
    *("shmget", "shmctl", "shmat", "semget", "semctl", "semtimedop", "semop", "msgget", "msgctl", "msgrcv", "msgsnd"),
    *("mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr"),
)
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_STREAM, _SOCK_SEQPACKET = 1, 5
_TYPE_MASK = 0xF
_OF_NAME_CACHE = 0x80801
"""Type and flags by which glibc asks whether a name cache runs, at every look-up: no attempt to get out."""
_TCP = 6
_TYPES_INPUT, _ASKS_CONSOLE = 0x5412, 0x541C  # TIOCSTI, TIOCLINUX
"""Both put words into the mouth of whoever sits at a terminal, and need it open for reading only."""
MSG_FASTOPEN = 0x20000000
"""Connects without ``connect``, unseen by Landlock (landlock-lsm/linux, issue 41)."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_SET_FILTER = 1
_NEW_LISTENER = 1 << 3
_WAIT_KILLABLE = 1 << 5

Instruction = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, value."""


def _argument(number: int, high: bool = False) -> Instruction:
    return (_LOAD, 0, 0, 16 + 8 * number + (4 if high else 0))


def _end(action: int) -> Instruction:
    return (_RETURN, 0, 0, action)


def _if_any_bit(number: int, mask: int, action: int) -> list[Instruction]:
    return [_argument(number), (_ANY_BIT, 0, 1, mask), _end(action)]


def _if_pointer(number: int, action: int) -> list[Instruction]:
    """Where an argument is no null pointer."""
    every = 0xFFFFFFFF
    return [
        _argument(number),
        (_ANY_BIT, 2, 0, every),
        _argument(number, high=True),
        (_ANY_BIT, 0, 1, every),
        _end(action),
    ]


def _unless_one_of(values: tuple[int, ...], action: int) -> list[Instruction]:
    """Where what is loaded is none of some values."""
    jumps = [(_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [*jumps, _end(action)]


def _if_one_of(values: tuple[int, ...], action: int) -> list[Instruction]:
    """Where what is loaded is one of some values."""
    return [step for value in values for step in ((_EQUAL, 0, 1, value), _end(action))]


def _socket_rule(level: str, refused: int) -> list[Instruction]:
    """Families that lead nowhere but into the network namespace; without one, TCP only: it is what Landlock sees.

    Multipath TCP it does not see either (landlock-lsm/linux, issue 54).
    """
    if level == "netns":
        inside = (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK)
        return [_argument(0), *_unless_one_of(inside, refused), _end(ALLOW)]
    stream = [_argument(1), (_AND, 0, 0, _TYPE_MASK), *_unless_one_of((_SOCK_STREAM,), refused)]
    tcp = [_argument(2), *_unless_one_of((0, _TCP), refused), _end(ALLOW)]
    # Asking the kernel about interfaces (protocol 0) is what getaddrinfo does.
    netlink = [_argument(2), *_unless_one_of((0,), refused), _end(ALLOW)]
    unreported = [_argument(1), (_EQUAL, 0, 1, _OF_NAME_CACHE), _end(REFUSE), _argument(0)]
    return [
        *(_argument(0), (_EQUAL, 0, len(netlink), _AF_NETLINK), *netlink),
        *((_EQUAL, 0, len(unreported), _AF_UNIX), *unreported),
        *(*_unless_one_of((_AF_INET, _AF_INET6), refused), *stream, *tcp),
    ]


def _rules(level: str, is_asked: bool) -> dict[str, list[Instruction]]:
    asked, refused = (NOTIFY, NOTIFY) if is_asked else (ALLOW, REFUSE)
    rules = {
        "connect": [_end(asked)],
        "sendto": [*_if_any_bit(3, MSG_FASTOPEN, refused), *_if_pointer(4, asked), _end(ALLOW)],
        "sendmsg": [*_if_any_bit(2, MSG_FASTOPEN, refused), _end(asked)],
        "sendmmsg": [*_if_any_bit(3, MSG_FASTOPEN, refused), _end(asked)],
        "socket": _socket_rule(level, refused),
        "io_uring_setup": [_end(refused)],
        "ioctl": [_argument(1), *_if_one_of((_TYPES_INPUT, _ASKS_CONSOLE), REFUSE), _end(ALLOW)],
        "clone": [*_if_any_bit(0, CLONE_NEWUSER, REFUSE), _end(ALLOW)],
        "unshare": [*_if_any_bit(0, CLONE_NEWUSER, REFUSE), _end(ALLOW)],
        "clone3": [_end(_UNKNOWN)],  # its flags are in memory; every C library falls back to clone
        **{name: [_end(REFUSE)] for name in _REFUSED},
    }
    if level == "landlock":
        # A datagram socket of a pair can still send to the path of any other.
        pair = [_argument(1), (_AND, 0, 0, _TYPE_MASK), *_unless_one_of((_SOCK_STREAM, _SOCK_SEQPACKET), refused)]
        rules |= {"socketpair": [*pair, _end(ALLOW)], "listen": [_end(REFUSE)]}
        # Limits of another process end it: one second of processor time. The program has our id when it is executed.
        rules["prlimit64"] = [_argument(0), *_unless_one_of((0, os.getpid()), REFUSE), _end(ALLOW)]
        rules |= {name: [_end(REFUSE)] for name in _SHARED}
    return rules


def program(level: str, is_asked: bool) -> bytes:
    """Return the filter of a level as the kernel takes it.

    Args:
        level: ``netns`` or ``landlock``.
        is_asked: Whether somebody listens for what is to be asked.
    """
    column = _COLUMN[MACHINE]
    code: list[Instruction] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, _ARCHITECTURES[MACHINE]),
        _end(_UNKNOWN),  # 32-bit calls have other numbers
        (_LOAD, 0, 0, 0),
        *([(_AT_LEAST, 0, 1, _X32), _end(_UNKNOWN)] if MACHINE == "x86_64" else []),
    ]
    for name, body in _rules(level, is_asked).items():
        code.append((_EQUAL, 0, len(body), NUMBERS[name][column]))
        code += body
    return b"".join(struct.pack("=HBBI", *each) for each in [*code, _end(ALLOW)])


def install(level: str, is_asked: bool) -> int:
    """Put this thread under the filter of a level; needs ``no_new_privs``.

    Returns:
        The descriptor that questions are read from; -1 where nobody is to be asked.
    """
    code = program(level, is_asked)
    buffer = ctypes.create_string_buffer(code, len(code))
    descriptor = struct.pack("=H6xQ", len(code) // 8, ctypes.addressof(buffer))
    if not is_asked:
        syscall("seccomp", _SET_FILTER, 0, descriptor)
        return -1
    try:
        # Without it, a program whose signals keep coming (Go) would never get its answer. Since Linux 5.19.
        return syscall("seccomp", _SET_FILTER, _NEW_LISTENER | _WAIT_KILLABLE, descriptor)
    except OSError as error:
        if error.errno != _EINVAL:
            raise
        return syscall("seccomp", _SET_FILTER, _NEW_LISTENER, descriptor)
