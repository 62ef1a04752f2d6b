"""Arrays as PNG files, without a library."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

COLOUR_TYPES = {3: 2, 4: 6}  # numbers of a pixel: red, green, blue; and its opacity


def png_bytes(picture: NDArray[np.uint8]) -> bytes:
    """(rows, columns, 3), or (rows, columns, 4) with opacities, as a PNG file (ISO/IEC 15948)."""
    rows, columns, depth = picture.shape
    raw = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(picture))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", columns, rows, 8, COLOUR_TYPES[depth], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
