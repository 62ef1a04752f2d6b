"""Texts to learn from: one that every Python carries with it, and files of the user's."""

from __future__ import annotations

import codecs
import os
import shlex
import stat
from os import PathLike
from pathlib import Path

from gated.data.guess_encoding import guess_encoding
from gated.errors import ArgumentError, FileFormatError, GatedError, describe, shown, wrong, wrong_type
from gated.number_checks import real, told


def python_topics() -> str:
    """The language reference that `help()` prints: about half a million characters of English and code.

    It comes with the interpreter (`pydoc_data.topics`), so a demonstration needs no download. Topics are sorted by name
    and each begins with its name as a heading: the text is the same in every run of one Python version, but not of
    different ones, because each version documents itself.

    Raises:
        FileFormatError: the interpreter was installed without these texts.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        message = "pydoc_data.topics: not in this Python installation, expected the texts of help()"
        raise FileFormatError(message) from error
    return "\n\n".join(f"{name}\n{'=' * len(name)}\n\n{topics[name].strip()}" for name in sorted(topics)) + "\n"


def read_text(path: str | PathLike[str], encoding: str = "utf-8") -> str:
    """The contents of a text file, line ends as `\\n`, without a byte order mark.

    Args:
        path: of the file.
        encoding: its name, as Python knows it.

    Raises:
        ArgumentError: the path cannot be opened as a file, or no encoding has this name.
        FileFormatError: what the file holds is not in this encoding (with the offset of the first wrong byte, from 0,
            and what it seems to be in), or is empty.
    """
    return text_and_size(path, encoding)[0]


def text_and_size(
    path: str | PathLike[str], encoding: str = "utf-8", *, kept: bool = False, most: int | None = None
) -> tuple[str, int]:
    """As `read_text`, with the number of bytes in the file.

    Args:
        path: of the file.
        encoding: its name.
        kept: the path comes from a file that may be a stranger's. What is no ordinary file (a device never ends, a pipe
            waits) is refused before anything is read.
        most: so many bytes are allowed then.
    """
    _check_encoding(encoding)
    file = Path(path)
    name = f"'{shown(file, 150)}'"
    try:
        raw = _kept_bytes(file, name, most) if kept else _bytes(file)
    except IsADirectoryError:
        raise ArgumentError(f"path: got the directory {name}, expected a text file") from None
    except FileNotFoundError:
        raise ArgumentError(f"path: got {name}, which does not exist, expected a text file") from None
    except GatedError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ArgumentError(f"path: got {name}, which cannot be read ({reason}), expected a text file") from None
    try:
        text = raw.decode(encoding)
    except UnicodeError as error:
        at = error.start if isinstance(error, UnicodeDecodeError) else 0
        raise FileFormatError(
            f"{name}: got byte 0x{raw[at]:02x} at offset {at}, expected text in {encoding.upper()}{_hint(file, raw)}"
        ) from None
    if raw.count(0) > len(raw) / 4 and not encoding.lower().startswith(("utf-16", "utf_16", "utf-32", "utf_32")):
        raise FileFormatError(
            f"{name}: got {raw.count(0)} bytes 0 in {len(raw)}, expected text in {encoding.upper()}{_hint(file, raw)}"
        )
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise FileFormatError(f"{name}: got an empty file, expected text in {encoding.upper()}")
    return text, len(raw)


def _bytes(file: Path) -> bytes:
    with open(_name_on_disk(file), "rb") as opened:
        return opened.read()


def _kept_bytes(file: Path, name: str, most: int | None) -> bytes:
    status = os.stat(_name_on_disk(file))
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise ArgumentError(f"path: got {name}, which is a device or a pipe, expected a text file")
    if most is not None and status.st_size > most:
        raise ArgumentError(f"path: got {name} of {status.st_size:,} bytes, expected at most {most:,}")
    with open(_name_on_disk(file), "rb") as opened:
        return opened.read(status.st_size)  # of /proc/kmsg, which waits for more, 0


def _name_on_disk(file: Path) -> bytes:
    """The bytes of a name: in UTF-8 where the locale has no letters for it, as when the name comes from another one."""
    try:
        return os.fsencode(file)
    except UnicodeEncodeError:
        return str(file).encode("utf-8", "surrogateescape")


def _check_encoding(name: str) -> None:
    try:
        known = getattr(codecs.lookup(name), "_is_text_encoding", True)  # "hex" is one of bytes
    except (LookupError, ValueError, TypeError):
        known = False
    if not known:
        raise ArgumentError(f"encoding: got {describe(name)}, expected one such as utf-8, gb18030, latin-1")


def _hint(file: Path, raw: bytes) -> str:
    """How to read a text in another encoding."""
    guess = guess_encoding(raw)
    if guess is None:
        return ""
    hint = f"; it looks like {guess}, which --encoding {guess} (encoding= in Python) reads"
    if not str(file).isprintable():  # a name that is no single line: none to paste into a shell
        return hint
    new = shlex.quote(f"{file.stem}.utf8{file.suffix}")
    convert = f"iconv -f {guess.upper()} -t UTF-8 {shlex.quote(str(file))} > {new}"
    return f"{hint}, or convert it: {convert}" if len(convert) < 150 else hint


def split(text: str, held_out: float = 0.05) -> tuple[str, str]:
    """Cuts a text in two: the beginning to learn from, the end to judge by.

    The cut is contiguous. Windows drawn here and there would leave the held-out ones surrounded by text that was
    learned, often with the same sentence on both sides, and the judgement would be too kind.

    Args:
        text: of two characters at least.
        held_out: the fraction at the end; both parts hold at least one character.

    Raises:
        ArgumentError: not 0 < held_out < 1, or a text that is too short.
        ArgumentTypeError: anything but a text and a number.
    """
    if not isinstance(text, str):
        raise wrong_type("text", describe(text), "a text")
    if not 0.0 < real("held_out", held_out) < 1.0:
        raise wrong("held_out", told(held_out), "a fraction between 0 and 1")
    if len(text) < 2:
        raise ArgumentError(f"text: got {len(text)} characters, expected at least 2 to split")
    size = min(max(round(len(text) * held_out), 1), len(text) - 1)
    return text[:-size], text[-size:]
