"""A figure without a window, and its bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import partial
from typing import Any

from gated.errors import require_extra

# Okabe & Ito (2008), which the colour-blind tell apart, without the yellow, which is too light for lines
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000", "#E69F00")

# fonts with Chinese letters, as systems have them
CHINESE = (
    *("Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei", "Source Han Sans SC", "SimHei"),
    *("Noto Sans CJK JP", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB"),
)


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


def chinese_font() -> str | None:
    """One that is installed, or None.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_extra("matplotlib", "plot")
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CHINESE if name in known), None)


def in_chinese(figure: Any, font: str, words: Mapping[str, str] | None = None) -> Any:
    """A figure whose texts are set in this font; those that are among `words` are replaced."""
    from matplotlib.text import Text
    from matplotlib.ticker import FuncFormatter

    words = words or {}
    for own in {axis.get_major_formatter() for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)}:
        if isinstance(own, FuncFormatter):  # words at the ticks, which it writes anew when it is drawn
            own.func = partial(_in_words, words, own.func)
    for text in figure.findobj(Text):
        text.set_fontfamily([font, "DejaVu Sans"])  # the second one for what the first lacks
        text.set_text(words.get(text.get_text(), text.get_text()))
    return figure


def _in_words(words: Mapping[str, str], said: Any, at: float, k: int | None = None) -> str:
    """What stands at a tick. `said`: what the axis itself would write there."""
    text = str(said(at, k))
    return words.get(text, text)
