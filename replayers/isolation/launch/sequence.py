"""The launcher's steps: shut itself in, hand over what the harness needs, become the program."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import marshal
import os

from . import kernel
from .init import adopt, become_adopter, reap, restore_signals, wait_for
from .kernel import SetupError
from .privileges import drop_all
from .report import Control
from .syscall_filter import install

TYPE_CHECKING = False  # ``typing`` itself would be imported at each start
if TYPE_CHECKING:
    from typing import Any

_NAMESPACES = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
)


def main(plan_fd: int, control_fd: int) -> None:
    """Run a plan.

    Args:
        plan_fd: Holds the plan: a marshalled dictionary, see ``cell.Cell``.
        control_fd: The socket to the harness.
    """
    control = Control(control_fd)
    try:
        with open(plan_fd, "rb") as file:
            plan = marshal.load(file)
        for fd in (control_fd, plan["life_fd"], plan["left_fd"]):
            os.set_inheritable(fd, False)
        if plan["level"] == "netns":
            _run_in_namespaces(plan, control)
        else:
            _run_under_landlock(plan, control)
    except SetupError as error:
        control.tell_plainly("failed", error.step, error.code)
    except OSError as error:
        control.tell_plainly("failed", str(error.filename or "set isolation up"), error.errno or 0)
    except BaseException as error:  # whatever else: the harness is to know it, and the program must not run
        control.tell_plainly("failed", f"set isolation up ({error!r})", 0)
    os._exit(70)


def _run_in_namespaces(plan: dict[str, Any], control: Control) -> None:
    from .mounts import View, build, host_sockets, mount_proc
    from .network import listeners, raise_loopback
    from .privileges import map_identity

    uid, gid, sockets = os.geteuid(), os.getegid(), host_sockets()
    _try("make new namespaces", kernel.unshare, _NAMESPACES)
    _try("map the user", map_identity, uid, gid)
    _try("bring loopback up", raise_loopback)
    opened = listeners(plan["ports"])
    if opened:
        control.tell("sockets", fds=tuple(each.fileno() for each in opened))
    for each in opened:
        each.close()
    build(View(**plan["view"]), sockets)
    status_read, status_write = os.pipe()
    init = os.fork()
    if init:
        handle = os.pidfd_open(init)
        control.tell("init", fds=(handle,))
        wait_for(init, status_read, plan["life_fd"])
    kernel.prctl(kernel.PR_SET_PDEATHSIG, _signal.SIGKILL)
    has_proc = mount_proc()
    program = os.fork()
    if program:
        reap(program, status_write, plan["left_fd"])
    os.setsid()
    _become(plan, control, has_proc)


def _run_under_landlock(plan: dict[str, Any], control: Control) -> None:
    from .landlock import restrict

    become_adopter()
    launcher = os.getpid()
    program = os.fork()
    if program:
        adopt(program, plan["life_fd"], plan["left_fd"])
    kernel.prctl(kernel.PR_SET_PDEATHSIG, _signal.SIGKILL)
    if os.getppid() != launcher:  # it ended before that
        os._exit(70)
    os.setsid()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    restrict(plan["view"]["scratch"], plan["ports"])
    _become(plan, control, True)


def _become(plan: dict[str, Any], control: Control, has_proc: bool) -> None:
    """Give up what is left, come under the filter, and execute the program."""
    try:
        os.chdir(plan["cwd"])
        _try("drop capabilities", drop_all)
        is_explained = _filter(plan["level"], control)
        restore_signals()
        control.tell_plainly("ready", is_explained, has_proc)
        try:
            os.execvpe(plan["argv"][0], plan["argv"], plan["env"])
        except (OSError, ValueError) as error:
            control.tell_plainly("not started", os.fsdecode(plan["argv"][0]), getattr(error, "errno", 0) or 0)
    except SetupError as error:
        control.tell_plainly("failed", error.step, error.code)
    except OSError as error:
        control.tell_plainly("failed", f"enter {os.fsdecode(plan['cwd'])}", error.errno or 0)
    os._exit(70)


def _filter(level: str, control: Control) -> bool:
    """Come under the filter; return whether the harness listens for what it asks."""
    try:
        if not _can_let_go_on():
            raise OSError(38, "no answer that lets a call go on")
        _install_with_listener(level, control)
    except OSError:  # no kernel support, or somebody listens already: this runs in a cell
        _try("filter system calls", install, level, False)
        return False
    return True


def _can_let_go_on() -> bool:
    """Tell whether the kernel knows SECCOMP_USER_NOTIF_FLAG_CONTINUE (Linux 5.5): nothing else tells."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int(minor.partition("-")[0])) >= (5, 5)


def _install_with_listener(level: str, control: Control) -> None:
    """Install the filter and hand the listener over.

    By a second thread, which the filter does not hold: to send a descriptor is what is asked about, and nobody would
    listen yet. It ends when the program is executed.
    """
    go, done, listener = _thread.allocate_lock(), _thread.allocate_lock(), [-1]
    go.acquire()
    done.acquire()

    def hand_over() -> None:
        go.acquire()
        try:
            if listener[0] >= 0:
                control.tell("listener", fds=(listener[0],))
        finally:
            done.release()

    _thread.start_new_thread(hand_over, ())
    try:
        listener[0] = install(level, True)
    finally:
        go.release()
        done.acquire()
    os.close(listener[0])


def _try(what: str, do: Any, *args: Any) -> Any:
    try:
        return do(*args)
    except OSError as error:
        raise SetupError(what, error.errno or 0) from error
