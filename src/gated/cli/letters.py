"""Letters between the shell and this program, also where the locale says nothing of UTF-8.

Python reads the bytes of an argument that do not fit the locale as halves of surrogate pairs ("surrogateescape"): file
names survive that, and text does not mean anything. Almost all such bytes are UTF-8.
"""

from __future__ import annotations

import codecs
import os
import re
import sys

from gated.errors import ArgumentError

_ESCAPED = re.compile(r"(?:\\udc[89a-f][0-9a-f])+")  # as repr shows them


def text_of(argument: str, word: str) -> str:
    """The text that the user typed. ArgumentError if its bytes are neither in the locale's encoding nor UTF-8."""
    if not any("\udc80" <= letter <= "\udcff" for letter in word):
        return word
    raw = os.fsencode(word)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArgumentError(
            f"{argument}: got the byte 0x{raw[error.start]:02x} at offset {error.start}, expected text in UTF-8, "
            "or a locale (LC_ALL) that says what it is in"
        ) from None


def readable(message: str) -> str:
    """An error message, the escaped bytes of UTF-8 in it as letters again."""

    def letters(match: re.Match[str]) -> str:
        raw = bytes.fromhex(match[0].replace("\\udc", ""))
        return raw.decode("utf-8", "backslashreplace")

    return _ESCAPED.sub(letters, message)


def prepare_streams() -> None:
    """Let stdout and stderr take every text.

    A locale that knows ASCII alone says nothing of the terminal: it gets UTF-8, unless PYTHONIOENCODING says otherwise.
    Letters that a terminal lacks become ?, and bytes of file names stay what they are.
    """
    codecs.register_error("gated", _as_bytes)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            known = codecs.lookup(stream.encoding or "ascii").name != "ascii" or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if known else "utf-8", errors="gated")


def _as_bytes(error: UnicodeError) -> tuple[bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return bytes(ord(c) - 0xDC00 if "\udc80" <= c <= "\udcff" else ord("?") for c in letters), error.end
