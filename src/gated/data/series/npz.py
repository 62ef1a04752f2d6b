"""Sequences in files of NumPy that end in `.npz`."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.series.labels import classes_or_numbers
from gated.data.series.sequence_set import SequenceSet
from gated.errors import ArgumentError, FileFormatError, describe, shown

# what the bytes of a damaged file can lead to; RuntimeError: of one with a password
DAMAGED = (ValueError, OSError, EOFError, MemoryError, RuntimeError, SyntaxError, zipfile.BadZipFile, zlib.error)
KNOWN = ("X", "y", "lengths", "groups", "values", "names", "channels")


def read_npz(path: str | os.PathLike[str]) -> SequenceSet:
    """Sequences from arrays that `numpy.savez` has written.

    Args:
        path: of the file. `X` in it is (N, T, D) or (N, T), with `lengths`, (N,), if they are padded; or `values`,
            (L, D) or (L,), are all steps, one sequence behind the other, and `lengths` how many each has. Beside them
            `y` and `groups`, (N,), `names`, N texts, and `channels`, D texts, if there are such. Nothing in it is
            executed: arrays of Python objects are refused.

    Raises:
        ArgumentError: no such file.
        FileFormatError: it is no such file, or the arrays do not fit together.
    """
    file = Path(path)
    if not file.is_file():
        raise ArgumentError(f"path: got '{shown(path, 150)}', which is no file, expected an .npz file")
    name = f"'{shown(path, 150)}'"
    arrays = _arrays(name, file)
    x = _sequences(name, arrays)
    found: dict[str, Any] = {key: arrays.get(key) for key in ("y", "groups", "names")}
    for key, own in found.items():
        if own is not None and own.shape != (len(x),):
            raise FileFormatError(f"{name}: {key}: got {describe(own)}, expected ({len(x)},): one for each sequence")
    channels = arrays.get("channels")
    if channels is not None and channels.shape != (x[0].shape[1],):
        raise FileFormatError(f"{name}: channels: got {describe(channels)}, expected {x[0].shape[1]} names")
    try:
        y = None if found["y"] is None else _labels(found["y"])
    except ArgumentError as error:
        raise FileFormatError(f"{name}: {error}") from None
    return SequenceSet(
        file.stem,
        x,
        y,
        found["groups"],
        [] if found["names"] is None else [str(own) for own in found["names"]],
        [] if channels is None else [str(own) for own in channels],
    )


def _labels(y: NDArray[Any]) -> NDArray[Any]:
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8", "replace")
    if y.dtype.kind not in "Ubiuf":
        raise ArgumentError(f"y: got {describe(y)}, expected texts or numbers")
    return classes_or_numbers(y.astype(np.float64) if y.dtype.kind == "f" else y)


def _arrays(name: str, file: Path) -> dict[str, NDArray[Any]]:
    key = ""
    try:
        with file.open("rb") as stream:  # numpy leaves it open where it finds no zip file
            content = np.load(stream, allow_pickle=False)
            if not isinstance(content, np.lib.npyio.NpzFile):
                raise FileFormatError(f"{name}: got a single array, expected several of numpy.savez: X and y")
            found = {}
            for key in KNOWN:
                if key in content.files:
                    found[key] = content[key]
    except DAMAGED as error:
        if isinstance(error, FileFormatError):
            raise
        if "Object arrays" in str(error) and key:
            raise FileFormatError(
                f"{name}: {key}: got Python objects, which may hold code, expected numbers; for unequal lengths all "
                "steps in `values` and `lengths`"
            ) from None
        why = "no zip file" if not zipfile.is_zipfile(file) else shown(error, 80)  # NumPy would take it for a pickle
        came = f"no file that can be read ({why})"
        raise FileFormatError(f"{name}: got {came}, expected one of numpy.savez") from None
    if not ("X" in found or "values" in found):
        raise FileFormatError(f"{name}: got neither X nor values, expected X of shape (N, T, D) or (N, T)")
    return found


def _sequences(name: str, arrays: dict[str, NDArray[Any]]) -> list[NDArray[np.float64]]:
    key = "values" if "values" in arrays else "X"
    array, lengths = arrays[key], arrays.get("lengths")
    if array.dtype.kind not in "fiub":
        raise FileFormatError(f"{name}: {key}: got {describe(array)}, expected numbers")
    if lengths is not None and (lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 1).any()):
        raise FileFormatError(f"{name}: lengths: got {describe(lengths)}, expected (N,) whole numbers above 0")
    shapes = (1, 2) if key == "values" else (2, 3)
    if array.ndim not in shapes or not array.size:
        wanted = "(L,) or (L, D)" if key == "values" else "(N, T) or (N, T, D)"
        raise FileFormatError(f"{name}: {key}: got {describe(array)}, expected shape {wanted}, none of them 0")
    array = array.astype(np.float64)
    if np.isinf(array).any():
        raise FileFormatError(f"{name}: {key}: got an infinite number, expected finite ones, or NaN for missing ones")
    if array.ndim == shapes[0]:
        array = array[..., None]
    if key == "X":
        return _padded(name, array, lengths)
    if lengths is None or lengths.sum(dtype=object) != len(array):
        came = "none" if lengths is None else f"{lengths.sum(dtype=object):,}"
        raise FileFormatError(f"{name}: lengths: got {came}, expected {len(array):,} in all, as many as values has")
    return np.split(array, np.cumsum(lengths)[:-1])


def _padded(name: str, array: NDArray[np.float64], lengths: NDArray[Any] | None) -> list[NDArray[np.float64]]:
    if lengths is None:
        return list(array)
    if len(lengths) != len(array) or (lengths > array.shape[1]).any():
        wanted = f"({len(array)},), none above {array.shape[1]}"
        raise FileFormatError(f"{name}: lengths: got {describe(lengths)}, expected {wanted}")
    return [own[:steps] for own, steps in zip(array, lengths.tolist(), strict=True)]
