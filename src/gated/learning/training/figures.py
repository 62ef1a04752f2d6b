"""A figure without a window, and its bytes."""

from __future__ import annotations

import io
from typing import Any

from gated.errors import require_extra

# Okabe & Ito (2008), which the colour-blind tell apart, without the yellow, which is too light for lines
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000", "#E69F00")


def new_figure(width: float, height: float) -> Any:
    """A matplotlib figure of so many inches; matplotlib's global state is not touched.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_extra("matplotlib", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Any) -> bytes:
    """The figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.canvas.print_png(buffer)
    return buffer.getvalue()
