"""Machine code on disk, so that a cell is compiled once per processor and version and not once per process.

The folder is the platform's cache folder of the user, or GATED_CACHE_DIR; if that variable is empty there is no cache
on disk. What lies there is executed, therefore nothing in it is trusted: folder and entry must belong to the user, and
nobody else may write them, or put another folder in the place of this one (`cache_folder` says how that is made sure).
An entry must hold the key that was asked for and the checksum of its code. Anything else is as if it were not there,
and is written again. Nothing that goes wrong with the disk is an error: without a cache the code is compiled.

An entry:  magic (16 bytes) | key (32) | SHA-256 of the code (32) | the code, an object file
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gated.backends.native.machine.cache_folder import Folder, open_folder, others_may_write
from gated.backends.native.tuning import tuning_for

MAGIC = b"gated code v1\r\n\x00"
HEADER = len(MAGIC) + 32 + 32

_ENTRY = re.compile(r"[0-9a-f]{64}\.code\Z")
_HALF_WRITTEN = re.compile(r"\.[0-9a-f]{64}\..*\.tmp\Z")
# no link is followed, and a pipe of that name does not block
_SAFELY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
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
    name = f"{key}.code"
    with open_folder(make=False) as folder:
        if not folder.usable:
            _log.debug("no machine code from disk: %s", folder.refused or "there is no folder yet")
            return None
        try:
            content = _read(folder, name)
        except OSError as error:
            _log.debug("%s in %s: %s", name, folder.path, error.strerror)
            return None
    code = content[HEADER:]
    if content[:HEADER] != _header(key, code) or not code:
        _log.debug("%s: damaged or foreign, compiled again", name)
        return None
    return code


def store(key: str, code: bytes) -> None:
    """Keep code under a key; the entry appears whole or not at all. If that is impossible, nothing happens."""
    with open_folder(make=True) as folder:
        if not folder.usable:
            _log.debug("machine code is not kept: %s", folder.refused)
            return
        try:
            _write(folder, key, _header(key, code) + code)
        except OSError as error:
            _log.debug("machine code is not kept: %s: %s", folder.path, error.strerror)
        if int(key[:4], 16) % tuning_for().disk_turn == 0:  # keys are digests: one in so many
            _drop(folder, tuning_for().disk_limit)


def contents() -> Contents:
    """What there is."""
    with open_folder(make=False) as folder:
        return _contents(folder)


def clear() -> Contents:
    """Remove all entries; returns what there was. A folder that is refused is left alone."""
    with open_folder(make=False) as folder:
        before = _contents(folder)
        _drop(folder, 0)
        _remove(folder, [name for name, _ in _files(folder, _HALF_WRITTEN)])
        return before


def _contents(folder: Folder) -> Contents:
    sizes = [status.st_size for _, status in _files(folder, _ENTRY)]
    return Contents(folder.path, folder.refused, len(sizes), sum(sizes))


def _header(key: str, code: bytes) -> bytes:
    return MAGIC + bytes.fromhex(key) + hashlib.sha256(code).digest()


def _read(folder: Folder, name: str) -> bytes:
    """The content of a file that belongs to this user alone. Raises OSError."""
    where, at = folder.at(name)
    with os.fdopen(os.open(where, os.O_RDONLY | _SAFELY, dir_fd=at), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or others_may_write(status):
            raise PermissionError(0, "not this user's alone")
        if status.st_size > tuning_for().disk_largest:
            raise OSError(0, "too large")
        content = file.read()
        if time.time() - status.st_mtime > tuning_for().disk_stale:
            with contextlib.suppress(OSError):
                os.utime(where, dir_fd=at)  # what is dropped first is what was used least recently
        return content


def _write(folder: Folder, key: str, content: bytes) -> None:
    """Write beside and rename. Raises OSError, and leaves nothing."""
    temporary, at = folder.at(f".{key}.{secrets.token_hex(8)}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600, dir_fd=at)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, folder.at(f"{key}.code")[0], src_dir_fd=at, dst_dir_fd=at)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=at)
        raise


def _files(folder: Folder, name: re.Pattern[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Names that match, and what the system says of these files."""
    if not folder.usable:
        return
    try:
        listing = list(os.scandir(folder.path if folder.handle is None else folder.handle))
    except OSError:
        return
    for entry in listing:
        if name.match(entry.name):
            with contextlib.suppress(OSError):  # another process may have removed it
                yield entry.name, entry.stat(follow_symlinks=False)


def _drop(folder: Folder, limit: int) -> None:
    """Remove what was used least recently until at most `limit` bytes are left, and what killed processes left."""
    entries = sorted(_files(folder, _ENTRY), key=lambda entry: entry[1].st_mtime, reverse=True)
    total = 0
    for name, status in entries:
        total += status.st_size
        if total > limit:
            _remove(folder, [name])
    old = time.time() - tuning_for().disk_stale
    _remove(folder, [name for name, status in _files(folder, _HALF_WRITTEN) if status.st_mtime < old])


def _remove(folder: Folder, names: Iterable[str]) -> None:
    for name in names:
        where, at = folder.at(name)
        with contextlib.suppress(OSError):
            os.unlink(where, dir_fd=at)
