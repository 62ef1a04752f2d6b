"""Line charts as inline SVG, in the colours of the page by day and by night."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.models.pages.frame import source
from gated.models.pages.png import png_bytes

Array = NDArray[Any]
MARGINS = (56, 14, 12, 30)  # left, right, top, bottom
PLAIN = (2, 2, 2, 2)
BROAD = 600  # from this width on a chart is made smaller on a telephone, and its letters larger
LONG_WORD = 7  # letters: of longer words below a chart every other one is left out there
BLUE = (11, 98, 163)  # of cells; by night the style makes it brighter


class Chart:
    """Marks over a plane of numbers.

    Args:
        x: the range of the places, such as (0, 95).
        values: arrays of all that is to fit in.
        width: in the units of the picture.
        height: likewise.
        bounds: the range of the values, if it does not follow from them.
        ticks: whether numbers stand at the left.
        plain: nothing stands at the left and below, nor is there room for it.
    """

    def __init__(
        self,
        x: tuple[float, float],
        values: Sequence[Array],
        *,
        width: int = 960,
        height: int = 300,
        bounds: tuple[float, float] | None = None,
        ticks: bool = True,
        plain: bool = False,
    ) -> None:
        self.x = (x[0], max(x[1], x[0] + 1e-9))
        self.width, self.height = width, height
        left, right, top, bottom = PLAIN if plain else MARGINS
        self.left, self.right, self.top, self.bottom = left, width - right, top, height - bottom  # of the plane
        known = np.concatenate([np.ravel(own) for own in values]) if values else np.zeros(1)
        known = known[np.isfinite(known)]
        low, high = bounds or ((float(known.min()), float(known.max())) if len(known) else (0.0, 1.0))
        if not high - low > 1e-9 * max(abs(low), abs(high)):  # a flat line in the middle
            low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
        self.ticks = round_ticks(low, high)
        self.y = (low, high) if bounds else (min(low, self.ticks[0]), max(high, self.ticks[-1]))
        self._marks: list[str] = []
        for tick in self.ticks if ticks and not plain else []:
            at = self._y(tick)
            self._marks.append(f'<line class="grid" x1="{self.left}" x2="{self.right}" y1="{at}" y2="{at}"/>')
            self._text(self.left - 8, at + 4, number_told(tick, self.ticks), "end")

    def line(self, places: Array, values: Array, kind: str) -> Chart:
        """A line, with a gap where a value is missing; a value alone is a dot. `kind`: a colour of `style.CHARTS`."""
        for begin, end in _runs(~np.isnan(values)):
            points = [f"{self._x(x)},{self._y(y)}" for x, y in zip(places[begin:end], values[begin:end], strict=True)]
            if len(points) > 1:
                self._marks.append(f'<polyline class="line {kind}" points="{" ".join(points)}"/>')
            else:
                x, y = points[0].split(",")
                self._marks.append(f'<circle class="dot {kind}" cx="{x}" cy="{y}" r=".9"/>')
        return self

    def band(self, places: Array, low: Array, high: Array) -> Chart:
        """What lies between two lines."""
        ends = [*zip(places, high, strict=True), *zip(places[::-1], low[::-1], strict=True)]
        self._marks.append(
            f'<polygon class="band" points="{" ".join(f"{self._x(x)},{self._y(y)}" for x, y in ends)}"/>'
        )
        return self

    def cells(self, shades: Array) -> Chart:
        """Cells all over the plane, from 0, the paper, to 1: (rows, T), the first row on top."""
        picture = np.empty((*shades.shape, 4), np.uint8)
        picture[..., :3] = BLUE
        picture[..., 3] = np.rint(255 * np.clip(np.nan_to_num(shades), 0, 1))
        size = f'width="{self.right - self.left}" height="{self.bottom - self.top}" preserveAspectRatio="none"'
        self._marks.append(f'<image x="{self.left}" y="{self.top}" {size} href="{source(png_bytes(picture))}"/>')
        return self

    def upright(self, place: float, kind: str = "now") -> Chart:
        """A line from top to bottom."""
        at = self._x(place)
        self._marks.append(f'<line class="{kind}" x1="{at}" x2="{at}" y1="{self.top}" y2="{self.bottom}"/>')
        return self

    def below(self, places: Sequence[float], words: Sequence[str]) -> Chart:
        """What stands below some places."""
        long = any(len(word) > LONG_WORD for word in words)
        for k, (place, word) in enumerate(zip(places, words, strict=True)):
            self._text(self._x(place), self.bottom + 18, word, "middle", "below spare" if long and k % 2 else "below")
        return self

    def ends(self, name: str) -> Chart:
        """The first and the last place stand below, and between them what they are."""
        for at, word, anchor in zip(
            (self.left, (self.left + self.right) / 2, self.right),
            (f"{self.x[0]:g}", name, f"{self.x[1]:g}"),
            ("start", "middle", "end"),
            strict=True,
        ):
            self._text(at, self.bottom + 18, word, anchor, "below")
        return self

    def beside(self, name: str) -> Chart:
        """What stands at the left."""
        self._text(self.left - 8, (self.top + self.bottom) / 2 + 4, name, "end")
        return self

    def svg(self, title: str) -> str:
        """The picture; `title` is read to those who do not see it."""
        kind = "chart broad" if self.width >= BROAD else "chart"
        head = f'<svg class="{kind}" viewBox="0 0 {self.width} {self.height}" role="img"><title>{escape(title)}</title>'
        return head + "".join(self._marks) + "</svg>"

    def _x(self, place: float) -> float:
        low, high = self.x
        return round(self.left + (place - low) / (high - low) * (self.right - self.left), 1)

    def _y(self, value: float) -> float:
        low, high = self.y
        return round(self.bottom - (value - low) / (high - low) * (self.bottom - self.top), 1)

    def _text(self, x: float, y: float, word: str, anchor: str, kind: str = "") -> None:
        own = f' class="{kind}"' if kind else ""
        self._marks.append(f'<text{own} x="{x}" y="{y}" text-anchor="{anchor}">{escape(word)}</text>')


def round_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About so many round numbers from one end to the other."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((factor * power for factor in (1, 2, 2.5, 5, 10)), key=lambda own: abs(own - raw))
    return [step * k for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)] or [low]


def number_told(value: float, among: Sequence[float] = ()) -> str:
    """A number in a few letters, with as many digits as tell it from its neighbours."""
    step = among[1] - among[0] if len(among) > 1 else abs(value) / 100
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    if abs(value) >= 1e7 or digits > 6:
        return f"{value:.3g}"
    text = f"{value:,.{min(digits + (step * 10**digits % 1 > 1e-6), 6)}f}"
    return "0" if float(text.replace(",", "")) == 0 else text


def _runs(known: Array) -> list[tuple[int, int]]:
    """[begin, end) of the stretches of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
