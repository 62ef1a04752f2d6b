"""Files that end in `.ts`: those of the UCR and UEA archives, as sktime and aeon read them.

Head, lines of `@word value`; `@data`; then a line for each sequence: its numbers channel by channel, commas between
numbers, a colon between channels and before the label.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from gated.data.series.sequence_set import SequenceSet
from gated.errors import ArgumentError, FileFormatError, shown

MISSING = ("?", "nan")
COMMENTS = (b"#", b"%")


@dataclass
class _Head:
    """What stands above @data; None and 0: nothing was said."""

    name: str = ""
    dimensions: int = 0
    steps: int = 0
    equal: bool | None = None
    classes: list[str] | None = None
    targets: bool = False


def read_ts(path: str | os.PathLike[str]) -> SequenceSet:
    """Sequences of one or several channels, of equal or unequal length, with a class, a number or nothing each.

    Args:
        path: of the file; "?" and "NaN" in it are missing numbers.

    Returns:
        x: N arrays (T_n, D); y: texts after `@classLabel`, numbers after `@targetLabel`, else None.

    Raises:
        ArgumentError: no such file.
        FileFormatError: it is of another form; the message names the line.
    """
    file = Path(path)
    if not file.is_file():
        raise ArgumentError(f"path: got '{shown(path, 150)}', which is no file, expected a .ts file")
    lines = _Lines(file)
    head = _head(lines)
    x: list[NDArray[np.float64]] = []
    labels: list[str] = []
    for text in lines:
        parts = text.split(":")
        if head.classes is not None or head.targets:
            labels.append(_label(lines, head, parts.pop().strip()))
        x.append(_series(lines, head, parts, x[0].shape if x else None))
    if not x:
        lines.refuse("no sequence", "at least one behind @data")
    y = np.array(labels, float) if head.targets else np.array(labels) if labels else None
    return SequenceSet(head.name or file.stem, x, y)


class _Lines:
    """The lines of a file that are no comments; it knows at which one it is."""

    def __init__(self, file: Path) -> None:
        self.file, self.number = file, 0
        self._lines = self._read()

    def _read(self) -> Iterator[str]:
        with self.file.open("rb") as stream:
            for self.number, raw in enumerate(stream, 1):
                line = raw.removeprefix(b"\xef\xbb\xbf").strip()
                if line and not line.startswith(COMMENTS):  # comments are in any encoding
                    try:
                        yield line.decode("utf-8")
                    except UnicodeDecodeError as error:
                        self.refuse(f"the byte 0x{line[error.start]:02x}", "UTF-8 outside of comments")

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def refuse(self, got: str, expected: str) -> NoReturn:
        raise FileFormatError(f"'{shown(self.file, 150)}', line {self.number}: got {got}, expected {expected}")


def _head(lines: _Lines) -> _Head:
    head = _Head()
    for line in lines:
        if not line.startswith("@"):
            lines.refuse(f"'{shown(line, 40)}'", "a line that begins with @, and @data before the numbers")
        word, *values = line[1:].split()
        key = word.lower()
        if key == "data":
            return head
        if key in ("problemname", "name"):
            head.name = " ".join(values)
        elif key in ("dimensions", "dimension"):
            head.dimensions = _whole(lines, word, values)
        elif key == "serieslength":
            head.steps = _whole(lines, word, values)
        elif key == "univariate":
            head.dimensions = 1 if _yes(lines, word, values) else head.dimensions
        elif key == "equallength":
            head.equal = _yes(lines, word, values)
        elif key == "timestamps" and _yes(lines, word, values):
            lines.refuse("@timeStamps true", "false: only series without time stamps are read")
        elif key == "targetlabel":
            head.targets = _yes(lines, word, values)
        elif key == "classlabel" and _yes(lines, word, values):
            if not values[1:]:
                lines.refuse("@classLabel true", "the classes behind it")
            head.classes = values[1:]
    lines.refuse("the end of the file", "@data and sequences")


def _yes(lines: _Lines, word: str, values: list[str]) -> bool:
    if not values or values[0].lower() not in ("true", "false"):
        lines.refuse(f"'{shown(' '.join(['@' + word, *values]), 40)}'", f"@{word} true or @{word} false")
    return values[0].lower() == "true"


def _whole(lines: _Lines, word: str, values: list[str]) -> int:
    if len(values) != 1 or not re.fullmatch("0*[1-9][0-9]{0,8}", values[0]):
        lines.refuse(f"'{shown(' '.join(['@' + word, *values]), 40)}'", "a whole number above 0")
    return int(values[0])


def _label(lines: _Lines, head: _Head, text: str) -> str:
    if head.targets:
        try:
            good = np.isfinite(float(text))
        except ValueError:
            good = False
        if not good:
            lines.refuse(f"the target '{shown(text, 40)}'", "a finite number behind the last colon")
    elif text not in (head.classes or ()):
        known = ", ".join(head.classes or ())
        lines.refuse(f"the class '{shown(text, 40)}'", f"one of those of @classLabel: {shown(known, 80)}")
    return text


def _series(lines: _Lines, head: _Head, parts: list[str], first: tuple[int, ...] | None) -> NDArray[np.float64]:
    """(T, D) of one line; `first`: the shape of the first sequence, None: it is this one."""
    wanted = head.dimensions or (first[1] if first else max(1, len(parts)))
    if len(parts) != wanted:
        label = " and a label" * (head.classes is not None or head.targets)
        lines.refuse(f"{len(parts)} channels", f"{wanted}, with a colon between them{label}")
    channels = [_numbers(lines, part) for part in parts]
    steps = len(channels[0])
    for d, channel in enumerate(channels):
        if len(channel) != steps:
            lines.refuse(f"{len(channel)} numbers in channel {d + 1}", f"{steps}, as many as in the first one")
    equal = head.steps if head.equal is not False else 0
    if head.equal and not equal and first:
        equal = first[0]
    if equal and steps != equal:
        lines.refuse(f"{steps} steps", f"{equal}: the head says that all are of this length")
    return np.array(channels).T.copy()


def _numbers(lines: _Lines, part: str) -> list[float]:
    found = []
    for text in part.split(","):
        word = text.strip()
        try:
            value = float("nan") if word.lower() in MISSING else float(word)
        except ValueError:
            value = float("inf")
        if value in (float("inf"), float("-inf")) or "_" in word:
            lines.refuse(f"'{shown(word, 40)}'", "a finite number, or ? for a missing one")
        found.append(value)
    return found
