"""The pictures of a contest: sequences until solved, and the figure of the tests over sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gated.experiments.contest import Settings, Trial
from gated.experiments.drawing import new_figure, png, style
from gated.experiments.summary import median


def solved_picture(settings: Settings, trials: Sequence[Trial]) -> bytes:
    """One row per algorithm and cell: a mark for each seed, a line at the median; at the right those not solved."""
    rows = [
        (algorithm, cell, own)
        for algorithm in settings.algorithms
        for cell in settings.cells
        if (own := [t for t in trials if t.key[:2] == (algorithm, cell) and t.finished and t.defined])
    ]
    figure = new_figure(7.2, 1.5 + 0.42 * max(len(rows), 2))
    axes = figure.add_subplot()
    end = settings.max_sequences
    for row, (_, cell, own) in enumerate(rows):
        _draw_row(axes, row, own, style(settings.cells.index(cell)), end)
    axes.set_yticks(range(len(rows)), [f"{algorithm}, {cell}" for algorithm, cell, _ in rows])
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0, 1.2 * end), xlabel="training sequences until solved")
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= end])
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.axvspan(end, 1.2 * end, color="0.93", zorder=0)
    axes.set_title(f"each mark one of {settings.seeds} seeds, bar: median; grey: not solved in {end:,}", fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    return png(figure)


def _draw_row(axes: Any, row: int, trials: Sequence[Trial], look: dict[str, str], end: int) -> None:
    heights = [row + 0.3 * ((k + 0.5) / len(trials) - 0.5) for k in range(len(trials))]  # equal counts stay visible
    points = [(t.solved_at, y) for t, y in zip(trials, heights, strict=True) if t.solved_at is not None]
    lost = len(trials) - len(points)
    counts = [count for count, _ in points]
    axes.plot(counts, [y for _, y in points], linestyle="", markersize=6, alpha=0.75, markeredgecolor="none", **look)
    if lost:
        axes.plot(1.05 * end, row, linestyle="", markersize=7, fillstyle="none", **look)
        axes.text(1.08 * end, row, f"{lost} of {len(trials)}", va="center", fontsize=9)
    middle = median([trial.solved_at for trial in trials])
    if math.isfinite(middle):
        axes.plot([middle, middle], [row - 0.32, row + 0.32], color=look["color"], linewidth=2.5)


def curves_picture(settings: Settings, trials: Sequence[Trial], figures: Sequence[str]) -> bytes:
    """One panel per algorithm: the first figure of the tests over sequences, thin for each seed, thick for medians."""
    figure = new_figure(7.2, 0.9 + 2.0 * math.ceil(len(settings.algorithms) / 2))
    columns = min(2, len(settings.algorithms))
    grid = figure.subplots(
        math.ceil(len(settings.algorithms) / columns), columns, sharex=True, sharey=True, squeeze=False
    )
    panels = list(grid.flat)
    for axes, algorithm in zip(panels, settings.algorithms, strict=False):
        axes.set_title(algorithm, fontsize=10)
        axes.grid(alpha=0.3)
        for index, cell in enumerate(settings.cells):
            own = [t for t in trials if t.key[:2] == (algorithm, cell) and t.sequences]
            _draw_curves(axes, own, figures[0], style(index)["color"], ("-", "--", ":", "-.")[index % 4], cell)
    for axes in panels[len(settings.algorithms) :]:
        axes.set_visible(False)
    figure.supxlabel("training sequences", fontsize=10)
    figure.supylabel(f"{figures[0]},\npart of the test set", fontsize=10)
    panels[0].set_ylim(-0.03, 1.03)
    handles = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    panels[0].xaxis.set_major_formatter("{x:,.0f}")
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles), frameon=False)
    return png(figure)


def _draw_curves(axes: Any, trials: Sequence[Trial], name: str, colour: str, line: str, label: str) -> None:
    for trial in trials:
        values = trial.figures[name]
        axes.plot(trial.sequences[: len(values)], values, color=colour, linewidth=0.7, alpha=0.35, linestyle=line)
    counts = sorted({count for trial in trials for count in trial.sequences})
    middle = [median_of(trials, name, count) for count in counts]
    if counts:
        axes.plot(counts, middle, color=colour, linewidth=2.2, linestyle=line, label=f"{label} (thick: median)")


def median_of(trials: Sequence[Trial], name: str, count: int) -> float:
    """The median over trials of a figure after `count` sequences; a trial that has ended keeps its last value."""
    values = sorted(
        max((c, v) for c, v in zip(trial.sequences, trial.figures[name], strict=False) if c <= count)[1]
        for trial in trials
        if trial.sequences[0] <= count
    )
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else 0.5 * (values[middle - 1] + values[middle])
