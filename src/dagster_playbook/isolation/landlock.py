"""What a sandboxed process on Linux may still read, held by the kernel's Landlock; nothing may be written or run."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_NO_NEW_PRIVS = 38
_ASK_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _DEVICE_CONTROL = 1 << 14, 1 << 15
#: rights that a file can have; the others are those of folders
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_CONTROL
#: file rights known to each version of the interface: 13 in the first, then rename, truncate and device control
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_ALL_FILE_RIGHTS = 16
_TCP_RIGHTS, _SCOPES = 0b11, 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The version of the kernel's Landlock, 0 where it has none."""
    if platform.system() != "Linux":
        return 0
    found: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    return max(found, 0)


def read_only(readable: Iterable[Path]) -> bool:
    """Let this process read below `readable` and nowhere else, for the rest of its life; False without Landlock.

    It can write nothing, run no program, and (where the kernel's version has it) open no TCP connection and signal
    no process outside.
    """
    known = version()
    rules = _Ruleset(_file_rights(known), _TCP_RIGHTS if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    return _restrict(known, rules, readable, _READ_FILE | _READ_FOLDER)


def write_only_below(writable: Iterable[Path]) -> bool:
    """Let this process, and what it starts, write below `writable` and nowhere else; False without Landlock.

    Reading, running programs and the network stay as they are.
    """
    known = version()
    rights = _file_rights(known) & ~(_EXECUTE | _READ_FILE | _READ_FOLDER | _DEVICE_CONTROL)
    return _restrict(known, _Ruleset(rights, 0, 0), writable, rights)


def _file_rights(known: int) -> int:
    return (1 << _FILE_RIGHTS.get(known, _ALL_FILE_RIGHTS)) - 1


def _restrict(known: int, rules: _Ruleset, paths: Iterable[Path], rights: int) -> bool:
    """Put the rules in force: `rights` below the paths, none of what the rules handle elsewhere."""
    if not known:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    try:
        for path in paths:
            _allow(libc, ruleset, path, rights)
        return not (libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights &= ~0 if path.is_dir() else _OF_FILES
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(_Beneath(rights, parent)), 0)
    finally:
        os.close(parent)
