"""Named arrays and JSON values in one safetensors file.

The format (https://huggingface.co/docs/safetensors): eight bytes with the length of a JSON header,
the header with dtype, shape and offsets of each array and a table of strings, then the numbers.
Nothing in it is ever executed. gated keeps JSON documents in the table of strings, and marks its
files with `"format": "gated"` and `"format_version"`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, describe, shown
from gated.files.atomic import write_atomically
from gated.files.json_text import from_text, to_text

VERSION = 1
DTYPES = {"F32": "float32", "F64": "float64", "I64": "int64"}
OWN = ("format", "format_version", "kind")  # names in the table of strings that mark the file
# Bytes, in reading and writing. Lists of JSON take 25 times as much memory as their text.
LONGEST_HEADER = 16_000_000
LONGEST_DOCUMENT = 4_000_000


class TensorFile:
    """An open file: `read` gives numbers, `document` a JSON value.

    Shapes and dtypes come from the header, so that a reader can refuse a file before memory is taken for what it claims
    to hold; a document is parsed when it is asked for.

    Attributes:
        shapes: name -> shape of every array.
        dtypes: name -> dtype of every array.
        documents: their names.
    """

    def __init__(self, path: str, handle: Any, texts: Mapping[str, str]) -> None:
        self.path, self._texts, self._handle = path, texts, handle
        self.documents = tuple(texts)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, str] = {}
        for name in handle.keys():  # noqa: SIM118 (not a dict)
            part = handle.get_slice(name)
            self.shapes[name] = tuple(part.get_shape())
            dtype = str(part.get_dtype())
            if dtype not in DTYPES:
                raise FileFormatError(
                    f"{path!r}: got dtype {shown(dtype, 20)} in {shown(name)}, expected one of {', '.join(DTYPES)}"
                )
            self.dtypes[name] = DTYPES[dtype]

    @property
    def numbers(self) -> int:
        """How many numbers all arrays hold together."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def read(self, name: str) -> np.ndarray:
        """A copy of one array.

        Raises:
            FileFormatError: it holds NaN or inf.
        """
        try:
            array = np.array(self._handle.get_tensor(name))
        except (ValueError, MemoryError) as error:  # dimensions, or more of them, than NumPy has
            shape = shown(self.shapes[name], 60)
            raise FileFormatError(f"{self.path!r}: got shape {shape} for {shown(name)} ({shown(error, 60)})") from None
        if not _finite(array):
            raise FileFormatError(f"{self.path!r}: got NaN or inf in {shown(name)}, expected finite numbers")
        return array

    def document(self, name: str, kind: type = object) -> Any:
        """A JSON value.

        Args:
            name: under which it lies.
            kind: what it has to be, such as dict.

        Raises:
            FileFormatError: it is missing, too long, or of another kind.
        """
        if name not in self._texts:
            raise FileFormatError(f"{self.path!r}: got no {name!r} in the metadata, expected one")
        text = self._texts[name]
        if len(text) > LONGEST_DOCUMENT:
            came = f"{len(text):,} letters under '{shown(name, 60)}'"
            raise FileFormatError(f"{self.path!r}: got {came}, expected at most {LONGEST_DOCUMENT:,}")
        try:
            value = from_text(text)
        except ValueError as error:
            where, reason = f"'{shown(name, 60)}'", shown(error, 60)
            raise FileFormatError(
                f"{self.path!r}: got bad JSON under {where} ({reason}), expected a JSON value"
            ) from None
        if not isinstance(value, kind):
            raise FileFormatError(
                f"{self.path!r}: got {type(value).__name__} under {name!r}, expected {kind.__name__} in JSON"
            )
        return value


@contextmanager
def open_tensors(path: str | os.PathLike[str], kind: str | tuple[str, ...]) -> Iterator[TensorFile]:
    """Open a file that `write_tensors` wrote.

    Args:
        path: of the file.
        kind: with which it was written, or several of which it is one.

    Raises:
        ArgumentError: there is no such file.
        FileFormatError: it is not safetensors, is truncated, is not gated's, or has another kind or version.
    """
    with _opened(path) as (name, handle, texts):
        _check_marks(name, texts, kind)
        yield TensorFile(name, handle, {key: text for key, text in texts.items() if key not in OWN})


def kind_of(path: str | os.PathLike[str]) -> str:
    """With which kind a file was written.

    Raises:
        ArgumentError, FileFormatError: as `open_tensors`.
    """
    with _opened(path) as (name, _, texts):
        kind = texts.get("kind", "")
        _check_marks(name, texts, kind)
        return kind


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[str, Any, dict[str, str]]]:
    """(its name, the open file, its table of strings)."""
    name = os.fspath(path)
    if not os.path.isfile(name):
        came = "a directory" if os.path.isdir(name) else "which does not exist"
        raise ArgumentError(f"path: got {name!r}, {came}, expected a safetensors file")
    try:
        with open(name, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
        if length > LONGEST_HEADER:
            raise ValueError(f"its header says {length:,} bytes, expected at most {LONGEST_HEADER:,}")
        opened = safetensors.safe_open(name, framework="np")
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        reason = shown(" ".join(str(error).split()))
        raise FileFormatError(f"{name!r}: not a whole safetensors file ({reason})") from None
    with opened as handle:
        yield name, handle, handle.metadata() or {}


def write_tensors(
    path: str | os.PathLike[str], kind: str, tensors: Mapping[str, np.ndarray], documents: Mapping[str, Any]
) -> None:
    """Write arrays and JSON values; the file appears whole or not at all.

    Args:
        path: of the file.
        kind: what the file is; `open_tensors` asks for it.
        tensors: name -> array of float32, float64 or int64.
        documents: name -> JSON-able value.

    Raises:
        ArgumentError, ArgumentTypeError: something that `open_tensors` would refuse; nothing is written then.
    """
    write_atomically(path, file_content(kind, tensors, documents))


def file_content(kind: str, tensors: Mapping[str, np.ndarray], documents: Mapping[str, Any]) -> bytes:
    """What `write_tensors` writes.

    Raises:
        ArgumentError, ArgumentTypeError: as `write_tensors`.
    """
    # ascontiguousarray would give a scalar one dimension
    arrays = {_name("tensors", name): np.array(_checked(name, array), order="C") for name, array in tensors.items()}
    for name in OWN:
        if name in documents:
            raise ArgumentError(f"documents: got one called {name!r}, expected another name: it marks the file")
    strings = {_name("documents", name): to_text(name, value) for name, value in documents.items()}
    for name, text in strings.items():
        if len(text) > LONGEST_DOCUMENT:
            raise ArgumentError(
                f"{shown(name)}: got {len(text):,} letters of JSON, expected at most {LONGEST_DOCUMENT:,}"
            )
    strings |= {"format": "gated", "format_version": str(VERSION), "kind": kind}
    try:
        content = safetensors.numpy.save(arrays, metadata=strings)
    except safetensors.SafetensorError:
        content = b"\xff" * 8  # it knows the limit too
    if int.from_bytes(content[:8], "little") > LONGEST_HEADER:
        raise ArgumentError(
            f"documents: got more than {LONGEST_HEADER:,} bytes of names, shapes and JSON, expected less"
        )
    return content


def _name(argument: str, name: Any) -> str:
    """`name`, if a file gives it back."""
    if not isinstance(name, str):
        raise ArgumentTypeError(f"{argument}: got the name {describe(name)}, expected a text")
    if (argument, name) == ("tensors", "__metadata__") or any("\ud800" <= letter <= "\udfff" for letter in name):
        raise ArgumentError(f"{argument}: got the name {shown(name)}, which no file can hold, expected another")
    return name


def _checked(name: Any, array: Any) -> np.ndarray:
    """The array in this machine's order of bytes, if it is one that can be read back."""
    name = shown(name)
    if not isinstance(array, np.ndarray):
        raise ArgumentTypeError(f"{name}: got {describe(array)}, expected an array")
    if array.dtype.name not in DTYPES.values():
        raise ArgumentError(f"{name}: got dtype {array.dtype}, expected one of {', '.join(DTYPES.values())}")
    if not _finite(array):
        raise ArgumentError(f"{name}: got NaN or inf, expected finite numbers; nothing was written")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _finite(array: np.ndarray) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _check_marks(path: str, strings: Mapping[str, str], kind: str | tuple[str, ...]) -> None:
    if strings.get("format") != "gated":
        raise FileFormatError(f"{path!r}: got a safetensors file of another program, expected one that gated wrote")
    version = strings.get("format_version")
    if version != str(VERSION):
        came = shown(version, 30)
        raise FileFormatError(f"{path!r}: got format version {came}, expected {VERSION}; a newer gated may read it")
    kinds = (kind,) if isinstance(kind, str) else kind
    if strings.get("kind") not in kinds:
        expected = " or a ".join(kinds)
        raise FileFormatError(f"{path!r}: got a {shown(strings.get('kind'), 60)}, expected a {expected}")
