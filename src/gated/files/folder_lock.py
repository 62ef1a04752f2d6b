"""A folder that one process at a time writes: a lock that the system gives back when the process ends, however it ends.

The lock is on the file `.lock` in the folder (flock, or a locked byte on Windows), which is removed when the lock is
given back in the ordinary way; one that a kill left behind locks nobody out. Where neither kind of lock exists, on
file systems that know none or in a browser, folders are not guarded.

Other programs have files of this name too: one that is a link, no file, or holds anything but the number of a process
is refused, and left as it is.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gated.errors import ArgumentError
from gated.locks import fork_safe_lock

NAME = ".lock"
FAR = 2**30  # the locked byte on Windows lies behind the text, which others may read
LONGEST = 20  # digits of a process's number
FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # not all on Windows

_held: weakref.WeakValueDictionary[str, FolderLock] = weakref.WeakValueDictionary()
_guard = fork_safe_lock()


class FolderLock:
    """The right to write a folder. Of several in one process, the one that took it last has it.

    Only while it is at work (`working`) it cannot be taken from it. It is given back by `give`, or when
    the object is no more.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handle: int | None = None
        self._at_work = False

    def take(self) -> bool:
        """Have the folder; False if this object had it already.

        Raises ArgumentError if another process has it, or a thread of this one is at work in it, or the file `.lock`
        there is another program's.
        """
        with _guard:
            return self._take(to_work=False)

    def _take(self, to_work: bool) -> bool:
        key = os.path.realpath(self.folder)
        holder = _held.get(key)
        if holder is not None and holder._at_work and (to_work or holder is not self):
            raise _refused(self.folder, "another thread of this program")
        if holder is not self:
            handle = _locked(self.folder) if holder is None else holder._let_go()
            self._handle, self._path = handle, Path(key, NAME)
            self._end = weakref.finalize(self, _give, handle, self._path)
            _held[key] = self
        self._at_work = to_work or self._at_work
        return holder is not self

    @contextmanager
    def working(self) -> Iterator[None]:
        """Have it, and for sure, until the work is done; then give it back."""
        with _guard:
            self._take(to_work=True)
        try:
            yield
        finally:
            with _guard:
                self._at_work = False
                self.give()

    def give(self) -> None:
        """Give it back, if it is held."""
        with _guard:
            if self._handle is not None:
                _give(self._let_go(), self._path)

    def _let_go(self) -> int:
        """The open file; this object has nothing any more."""
        handle, self._handle = self._handle, None
        self._end.detach()
        for key in [key for key, holder in _held.items() if holder is self]:
            del _held[key]
        assert handle is not None  # it is in _held
        return handle


def _refused(folder: Path, who: str) -> ArgumentError:
    return ArgumentError(f"folder: got {str(folder)!r}, where {who} is at work, expected its end, or another folder")


def _locked(folder: Path) -> int:
    """The lock's file, open and locked."""
    path = folder / NAME
    try:
        while True:
            handle = _opened(folder)
            if not _lock(handle):
                who = _content(handle).decode("ascii", "replace")
                os.close(handle)
                raise _refused(folder, f"process {who}" if who.isdecimal() else "another process")
            if _is_at(handle, path):
                break
            os.close(handle)  # its owner removed it just now: try the next one
    except OSError as error:
        raise ArgumentError(
            f"folder: got {str(folder)!r} ({error.strerror}), expected a folder that can be written"
        ) from None
    if not _is_ours(handle):
        os.close(handle)
        raise _strangers(folder, "a file")
    with contextlib.suppress(OSError):  # who it is, for the others' message
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, str(os.getpid()).encode())
    return handle


def _opened(folder: Path) -> int:
    """The file in which the lock is to be, made if there is none: never what a link points at, never a device."""
    path = folder / NAME
    with contextlib.suppress(FileNotFoundError):
        _check_file(folder, os.lstat(path))  # no pipe or device is even opened
    handle = os.open(path, FLAGS, 0o666)
    try:
        _check_file(folder, os.fstat(handle))
    except ArgumentError:
        os.close(handle)
        raise
    return handle


def _check_file(folder: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _strangers(folder, "a link" if stat.S_ISLNK(status.st_mode) else "no file")
    if status.st_nlink > 1:
        raise _strangers(folder, "a file with another name too")


def _strangers(folder: Path, what: str) -> ArgumentError:
    return ArgumentError(
        f"folder: got {str(folder)!r}, whose {NAME} ({what}) is not gated's, expected another folder, or none of "
        "that name in it"
    )


def _content(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, LONGEST + 1)


def _is_ours(handle: int) -> bool:
    """Whether a lock's file holds what we write into one: the number of a process, or nothing yet."""
    content = _content(handle)
    return not content or (content.isdigit() and len(content) <= LONGEST)


def _lock(handle: int) -> bool:
    """False if somebody else has it."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _is_at(handle: int, path: Path) -> bool:
    """Whether this open file is the one at a path, and not one that was there before."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except OSError:
        return False


def _give(handle: int, path: Path) -> None:
    own = _is_at(handle, path) and _is_ours(handle)
    if os.name != "posix":  # what is open cannot be removed there
        os.close(handle)
    if own:
        with contextlib.suppress(OSError):
            path.unlink()  # while it is locked: who opens it later makes a new one
    if os.name == "posix":
        os.close(handle)


def _forget() -> None:
    """In a child process: the parent's locks are not this one's, and must not live as long as it does."""
    for lock in list(_held.values()):
        handle = lock._let_go()
        lock._at_work = False
        os.close(handle)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
