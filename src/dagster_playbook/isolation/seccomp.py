"""The system calls that a sandboxed process on Linux may no longer make, held by the kernel's seccomp filter.

No library of the field does this without a compiled part of its own, so the filter is written here: a list of calls
that give EPERM, some of them only with arguments that write. Everything else is let through, since reading, computing
and allocating is all that is left.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16
_CLONE_THREAD = 0x10000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: x86_64's second table of calls begins here
_X32 = 0x40000000

#: architecture -> (its number for the kernel, name -> number of each refused call)
_CALLS: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "sendmsg": 46, "bind": 49, "listen": 50,
            "socketpair": 53, "accept4": 288, "sendmmsg": 307, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322,
            "kill": 62, "tkill": 200, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
            "pidfd_open": 434, "pidfd_send_signal": 424, "pidfd_getfd": 438, "truncate": 76, "rename": 82,
            "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87, "symlink": 88, "chmod": 90, "chown": 92,
            "lchown": 94, "utime": 132, "mknod": 133, "pivot_root": 155, "chroot": 161, "mount": 165, "umount2": 166,
            "setxattr": 188, "lsetxattr": 189, "removexattr": 197, "lremovexattr": 198, "utimes": 235,
            "mkdirat": 258, "mknodat": 259, "fchownat": 260, "futimesat": 261, "unlinkat": 263, "renameat": 264,
            "linkat": 265, "symlinkat": 266, "fchmodat": 268, "unshare": 272, "utimensat": 280, "renameat2": 316,
            "bpf": 321, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430,
            "shmget": 29, "msgget": 68, "keyctl": 250, "add_key": 248, "request_key": 249, "userfaultfd": 323,
            "perf_event_open": 298, "setns": 308, "fchmodat2": 452,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "socket": 198, "socketpair": 199, "bind": 200, "listen": 201, "accept": 202, "connect": 203,
            "sendto": 206, "sendmsg": 211, "accept4": 242, "sendmmsg": 269, "execve": 221, "execveat": 281,
            "kill": 129, "tkill": 130, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271,
            "pidfd_open": 434, "pidfd_send_signal": 424, "pidfd_getfd": 438, "truncate": 45, "mknodat": 33,
            "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38, "umount2": 39, "mount": 40,
            "pivot_root": 41, "chroot": 51, "fchmodat": 53, "fchownat": 54, "utimensat": 88, "unshare": 97,
            "setxattr": 5, "lsetxattr": 6, "removexattr": 14, "lremovexattr": 15, "renameat2": 276, "bpf": 280,
            "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "shmget": 194, "msgget": 186,
            "keyctl": 219, "add_key": 217, "request_key": 218, "userfaultfd": 282, "perf_event_open": 241,
            "setns": 268, "fchmodat2": 452,
        },
    ),
}  # fmt: skip
#: calls refused by what they are given: name -> (number on x86_64, on aarch64)
_OPEN, _OPENAT, _CLONE = (2, None), (257, 56), (56, 220)
#: newer calls whose arguments a filter cannot see; "no such call" makes the C library use the older one
_UNSEEN = {"clone3": 435, "openat2": 437}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def is_supported() -> bool:
    """Whether this is a Linux whose calls are known here."""
    return platform.system() == "Linux" and platform.machine() in _CALLS and struct.calcsize("P") == 8


def refuse_calls() -> bool:
    """Install the filter for the rest of this process's life; False where the system has none.

    From then on it can make no connection, start no program or process, signal no other process, and change no file
    by name: each attempt raises PermissionError.
    """
    if not is_supported():
        return False
    code = _program()
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return not libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)


def _program() -> bytes:
    machine = platform.machine()
    architecture, calls = _CALLS[machine]
    column = 0 if machine == "x86_64" else 1
    code = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, 0, 1),
        _step(_RETURN, _FAIL | errno.EPERM),
    ]
    for number in calls.values():
        code += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _FAIL | errno.EPERM)]
    for number in _UNSEEN.values():
        code += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _FAIL | errno.ENOSYS)]
    for numbers, position in ((_OPEN, 1), (_OPENAT, 2)):
        if (given := numbers[column]) is not None:
            code += _when_any_bit(given, position, _WRITING)
    clone = _CLONE[column]
    # a thread is no new process; anything else that clone makes is
    code += [
        _step(_EQUAL, clone, 0, 3),
        _step(_LOAD, _ARGUMENT),
        _step(_ANY_BIT, _CLONE_THREAD, 1, 0),
        _step(_RETURN, _FAIL | errno.EPERM),
    ]
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _when_any_bit(number: int, position: int, bits: int) -> list[bytes]:
    """Refuse a call when its argument at `position` has one of the bits; all arguments are 8 bytes wide."""
    return [
        _step(_EQUAL, number, 0, 4),
        _step(_LOAD, _ARGUMENT + 8 * position),
        _step(_ANY_BIT, bits, 0, 1),
        _step(_RETURN, _FAIL | errno.EPERM),
        _step(_LOAD, _NUMBER),
    ]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)
