"""The folder of the machine code on disk: found, opened once, and checked as it was opened.

The way to it is walked from the root, or from the user's home, each folder opened in the one before without following
a link, and each is checked as it was opened: it belongs to the user or to root, and if others may write it, it is
sticky (as /tmp is), so that they cannot put another folder in the place of the next. The last one belongs to the user,
and nobody else may write it. Files are then opened in what was opened and not by a path, which may lead elsewhere by
then. Where the system has no such calls (Windows), the folder is used by its path; users' folders are their own there.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OPENAT = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY")
# to go through a folder it need not be readable
_THROUGH = getattr(os, "O_PATH", getattr(os, "O_SEARCH", os.O_RDONLY))


@dataclass(frozen=True)
class Folder:
    """Where machine code is kept.

    Attributes:
        path: None if there is no place for it.
        refused: why it must not be used, if so.
        handle: the open folder; None where there is none (yet), it is refused, or the system has no such calls.
    """

    path: Path | None
    refused: str | None = None
    handle: int | None = None
    there: bool = False

    @property
    def usable(self) -> bool:
        return self.there and self.refused is None

    def at(self, name: str) -> tuple[str, int | None]:
        """What a file in the folder is called by a function with a `dir_fd`, and that."""
        return (name, self.handle) if self.handle is not None else (f"{self.path}{os.sep}{name}", None)


@contextmanager
def open_folder(make: bool) -> Iterator[Folder]:
    """The folder, open until the end. With `make`, it is made if it is missing, for this user alone."""
    path, refused = _place()
    if path is None or refused is not None:
        yield Folder(path, refused)
        return
    handle = None
    try:
        if OPENAT:
            handle = _walk(path, make)
        else:
            _by_path(path, make)
    except FileNotFoundError:
        yield Folder(path, f"{path} cannot be made" if make else None)
        return
    except _Refused as error:
        yield Folder(path, str(error))
        return
    except OSError as error:
        yield Folder(path, f"{path}: {error.strerror}")
        return
    try:
        yield Folder(path, None, handle, there=True)
    finally:
        if handle is not None:
            os.close(handle)


def others_may_write(status: os.stat_result) -> bool:
    """Whether a file or folder is another user's, or others have the right to write it."""
    return os.name == "posix" and (status.st_uid != os.geteuid() or bool(status.st_mode & 0o022))


class _Refused(Exception):
    pass


def _place() -> tuple[Path | None, str | None]:
    """(the folder's path, why there is none or it cannot be)."""
    given = os.environ.get("GATED_CACHE_DIR")
    if given == "":
        return None, "GATED_CACHE_DIR is empty"
    if given is None:
        import platformdirs

        path, home = platformdirs.user_cache_dir("gated", appauthor=False), os.path.expanduser("~")
        if not os.path.isabs(path) or (path.startswith(home) and not os.path.isdir(home)):
            return None, "this user has no home"
        return Path(path), None
    path = os.path.expanduser(given)
    if given.startswith("~"):
        user = given.replace(os.sep, "/").partition("/")[0]
        home = os.path.expanduser(user)
        if home == user or not os.path.isdir(home):
            whose = f"there is no user {user[1:]!r}" if home == user else f"{user} has no home"
            return Path(given), f"GATED_CACHE_DIR is {given}, but {whose}"
    return Path(os.path.abspath(path)), None


def _walk(path: Path, make: bool) -> int:
    """The folder, open. Raises OSError, _Refused."""
    real = os.path.realpath(path)
    home = _home(os.geteuid())
    start = f"{home}/" if real.startswith(f"{home}/") else "/"
    at, handle = start.rstrip("/") or "/", os.open(start, _THROUGH | os.O_DIRECTORY | os.O_CLOEXEC)
    names = real[len(start) :].split("/")
    try:
        for left, name in zip(reversed(range(len(names))), names, strict=True):
            _check_way(at, os.fstat(handle))
            at = f"{'' if at == '/' else at}/{name}"
            try:
                inner = _enter(handle, name, make, _THROUGH if left else os.O_RDONLY)
            except NotADirectoryError:
                raise _Refused(f"{at} is not a folder") from None
            os.close(handle)
            handle = inner
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():
            raise _Refused(f"{path} belongs to another user")
        if others_may_write(status):
            raise _Refused(f"{path} can be written by {'everybody' if status.st_mode & 0o002 else 'its group'}")
    except BaseException:
        os.close(handle)
        raise
    return handle


@cache
def _home(user: int) -> str:
    """The home that the system knows, whatever the environment says; its owner's trust in what lies above is given."""
    import pwd

    try:
        return os.path.realpath(pwd.getpwuid(user).pw_dir or os.sep)
    except KeyError:
        return os.sep


def _check_way(path: str, status: os.stat_result) -> None:
    """That nobody else can exchange what lies in this folder."""
    if status.st_uid not in (0, os.geteuid()):
        raise _Refused(f"{path}, in which it lies, belongs to another user")
    mine = 0o020 if status.st_mode & 0o020 and _is_private(status.st_gid) else 0
    if status.st_mode & 0o022 & ~mine and not status.st_mode & stat.S_ISVTX:
        who = "everybody" if status.st_mode & 0o002 else "its group"
        raise _Refused(f"{path}, in which it lies, can be written by {who}")


@cache
def _is_private(group: int) -> bool:
    """Whether a group is this user's alone, of the same name, as many systems make them together with users, whose
    folders are then open to it (~/.cache with the mode 775)."""
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return user.pw_gid == group and found.gr_name == user.pw_name and set(found.gr_mem) <= {user.pw_name}


def _enter(handle: int, name: str, make: bool, how: int) -> int:
    """A folder in a folder, open."""
    flags = how | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=handle)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):  # another process made it
        os.mkdir(name, 0o700, dir_fd=handle)
    return os.open(name, flags, dir_fd=handle)


def _by_path(path: Path, make: bool) -> None:
    """Make the folder where it cannot be opened."""
    if make:
        path.mkdir(parents=True, exist_ok=True)
    if not path.is_dir():
        if path.exists():
            raise _Refused(f"{path} is not a folder")
        raise FileNotFoundError
