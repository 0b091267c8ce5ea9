"""Start a program with less than its user may do: it writes below given folders alone, and has no network but loopback.

`python -m dagster_playbook.isolation.confined FOLDER[:FOLDER...] PROGRAM ARGUMENT...` gives up what it can on this
machine and becomes the program. What the system does not offer is left out; `in_force` says what holds.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from dagster_playbook.isolation import landlock

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _IS_UP = 0x8913, 0x8914, 0x1
#: what programs write to that keeps nothing
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/shm", "/dev/ptmx", "/dev/pts")  # noqa: S108


def confine(writable: Sequence[Path]) -> None:
    """Give up the network and writing elsewhere, for this process and all that it starts."""
    leave_network()
    landlock.write_only_below([*writable, *(Path(name) for name in _DEVICES)])


def leave_network() -> bool:
    """Move to a network of its own with a loopback that is up; False where that is not allowed."""
    if platform.system() != "Linux":
        return False
    user, group = os.getuid(), os.getgid()
    try:
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
            return False
    except (OSError, AttributeError):
        return False
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(control, _GET_FLAGS, request))[1]
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH14s", b"lo", flags | _IS_UP, b""))
    return True


def in_force() -> tuple[str, ...]:
    """What a confined program is kept from on this machine."""
    told = ["writing elsewhere"] if landlock.version() else []
    child = os.fork()
    if child == 0:
        os._exit(0 if leave_network() else 1)
    if os.waitpid(child, 0)[1] == 0:
        told.append("the network")
    return tuple(told)


def main(arguments: Sequence[str]) -> None:
    """Become the program."""
    folders, program, *rest = arguments
    confine([Path(folder) for folder in folders.split(os.pathsep)])
    os.execvp(program, [program, *rest])  # noqa: S606 - an argument list, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
