"""Cells where the machine is not like this one: containers and older kernels, as namespaces and errors show them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from unrepeat.replayers.isolation import ladder

from .cells import needs

PROGRAM = """
import sys
from pathlib import Path
from tests.replayers.cells import run
code, out, _ = run("netns", sys.argv[1], "sh", "-c", sys.argv[2])
print(out, end="")
print(code, sorted(path.name for path in Path(sys.argv[1], "scratch").rglob("*.txt")))
"""
MASKED = "mount --bind /dev/null /proc/version"
"""As container runtimes do with parts of it; a new one would show them, so the kernel refuses it."""
ROOT = Path(ladder.__file__).resolve().parents[2]
REPO = Path(__file__).resolve().parents[2]


def inside(setup, root, code):
    """Run a command in a cell, in a user and mount namespace that a setup has changed; return what was printed."""
    needs("netns")
    root.mkdir(exist_ok=True)
    script = f'{setup} && exec "$@"'
    command = ["unshare", "-Urm", "sh", "-ec", script, "sh", sys.executable, "-c", PROGRAM, str(root), code]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_proc_that_may_not_be_mounted_anew_stays_read_only(tmp_path):
    code = "test -d /proc/self/fd && echo $$; echo x > /proc/self/comm || echo refused; ls /proc | grep -c '^[0-9]'"
    pid, *_, refused, seen, last = inside(MASKED, tmp_path / "root", code)
    assert (pid, refused, last) == ("2", "refused", "0 []")
    assert int(seen) > 3, "the host's processes are listed, but those of another namespace cannot be touched"


def test_secrets_of_the_harness_cannot_be_read_through_the_old_proc(tmp_path):
    masked = f"{MASKED} && export SECRET_OF_HARNESS=yes"
    code = "cat /proc/[0-9]*/environ 2>/dev/null | grep -c SECRET_OF_HARNESS || true"
    assert inside(masked, tmp_path / "root", code) == ["0", "0 []"]


def test_scratch_folder_that_cannot_carry_an_overlay_leaves_writes_in_memory(tmp_path):
    for name in ("lower", "upper", "work", "root"):
        (tmp_path / name).mkdir()
    layers = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work,userxattr"
    overlay = f"mount -t overlay -o {layers} overlay {tmp_path}/root"
    code = "echo x > new.txt && cat new.txt && ls && ls -A /dev/shm && test ! -e /dev/memory"
    assert inside(overlay, tmp_path / "root", code) == ["x", "new.txt", "0 []"]


OWN = """
import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind(os.environ["HOME"] + "/own")
server.listen()
opened = os.open(os.environ["HOME"], os.O_RDONLY)
for way in (os.environ["HOME"], f"/proc/self/fd/{opened}"):
    print(socket.socket(socket.AF_UNIX).connect_ex(way + "/own"))
"""


def test_sockets_of_the_program_are_its_own_through_the_old_proc_and_on_an_overlay(tmp_path):
    for name in ("lower", "upper", "work", "root"):
        (tmp_path / name).mkdir()
    layers = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work,userxattr"
    overlay = f"mount -t overlay -o {layers} overlay {tmp_path}/root"
    code = f"{sys.executable} -c '{OWN}'"
    assert inside(overlay, tmp_path / "root", code) == ["0", "0", "0 []"]
    assert inside(MASKED, tmp_path / "other", code) == ["0", "0", "0 []"]


def test_version_on_a_read_only_file_system_is_laid_over(tmp_path):
    for name in ("root/version", "root/scratch"):
        (tmp_path / name).mkdir(parents=True)
    version = tmp_path / "root" / "version"
    read_only = f"mount --bind {version} {version} && mount -o remount,bind,ro {version}"
    assert inside(read_only, tmp_path / "root", "echo x > new.txt; cat new.txt") == ["x", "0 ['new.txt']"]


def test_version_that_holds_mount_points_is_read_only(tmp_path):
    for name in ("root/version/data", "root/scratch"):
        (tmp_path / name).mkdir(parents=True)
    data = tmp_path / "root" / "version" / "data"
    mounted = f"mount -t tmpfs none {data} && echo here > {data}/file"
    code = "cat data/file; echo x > data/file || echo refused; echo x > new || echo refused; test ! -e /dev/memory"
    told = [line for line in inside(mounted, tmp_path / "root", code) if "sh:" not in line]
    assert told == ["here", "refused", "refused", "0 []"]


OLD_KERNEL = """
import os, sys
sys.path.append(sys.argv[1])
from launch import kernel, mount_flags, mounts, privileges

def no_such_call(*_):
    raise OSError(38, "no such call")

mount_flags.syscall = no_such_call
uid, gid = os.geteuid(), os.getegid()
kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
privileges.map_identity(uid, gid)
root = os.fsencode(sys.argv[2])
upper = (root + b"/scratch/upper", root + b"/scratch/work")
for path in upper:
    os.mkdir(path)
mounts.build(mounts.View([b"/tmp"], [], root + b"/version", root + b"/scratch", upper), [])
for path in ("/etc/x", sys.argv[2] + "/version/x.txt", sys.argv[2] + "/scratch/y.txt"):
    try:
        open(path, "w").close()
        print("wrote")
    except OSError as error:
        print(error.strerror)
"""


def test_kernel_without_mount_setattr_has_its_mounts_made_read_only_one_by_one(tmp_path):
    needs("netns")
    for name in ("version", "scratch"):
        (tmp_path / name).mkdir()
    command = [sys.executable, "-c", OLD_KERNEL, str(ROOT / "replayers" / "isolation"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n") == ["Read-only file system", "wrote", "wrote", ""]
    assert list((tmp_path / "version").iterdir()) == []
