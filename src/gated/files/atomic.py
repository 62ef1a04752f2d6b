"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from gated.errors import ArgumentError

SUFFIX = ".tmp"


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Put `content` at `path`: written beside it, flushed to the disk, then renamed over it.

    A reader sees the old file or the new one, whenever the writer is stopped. A file that was there keeps its
    permissions, and a link keeps pointing where it does: what it points at is replaced. What is no file, such as
    /dev/stdout or a pipe, is written as it is. Raises ArgumentError if the folder is missing or cannot be written, or
    the disk is full; nothing is left behind then.
    """
    try:
        before = _status(path)
        if before is None or stat.S_ISREG(before.st_mode):
            _replace(Path(os.path.realpath(path)), content, before)
        else:
            with open(path, "wb") as file:
                file.write(content)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise _cannot_be_written(path, error) from None


def append_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Add `content` at the end of a file, which is made if it is missing: all of it, or nothing and ArgumentError."""
    try:
        with open(path, "ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                while content:  # a disk that is nearly full takes a part, and refuses the rest
                    content = content[file.write(content) :]
            except BaseException:
                with contextlib.suppress(OSError):
                    file.truncate(size)
                raise
    except OSError as error:
        raise _cannot_be_written(path, error) from None


def flush_to_disk(path: str | os.PathLike[str]) -> None:
    """What is in the file outlasts a power failure from here on. Raises ArgumentError if the disk says it does not."""
    try:
        handle = os.open(path, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise _cannot_be_written(path, error) from None


def remove_left_overs(*targets: Path) -> None:
    """Remove what killed writers of these files left beside them. Nobody may be writing them now."""
    for target in targets:
        with contextlib.suppress(OSError):
            for path in list(target.parent.iterdir()):
                if is_left_over(path, target):
                    path.unlink()


def is_left_over(path: Path, *targets: Path) -> bool:
    """Whether a file is one that a killed writer of these left beside them."""
    return path.name.endswith(SUFFIX) and any(path.name.startswith(_prefix(target)) for target in targets)


def _replace(target: Path, content: bytes, before: os.stat_result | None) -> None:
    temporary, made = target.with_name(f"{_prefix(target)}{secrets.token_hex(4)}{SUFFIX}"), False
    try:
        with open(temporary, "xb") as file:
            made = True
            if before is not None and os.name == "posix":
                with contextlib.suppress(OSError):  # not every file system has permissions
                    os.fchmod(file.fileno(), before.st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        made = False
    finally:
        if made:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    with contextlib.suppress(OSError):  # not every system can promise this for a folder
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _prefix(target: Path) -> str:
    return f".{target.name[:40]}."  # short: a name has a greatest length


def _status(path: str | os.PathLike[str]) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _cannot_be_written(path: str | os.PathLike[str], error: Exception) -> ArgumentError:
    reason = getattr(error, "strerror", None) or str(error)
    return ArgumentError(
        f"path: got {os.fspath(path)!r}, which cannot be written ({reason}), expected a place that can be"
    )
