"""The picture of a training: loss against updates."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from gated.files.atomic import write_atomically
from gated.learning.training.figures import new_figure, png


def draw_curves(
    path: str | os.PathLike[str],
    lines: Iterable[Mapping[str, Any]],
    *,
    train: str,
    held_out: str,
    unit: str,
    title: str = "",
) -> None:
    """Draw `line[train]` and `line[held_out]` against `line["step"]` into a PNG file.

    A line without one of the two keys is left out of that curve. Needs matplotlib (extra `plot`);
    no window is opened, and matplotlib's global state is not touched.
    """
    lines, figure = list(lines), new_figure(7.2, 4.2)
    axes = figure.add_subplot()
    for key, label, color, marker in ((train, "training", "#4c78a8", ""), (held_out, "held out", "#e45756", "o")):
        points = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
        if points:
            steps, values = zip(*points, strict=True)
            axes.plot(steps, values, color=color, marker=marker, markersize=4, label=f"{label}, last {values[-1]:.3f}")
    axes.set(xlabel="updates", ylabel=unit, title=title)
    axes.grid(alpha=0.3)
    if axes.get_lines():
        axes.legend()
    write_atomically(path, png(figure))
