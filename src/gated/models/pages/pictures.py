"""Charts of one kind each, made at one call: curves, maps of numbers; and the keys to their colours."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from gated.models.pages.chart import Chart
from gated.models.pages.style import curve


def lines(
    curves: Mapping[str, Any],
    *,
    x: Any = None,
    limits: tuple[float, float] | None = None,
    width: int = 960,
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
    places = np.arange(1, steps + 1) if x is None else np.asarray(x, float)
    ends = (float(places[0]), float(places[-1])) if steps else (0.0, 0.0)
    chart = Chart(ends, list(values.values()), width=width, height=height, bounds=limits, plain=plain)
    for k, own in enumerate(values.values()):
        chart.line(places, own, curve(k))
    if not plain and steps:
        chart.ends(below)
    return chart.svg(", ".join(values))


def heat(values: Any, *, width: int = 960, height: int = 120, below: str = "", rows: str = "") -> str:
    """A map of numbers from 0, the paper, to 1.

    Args:
        values: (rows, T).
        width: in pixels.
        height: likewise.
        below: what the columns are; the axis counts them.
        rows: what the rows are.
    """
    array = np.asarray(values, float)
    chart = Chart((1, array.shape[1]), [], width=width, height=height, bounds=(0, 1), ticks=False)
    return chart.cells(array).beside(rows).ends(below).svg(rows)


def swatch(kind: str, text: str, opacity: float = 1.0) -> str:
    """What a colour is. `kind`: as of `Chart.line`."""
    style = f"background: var(--{kind})" + ("" if opacity == 1.0 else f"; opacity: {opacity:.2f}")
    return f'<span><i style="{style}"></i>{escape(text)}</span>'


def key(*swatches: str) -> str:
    """Swatches in a row."""
    return f'<p class="key">{" ".join(swatches)}</p>'
