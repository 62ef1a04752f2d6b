"""The picture of a run: losses, the gradient's norm, the gates."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from typing import Any

from gated.errors import MissingExtraError, require_extra
from gated.files.atomic import write_atomically

COLOURS = "#4c78a8", "#e45756", "#54a24b", "#b279a2", "#f58518", "#72b7b2", "#9d755d", "#bab0ac"


def draw_run(path: str | os.PathLike[str], lines: Iterable[Mapping[str, Any]], decides: str) -> bool:
    """Draw lines of metrics into a PNG file; panels of what none of them has are left out.

    Args:
        path: of the file.
        lines: of metrics, as a `Run` writes them.
        decides: the name of the number by which the network is judged.

    Returns:
        whether there is a picture: False without matplotlib.
    """
    try:
        require_extra("matplotlib", "plot")
    except MissingExtraError:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = [line for line in lines if "step" in line]
    gates = list(dict.fromkeys(name for line in lines for name in line.get("gates", {})))
    judged = any(decides in line for line in lines)
    panels = 2 + judged + bool(gates)
    figure = Figure(figsize=(5.2 * panels, 3.8), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = iter(figure.subplots(1, panels))
    _curves(next(axes), lines, {"loss": "training"}, "loss")
    if judged:
        _curves(next(axes), lines, {decides: decides.replace("_", " ")}, decides.replace("_", " "), marker="o")
    own = next(axes)
    _curves(own, lines, {"gradient_norm": "gradient"}, "norm of the gradient, before clipping")
    own.set_yscale("log")
    if gates:
        _gates(next(axes), lines, gates)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    write_atomically(path, buffer.getvalue())
    return True


def _curves(axes: Any, lines: list[Mapping[str, Any]], keys: Mapping[str, str], label: str, marker: str = "") -> None:
    for colour, (key, name) in zip(COLOURS, keys.items(), strict=False):
        points = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
        if points:
            steps, values = zip(*points, strict=True)
            last = f"{name}, last {values[-1]:.4g}"
            axes.plot(steps, values, color=colour, marker=marker, markersize=4, label=last)
    axes.set(xlabel="updates", ylabel=label)
    axes.grid(alpha=0.3)
    if axes.get_lines():
        axes.legend()


def _gates(axes: Any, lines: list[Mapping[str, Any]], gates: list[str]) -> None:
    for k, name in enumerate(gates):
        points = [(line["step"], line["gates"][name]) for line in lines if name in line.get("gates", {})]
        steps = [step for step, _ in points]
        colour = COLOURS[k % len(COLOURS)]
        axes.plot(steps, [own["high"] for _, own in points], color=colour, label=name)
        axes.plot(steps, [own["low"] for _, own in points], color=colour, linestyle=":")
    axes.set(xlabel="updates", ylabel="part of the values near 1 (lines) and near 0 (dots)", ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", ncols=2)
