"""Messages between the audit and the child process: JSON and arrays, never a pickle: their code runs at the other end.

A message is two lengths (8 bytes each), a JSON object, and an .npz of the arrays by name.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

Array = np.ndarray[Any, Any]
LARGEST = 1 << 30


def write(pipe: IO[bytes], message: Mapping[str, Any], arrays: Mapping[str, Array] | None = None) -> None:
    held = io.BytesIO()
    np.savez(held, **{f"a:{name}": np.asarray(value) for name, value in (arrays or {}).items()})  # type: ignore[arg-type]
    text, binary = json.dumps(message).encode(), held.getvalue()
    pipe.write(struct.pack("<QQ", len(text), len(binary)) + text + binary)
    pipe.flush()


def read(pipe: IO[bytes]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Raises EOFError where the other side is gone, ValueError where it is not a message."""
    lengths = struct.unpack("<QQ", _exactly(pipe, 16))
    if max(lengths) > LARGEST:
        raise ValueError("a message that is too long")
    text, binary = _exactly(pipe, lengths[0]), _exactly(pipe, lengths[1])
    with np.load(io.BytesIO(binary), allow_pickle=False) as held:
        arrays = {name[2:]: held[name] for name in held.files}
    return json.loads(text), arrays


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = pipe.read(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
