"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from gated.errors import ArgumentError

SUFFIX = ".tmp"


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Put ``content`` at ``path``: written beside it, flushed to the disk, then renamed over it.

    A reader sees the old file or the new one, whenever the writer is stopped. Raises ArgumentError
    if the folder is missing or cannot be written; nothing is left behind then.
    """
    target = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=SUFFIX, dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp lets nobody else read; a model is an ordinary file
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        raise ArgumentError(
            f"path: got {str(target)!r}, which cannot be written ({error.strerror}), expected a place that can be"
        ) from None
    finally:
        if temporary is not None:
            os.unlink(temporary)


def is_left_over(path: Path) -> bool:
    """True for the name of a file that a killed :func:`write_atomically` left beside its target."""
    return path.name.startswith(".") and path.name.endswith(SUFFIX)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
