"""Pictures for report pages: lines and maps of numbers as SVG, which is part of the page and follows its colours.

Nothing is loaded and no library is needed; texts are the page's own, in whatever language.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.learning.training.figures import COLOURS

STYLE = """
svg.chart { max-width: 100%; height: auto; display: block } svg.chart text { font-size: 11px; fill: var(--dim) }
svg.chart line { stroke: var(--line); stroke-width: 1 } svg.chart polyline { fill: none; stroke-width: 1.6 }
svg.chart image { image-rendering: pixelated } svg.chart .here { stroke: var(--dim); stroke-dasharray: 3 3 }
.key { font-size: .82rem; color: var(--dim); margin: .2rem 0 .6rem } .key span { white-space: nowrap }
.key i { display: inline-block; width: .9rem; height: .2rem; margin: 0 .3rem .2rem .8rem; vertical-align: middle }
"""
LEFT, BELOW, ABOVE = 58, 22, 8  # room for numbers beside, below and above, in pixels
LOWEST, HIGHEST = np.array([247, 251, 255]), np.array([8, 69, 148])  # colours of 0 and of 1 in a map


def colour(k: int) -> str:
    """Of the k-th line; the black one takes the text's colour, to be seen on any ground."""
    found = COLOURS[k % len(COLOURS)]
    return "var(--text)" if found == "#000000" else found


def lines(
    curves: Mapping[str, Any],
    *,
    x: Any = None,
    limits: tuple[float, float] | None = None,
    width: int = 900,
    height: int = 180,
    below: str = "",
    plain: bool = False,
) -> str:
    """Curves over the same steps.

    Args:
        curves: name -> (T,) numbers; where one is missing (NaN), the line is broken.
        x: (T,) positions; None: 1, 2, ..., T.
        limits: of the vertical axis; None: those of the numbers.
        width: in pixels.
        height: likewise.
        below: what the horizontal axis is.
        plain: without axes: a small picture of a sequence.
    """
    values = {name: np.asarray(own, float) for name, own in curves.items()}
    steps = max((len(own) for own in values.values()), default=0)
    at = np.arange(1, steps + 1) if x is None else np.asarray(x, float)
    low, high = limits or _limits(values)
    left, under, over = (0, 2, 2) if plain else (LEFT, BELOW, ABOVE)
    across = (width - left - 8) / max(float(at[-1] - at[0]), 1e-12) if steps else 0.0
    up = (height - under - over) / (high - low)
    parts = [] if plain else _axes(at, low, high, width, height, below)
    for k, own in enumerate(values.values()):
        for piece in _pieces(own):
            points = " ".join(
                f"{left + 4 + (at[t] - at[0]) * across:.1f},{over + (high - min(max(own[t], low), high)) * up:.1f}"
                for t in piece
            )
            parts.append(f'<polyline stroke="{colour(k)}" points="{points}"/>')
    return _svg(width, height, parts, ", ".join(values))


def heat(values: Any, *, width: int = 900, height: int = 120, below: str = "", rows: str = "") -> str:
    """A map of numbers between 0 and 1: darker is more.

    Args:
        values: (rows, T).
        width: in pixels.
        height: likewise.
        below: what the columns are; the axis counts them.
        rows: what the rows are.
    """
    array = np.clip(np.nan_to_num(np.asarray(values, float)), 0, 1)
    picture = (LOWEST + array[..., None] * (HIGHEST - LOWEST)).round().astype(np.uint8)
    inner = height - BELOW - ABOVE
    image = (
        f'<image x="{LEFT}" y="{ABOVE}" width="{width - LEFT - 8}" height="{inner}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{base64.b64encode(png_bytes(picture)).decode()}"/>'
    )
    parts = [image, *_steps(np.arange(1, array.shape[1] + 1), width, height, below)]
    parts.append(f'<text x="{LEFT - 6}" y="{ABOVE + inner / 2 + 4:.0f}" text-anchor="end">{escape(rows)}</text>')
    return _svg(width, height, parts, rows)


def key(names: Sequence[str]) -> str:
    """Which colour is which line."""
    parts = (f'<span><i style="background: {colour(k)}"></i>{escape(name)}</span>' for k, name in enumerate(names))
    return f'<p class="key">{" ".join(parts)}</p>'


def png_bytes(picture: NDArray[np.uint8]) -> bytes:
    """(rows, columns, 3) as a PNG file (ISO/IEC 15948), without a library."""
    rows, columns = picture.shape[:2]
    raw = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(picture))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg class="chart" role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def _limits(values: Mapping[str, NDArray[Any]]) -> tuple[float, float]:
    known = np.concatenate([own[np.isfinite(own)] for own in values.values()] or [np.zeros(1)])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _pieces(own: NDArray[Any]) -> list[list[int]]:
    """Runs of steps whose numbers are there; a single one is drawn as a short line."""
    there = np.flatnonzero(np.isfinite(own))
    runs = np.split(there, np.flatnonzero(np.diff(there) > 1) + 1)
    return [[*run.tolist(), *([int(run[0])] if len(run) == 1 else [])] for run in runs if len(run)]


def _axes(at: NDArray[Any], low: float, high: float, width: int, height: int, below: str) -> list[str]:
    inner = height - BELOW - ABOVE
    parts = []
    for value in _ticks(low, high):
        y = ABOVE + (high - value) / (high - low) * inner
        parts.append(f'<line x1="{LEFT}" x2="{width - 4}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    return [*parts, *_steps(at, width, height, below)]


def _steps(at: NDArray[Any], width: int, height: int, below: str) -> list[str]:
    """The first and the last number of the horizontal axis, and between them what it is."""
    ends = (("start", LEFT, at[0]), ("end", width - 4, at[-1])) if len(at) else ()
    parts = [f'<text x="{x}" y="{height - 6}" text-anchor="{where}">{value:g}</text>' for where, x, value in ends]
    middle = (LEFT + width) / 2
    return [*parts, f'<text x="{middle:.0f}" y="{height - 6}" text-anchor="middle">{escape(below)}</text>']


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers between both."""
    raw = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]
