"""Texts to learn from: one that every Python carries with it, and files of the user's."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from gated.errors import ArgumentError, FileFormatError


def python_topics() -> str:
    """The language reference that ``help()`` prints: about half a million characters of English and code.

    It comes with the interpreter (``pydoc_data.topics``), so a demonstration needs no download. Topics are
    sorted by name and each begins with its name as a heading: the text is the same in every run of one
    Python version, but not of different ones, because each version documents itself.

    Raises FileFormatError where the interpreter was installed without these texts.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        message = "pydoc_data.topics: not in this Python installation, expected the texts of help()"
        raise FileFormatError(message) from error
    return "\n\n".join(f"{name}\n{'=' * len(name)}\n\n{topics[name].strip()}" for name in sorted(topics)) + "\n"


def read_text(path: str | PathLike[str]) -> str:
    """The contents of a UTF-8 file, line ends as ``\\n``, without a byte order mark.

    Raises ArgumentError if the path cannot be opened as a file, FileFormatError if what it holds is not UTF-8
    (with the offset of the first wrong byte, from 0) or is empty.
    """
    file = Path(path)
    if file.is_dir():
        raise ArgumentError(f"path: got the directory {str(file)!r}, expected a text file")
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        raise ArgumentError(f"path: got {str(file)!r}, which does not exist, expected a text file") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ArgumentError(f"path: got {str(file)!r}, which cannot be read ({reason}), expected a text file") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{str(file)!r}: got byte 0x{raw[error.start]:02x} at offset {error.start}, expected text in UTF-8"
        ) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise FileFormatError(f"{str(file)!r}: got an empty file, expected text in UTF-8")
    return text


def split(text: str, held_out: float = 0.05) -> tuple[str, str]:
    """Cuts a text in two: the beginning to learn from, the last fraction `held_out` to judge by.

    The cut is contiguous. Windows drawn here and there would leave the held-out ones surrounded by text that
    was learned, often with the same sentence on both sides, and the judgement would be too kind.

    Both parts hold at least one character; ArgumentError if that cannot be, or if not 0 < held_out < 1.
    """
    if not 0.0 < held_out < 1.0:
        raise ArgumentError(f"held_out: got {held_out!r}, expected a fraction between 0 and 1")
    if len(text) < 2:
        raise ArgumentError(f"text: got {len(text)} characters, expected at least 2 to split")
    size = min(max(round(len(text) * held_out), 1), len(text) - 1)
    return text[:-size], text[-size:]
