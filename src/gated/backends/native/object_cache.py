"""Machine code on disk, so that a cell is compiled once per processor and version and not once per process.

The folder is the platform's cache folder of the user, or GATED_CACHE_DIR; if that variable is empty there is no cache
on disk. What lies there is executed, therefore nothing in it is trusted: the folder and the entry must belong to the
user and must not be open to others for writing, and an entry must hold the key that was asked for and the checksum of
its code. Anything else is as if it were not there, and is written again. Nothing that goes wrong with the disk is an
error: without a cache the code is compiled.

An entry:  magic (16 bytes) | key (32) | SHA-256 of the code (32) | the code, an object file
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"gated code v1\r\n\x00"
HEADER = len(MAGIC) + 32 + 32
LIMIT = 256 * 2**20  # bytes of all entries together
LARGEST = 64 * 2**20  # bytes of one entry
STALE = 3600.0  # seconds after which a half-written file is nobody's, and a time of last use is worth a write

_ENTRY = re.compile(r"[0-9a-f]{64}\.code\Z")
_HALF_WRITTEN = re.compile(r"\.[0-9a-f]{64}\..*\.tmp\Z")
_log = logging.getLogger("gated.cache")


@dataclass(frozen=True)
class Contents:
    """What `gated cache` shows: the folder, why it is not used if it is not, entries and their bytes."""

    folder: Path | None
    refused: str | None
    entries: int
    size: int


def load(key: str) -> bytes | None:
    """The code that was stored under a key (64 hexadecimal digits), or None if there is none that can be trusted."""
    folder, refused = _usable(make=False)
    if folder is None or refused is not None:
        _log.debug("no machine code from disk: %s", refused)
        return None
    path = folder / f"{key}.code"
    try:
        content, used = _read(path)
    except OSError as error:
        _log.debug("%s: %s", path, error.strerror)
        return None
    code = content[HEADER:]
    if content[:HEADER] != _header(key, code) or not code:
        _log.debug("%s: damaged or foreign, compiled again", path)
        return None
    if time.time() - used > STALE:
        with contextlib.suppress(OSError):
            os.utime(path)  # what is dropped first is what was used least recently
    return code


def store(key: str, code: bytes) -> None:
    """Keep code under a key; the entry appears whole or not at all. If that is impossible, nothing happens."""
    folder, refused = _usable(make=True)
    if folder is None or refused is not None:
        _log.debug("machine code is not kept: %s", refused)
        return
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{key}.", suffix=".tmp", dir=folder)  # for this user alone
        with os.fdopen(handle, "wb") as file:
            file.write(_header(key, code) + code)
        os.replace(temporary, folder / f"{key}.code")
        temporary = None
    except OSError as error:
        _log.debug("machine code is not kept: %s: %s", folder, error.strerror)
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    _drop(folder, LIMIT)


def contents() -> Contents:
    """What there is."""
    folder, refused = _usable(make=False)
    sizes = [status.st_size for _, status in _files(folder, _ENTRY)]
    return Contents(folder, refused, len(sizes), sum(sizes))


def clear() -> Contents:
    """Remove all entries; returns what there was. A folder that is refused is left alone."""
    before = contents()
    if before.refused is None:
        _drop(before.folder, 0)
        _remove(path for path, _ in _files(before.folder, _HALF_WRITTEN))
    return before


def _header(key: str, code: bytes) -> bytes:
    return MAGIC + bytes.fromhex(key) + hashlib.sha256(code).digest()


def _read(path: Path) -> tuple[bytes, float]:
    """(content, time of last use) of a file that belongs to this user alone. Raises OSError."""
    # no link is followed, and a pipe of that name does not block
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not _own(status) or _mode(status) & 0o022:
            raise PermissionError(0, "not this user's alone")
        if status.st_size > LARGEST:
            raise OSError(0, "too large")
        return file.read(), status.st_mtime


def _usable(make: bool) -> tuple[Path | None, str | None]:
    """(folder, why it must not be used or None). With `make`, it is made if it is missing."""
    folder = _folder()
    if folder is None:
        return None, "GATED_CACHE_DIR is empty, or this user has no home"
    try:
        if make:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.stat()
    except FileNotFoundError:
        return folder, None
    except OSError as error:
        return folder, f"{folder}: {error.strerror}"
    if not stat.S_ISDIR(status.st_mode):
        return folder, f"{folder} is not a folder"
    if not _own(status):
        return folder, f"{folder} belongs to another user"
    if _mode(status) & 0o002:
        return folder, f"{folder} can be written by everybody"
    return folder, None


def _folder() -> Path | None:
    given = os.environ.get("GATED_CACHE_DIR")
    if given is None:
        import platformdirs

        given = platformdirs.user_cache_dir("gated", appauthor=False)
        if not os.path.isabs(given):  # no home
            return None
    return Path(os.path.abspath(os.path.expanduser(given))) if given else None


def _own(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def _mode(status: os.stat_result) -> int:
    return stat.S_IMODE(status.st_mode) if os.name == "posix" else 0  # elsewhere the bits mean nothing


def _files(folder: Path | None, name: re.Pattern[str]) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        listing = list(os.scandir(folder)) if folder is not None else []
    except OSError:
        return
    for entry in listing:
        if name.match(entry.name):
            with contextlib.suppress(OSError):  # another process may have removed it
                yield Path(entry.path), entry.stat(follow_symlinks=False)


def _drop(folder: Path | None, limit: int) -> None:
    """Remove what was used least recently until at most `limit` bytes are left, and what killed processes left."""
    entries = sorted(_files(folder, _ENTRY), key=lambda entry: entry[1].st_mtime, reverse=True)
    total = 0
    for path, status in entries:
        total += status.st_size
        if total > limit:
            _remove([path])
    old = time.time() - STALE
    _remove(path for path, status in _files(folder, _HALF_WRITTEN) if status.st_mtime < old)


def _remove(paths: Iterator[Path] | list[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()
