"""Every error that a user can cause, each a subclass of the builtin that a caller would expect.

A message is one line: the argument, what it was, what it should be.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


class GatedError(Exception):
    """Base class of all errors that gated raises on purpose."""


class CellError(GatedError, TypeError):
    """The equations of a cell are wrong; the message tells where, what was written and what to write instead."""


class ArgumentError(GatedError, ValueError):
    """An argument has a value or a shape that cannot be used."""


class ArgumentTypeError(GatedError, TypeError):
    """An argument has a type or a dtype that cannot be used."""


class ForeignError(ArgumentError):
    """Somebody's own code cannot be audited: it crashed, ran too long, asked for too much, or no adapter fits."""


class FileFormatError(GatedError, ValueError):
    """A file (model, corpus, checkpoint) is not what it should be."""


class CheckFailed(GatedError, AssertionError):
    """A cell did not pass `gated.check_cell`; the message names the quantity, the configuration and both numbers."""


class MissingExtraError(GatedError, ImportError):
    """An optional package is needed; the message tells how to install it."""


def wrong(argument: str, got: object, expected: str) -> ArgumentError:
    """The usual error: `argument: got <what came>, expected <what should come>`."""
    return ArgumentError(f"{argument}: got {got}, expected {expected}")


def wrong_type(argument: str, got: object, expected: str) -> ArgumentTypeError:
    """As `wrong`, for a type or dtype."""
    return ArgumentTypeError(f"{argument}: got {got}, expected {expected}")


def unknown(argument: str, value: Any, known: Iterable[str | None]) -> ArgumentError:
    """The error of a value that is none of a few words."""
    try:
        got = describe(value) if hasattr(value, "shape") else shown(repr(value), 60)
    except (ValueError, RecursionError):
        got = describe(value)
    return wrong(argument, got, f"one of {', '.join(map(repr, known))}")


def unlisted(argument: str, value: str, known: Iterable[str], expected: str) -> ArgumentError:
    """The error of a name that is none of many, with the one that is meant if it is nearly that."""
    close = difflib.get_close_matches(value.lower(), known, 1)
    return wrong(argument, shown(repr(value), 60), expected + (f"; did you mean {close[0]!r}?" if close else ""))


def uncopied(what: str, instead: str) -> ArgumentTypeError:
    """The error of copying or pickling something that belongs to one moment."""
    return ArgumentTypeError(f"{what}: got copy or pickle, which it does not support; {instead}")


def describe(value: Any) -> str:
    """A few words on a value, for an error message: its shape if it has one, else a short repr."""
    shape = getattr(value, "shape", None)
    if shape == () and getattr(value, "dtype", None) is not None and value.dtype.kind not in "fiuc":
        return describe(value.item())  # None or a text that was turned into an array on the way
    if isinstance(shape, tuple):
        return f"an array of shape {shape} and dtype {getattr(value, 'dtype', '?')}"
    if value is None:
        return "None"
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # Python writes no number of thousands of digits
        return shown(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def shown(text: object, most: int = 100) -> str:
    """What a stranger's file says, for an error message: at most so many characters, control characters escaped."""
    try:
        letters = str(text)
    except (ValueError, RecursionError):  # Python writes no number of thousands of digits, nothing so deep
        letters = f"a number of {text.bit_length()} bits" if isinstance(text, int) else f"a {type(text).__name__}"
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in letters[: most + 1])
    return escaped if len(escaped) <= most else escaped[: most - 3] + "..."


def as_array(argument: str, value: Any) -> np.ndarray[Any, Any]:
    """np.asarray, with an error that names the argument.

    Raises:
        ArgumentError: rows of different lengths.
        ArgumentTypeError: a masked array.
    """
    import numpy as np  # not above: the command line shows its help without it

    if type(value) is np.ndarray:
        return value
    parts = value if isinstance(value, (list, tuple)) else (value,)
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):  # whose mask would be lost
        raise wrong_type(argument, "a masked array", "a plain one: array.filled(0), with lengths or a mask of its own")
    try:
        return np.asarray(value)
    except ValueError:
        raise wrong(argument, "a ragged sequence", "an array") from None


def require_extra(module: str, extra: str) -> ModuleType:
    """Import an optional module, or say what to install.

    Raises:
        MissingExtraError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module} is needed for this; install it with: pip install 'gated[{extra}]'"
        ) from error
