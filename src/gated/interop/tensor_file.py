"""Named arrays and JSON values in one safetensors file.

The format (https://huggingface.co/docs/safetensors): eight bytes with the length of a JSON header,
the header with dtype, shape and offsets of each array and a table of strings, then the numbers.
Nothing in it is ever executed. gated keeps JSON documents in the table of strings, and marks its
files with ``"format": "gated"`` and ``"format_version"``.
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
from gated.interop.atomic import write_atomically
from gated.interop.json_text import from_text, to_text

VERSION = 1
DTYPES = {"F32": "float32", "F64": "float64", "I64": "int64"}
OWN = ("format", "format_version", "kind")  # names in the table of strings that mark the file
LONGEST_HEADER = 100_000_000  # bytes; the library reads no longer one


class TensorFile:
    """An open file: ``metadata`` (JSON values by name), ``shapes``, ``dtypes``, and :meth:`read` for the numbers.

    Shapes and dtypes come from the header, so that a reader can refuse a file before memory is
    taken for what it claims to hold.
    """

    def __init__(self, path: str, handle: Any, metadata: dict[str, Any]) -> None:
        self.path, self.metadata, self._handle = path, metadata, handle
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
        """A copy of one array; FileFormatError if it holds NaN or inf."""
        try:
            array = np.array(self._handle.get_tensor(name))
        except (ValueError, MemoryError) as error:  # dimensions, or more of them, than NumPy has
            shape = shown(self.shapes[name], 60)
            raise FileFormatError(f"{self.path!r}: got shape {shape} for {shown(name)} ({shown(error, 60)})") from None
        if not _finite(array):
            raise FileFormatError(f"{self.path!r}: got NaN or inf in {shown(name)}, expected finite numbers")
        return array

    def document(self, name: str, kind: type = object) -> Any:
        """The JSON value under ``name``; FileFormatError if it is missing or not a ``kind``."""
        if name not in self.metadata:
            raise FileFormatError(f"{self.path!r}: got no {name!r} in the metadata, expected one")
        value = self.metadata[name]
        if not isinstance(value, kind):
            raise FileFormatError(
                f"{self.path!r}: got {type(value).__name__} under {name!r}, expected {kind.__name__} in JSON"
            )
        return value


@contextmanager
def open_tensors(path: str | os.PathLike[str], kind: str) -> Iterator[TensorFile]:
    """Open a file that :func:`write_tensors` wrote with this ``kind``.

    Raises ArgumentError if there is no such file and FileFormatError if it is not safetensors, is
    truncated, is not gated's, or has another kind or version.
    """
    name = os.fspath(path)
    if not os.path.isfile(name):
        came = "a directory" if os.path.isdir(name) else "which does not exist"
        raise ArgumentError(f"path: got {name!r}, {came}, expected a safetensors file")
    try:
        opened = safetensors.safe_open(name, framework="np")
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        reason = shown(" ".join(str(error).split()))
        raise FileFormatError(f"{name!r}: not a whole safetensors file ({reason})") from None
    with opened as handle:
        yield TensorFile(name, handle, _metadata(name, handle.metadata() or {}, kind))


def write_tensors(
    path: str | os.PathLike[str], kind: str, tensors: Mapping[str, np.ndarray], documents: Mapping[str, Any]
) -> None:
    """Write arrays (float32, float64, int64) and JSON values; the file appears whole or not at all.

    Raises ArgumentError or ArgumentTypeError, before anything is written, for what :func:`open_tensors` would refuse.
    """
    # ascontiguousarray would give a scalar one dimension
    arrays = {_name("tensors", name): np.array(_checked(name, array), order="C") for name, array in tensors.items()}
    for name in OWN:
        if name in documents:
            raise ArgumentError(f"documents: got one called {name!r}, expected another name: it marks the file")
    strings = {_name("documents", name): to_text(name, value) for name, value in documents.items()}
    strings |= {"format": "gated", "format_version": str(VERSION), "kind": kind}
    try:
        content = safetensors.numpy.save(arrays, metadata=strings)
    except safetensors.SafetensorError:
        content = b"\xff" * 8  # it knows the limit too
    if int.from_bytes(content[:8], "little") > LONGEST_HEADER:
        raise ArgumentError(
            f"documents: got more than {LONGEST_HEADER:,} bytes of names, shapes and JSON, expected less"
        )
    write_atomically(path, content)


def _name(argument: str, name: Any) -> str:
    """``name``, if a file gives it back."""
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


def _metadata(path: str, strings: Mapping[str, str], kind: str) -> dict[str, Any]:
    if strings.get("format") != "gated":
        raise FileFormatError(f"{path!r}: got a safetensors file of another program, expected one that gated wrote")
    version = strings.get("format_version")
    if version != str(VERSION):
        came = shown(version, 30)
        raise FileFormatError(f"{path!r}: got format version {came}, expected {VERSION}; a newer gated may read it")
    if strings.get("kind") != kind:
        raise FileFormatError(f"{path!r}: got a {shown(strings.get('kind'), 60)}, expected a {kind}")
    values = {}
    for name, text in strings.items():
        if name in OWN:
            continue
        try:
            values[name] = from_text(text)
        except ValueError as error:
            reason = shown(error, 60)
            raise FileFormatError(
                f"{path!r}: got bad JSON under '{shown(name, 60)}' ({reason}), expected a JSON value"
            ) from None
    return values
