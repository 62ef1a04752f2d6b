"""The pictures of a run, from its metrics: loss and validation, the gradient's norm, the gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gated.files.atomic import write_atomically
from gated.learning.training.figures import COLOURS, new_figure, png
from gated.learning.runs.gate_pictures import gate_figure

Lines = Sequence[Mapping[str, Any]]
LARGEST = 1e100  # matplotlib scales beyond it, which overflows


def draw_run(folder: Any, lines: Iterable[Mapping[str, Any]], column: str | None) -> None:
    """Write those pictures into a `RunFolder` of which the lines of metrics know something.

    Args:
        folder: of the run.
        lines: of metrics; what is no number in them is left out.
        column: of the validation that decides; None: there is none.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    lines = list(lines)
    write_atomically(folder.plot_file, png(loss_figure(lines, column)))
    if points(lines, "gradient_norm"):
        write_atomically(folder.norm_file, png(norm_figure(lines)))
    gates = gate_figure(lines)
    if gates is not None:
        write_atomically(folder.gates_file, png(gates))


def loss_figure(lines: Lines, column: str | None) -> Any:
    """The training loss against updates; below it the validation that decides, which may be of another kind."""
    judged = [] if column is None else points(lines, column)
    figure = new_figure(7.2, 6.0 if judged else 3.6)
    axes = figure.subplots(2 if judged else 1, 1, sharex=True, squeeze=False)[:, 0]
    _curve(axes[0], points(lines, "train_loss"), "training loss", COLOURS[0])
    if judged:
        _curve(axes[1], judged, str(column), COLOURS[1], marker="o", markersize=4)
    axes[-1].set_xlabel("updates")
    return figure


def norm_figure(lines: Lines) -> Any:
    """The norm of the gradient before clipping, and the share of updates in which it was clipped."""
    clipped = points(lines, "clipped")
    figure = new_figure(7.2, 5.4 if clipped else 3.6)
    axes = figure.subplots(2 if clipped else 1, 1, sharex=True, squeeze=False)[:, 0]
    _curve(axes[0], points(lines, "gradient_norm_max"), "longest since the last line", COLOURS[1], linewidth=1)
    _curve(axes[0], points(lines, "gradient_norm"), "norm of the gradient", COLOURS[0])
    axes[0].set_yscale("log")
    if clipped:
        _curve(axes[1], clipped, "share of updates that were clipped", COLOURS[2])
        axes[1].set_ylim(-0.03, 1.03)
    axes[-1].set_xlabel("updates")
    return figure


def points(lines: Lines, key: str) -> list[tuple[float, float]]:
    """(update, value) of every line that has both as numbers."""
    return [(line["step"], line[key]) for line in lines if _is_number(line.get("step")) and _is_number(line.get(key))]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def _curve(axes: Any, found: list[tuple[float, float]], label: str, color: str, **style: Any) -> None:
    axes.grid(alpha=0.3)
    if found:
        steps, values = zip(*found, strict=True)
        axes.plot(steps, values, color=color, label=f"{label}, last {values[-1]:.4g}", **style)
        axes.legend()
