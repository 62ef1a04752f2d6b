"""Messages between the audit and the child process: JSON and arrays, never a pickle: their code runs at the other end.

A message is two lengths (8 bytes each), a JSON list of an object and of the arrays' names, dtypes and shapes, and the
numbers of all arrays, one after the other. (An .npz would take 5 ms of every request, and there are some eighty.)
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

Array = np.ndarray[Any, Any]
LARGEST = 1 << 30
NUMBERS = "biufc"  # kinds of dtypes


def write(pipe: IO[bytes], message: Mapping[str, Any], arrays: Mapping[str, Array] | None = None) -> None:
    """Raises TypeError where an array holds something else than numbers."""
    held = {name: np.asarray(value) for name, value in (arrays or {}).items()}
    for name, value in held.items():
        if value.dtype.kind not in NUMBERS:
            raise TypeError(f"{name}: got an array of {value.dtype}, expected numbers")
    about = [(name, value.dtype.str, value.shape) for name, value in held.items()]
    text, binary = json.dumps([message, about]).encode(), b"".join(value.tobytes() for value in held.values())
    pipe.write(struct.pack("<QQ", len(text), len(binary)) + text + binary)
    pipe.flush()


def read(pipe: IO[bytes]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Raises EOFError where the other side is gone, ValueError where it is not a message."""
    lengths = struct.unpack("<QQ", _exactly(pipe, 16))
    if max(lengths) > LARGEST:
        raise ValueError("a message that is too long")
    text, binary = _exactly(pipe, lengths[0]), _exactly(pipe, lengths[1])
    message, about = json.loads(text)
    arrays, at = {}, 0
    for name, kind, shape in about:
        dtype = np.dtype(kind)
        count = math.prod(shape)
        if dtype.kind not in NUMBERS or min(shape, default=0) < 0 or at + count * dtype.itemsize > len(binary):
            raise ValueError(f"an array {name} of {kind} {shape}, which is not there")
        arrays[name] = np.frombuffer(binary, dtype, count, at).reshape(shape).copy()
        at += count * dtype.itemsize
    return message, arrays


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = pipe.read(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
