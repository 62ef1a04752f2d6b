"""Folders beside the machine code in the user's cache, in which data keeps what took time: found, made, emptied."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gated.files.atomic import SUFFIX

FILE = re.compile(r"[0-9a-f]{64}\.safetensors\Z")  # named by a digest of all that it depends on
HALF_WRITTEN = re.compile(rf"\.[0-9a-f]{{40}}\.[0-9a-f]{{8}}\{SUFFIX}\Z")  # what a killed process leaves


class Contents(NamedTuple):
    """What lies in a folder: the folder, None if there is no place for it; files and their bytes."""

    folder: Path | None
    files: int
    size: int


def usual(name: str) -> Path | None:
    """The folder of this name for which nobody has to ask, if there is a place for it."""
    own = os.environ.get("GATED_CACHE_DIR")
    if own is None:
        import platformdirs

        own = platformdirs.user_cache_dir("gated", appauthor=False)
    own = os.path.expanduser(own)  # Path.expanduser has an error for users that there are not
    return None if not own or own.startswith("~") else Path(own) / name  # ~: of nobody, or who has no home


def made(name: str) -> Path | None:
    """The usual folder of this name, made if it is missing; None where it cannot be."""
    found = usual(name)
    with contextlib.suppress(OSError):
        if found is not None:
            for place in (found.parent, found):  # the first is that of the machine code, which nobody else may write
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
            return found
    return None


def contents(name: str) -> Contents:
    """What is kept in the usual folder of this name; what other programs put there is not counted."""
    place = usual(name)
    sizes = [size for _, size in _files(place, (FILE,))]
    return Contents(place, len(sizes), sum(sizes))


def clear(name: str) -> Contents:
    """Remove it; returns what there was. A file that cannot be removed is left."""
    before = contents(name)
    for path, _ in _files(before.folder, (FILE, HALF_WRITTEN)):
        with contextlib.suppress(OSError):
            path.unlink()
    return before


def _files(place: Path | None, names: Sequence[re.Pattern[str]]) -> Iterator[tuple[Path, int]]:
    """The files of such names, and their bytes."""
    listing: list[Path] = []
    with contextlib.suppress(OSError):  # there is no folder yet
        listing = [path for path in (place.iterdir() if place else ()) if any(n.match(path.name) for n in names)]
    for path in listing:
        with contextlib.suppress(OSError):  # another process may have removed it
            yield path, path.stat().st_size
