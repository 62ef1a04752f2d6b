"""The pictures of a contest: sequences until solved, and the figure of the tests over sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gated.experiments.contest import Settings, Trial
from gated.experiments.drawing import new_figure, png, style
from gated.experiments.summary import median
from gated.experiments.task import Kind

STRIP = 1.2  # as far as the strip of those not solved goes, in the most sequences that were learned from


def solved_picture(settings: Settings, trials: Sequence[Trial]) -> bytes:
    """One row per algorithm and cell: a mark for each seed, a line at the median; at the right how many were solved."""
    return png(solved_figure(settings, trials))


def solved_figure(settings: Settings, trials: Sequence[Trial]) -> Any:
    """What `solved_picture` shows. A trial that was not solved has an empty mark, in a strip beyond the last count."""
    rows = [
        (algorithm, cell, own)
        for algorithm in settings.algorithms
        for cell in settings.cells
        if (own := [t for t in trials if t.key[:2] == (algorithm, cell) and t.finished and t.defined])
    ]
    figure = new_figure(7.2, 1.7 + 0.42 * max(len(rows), 2))
    axes = figure.add_subplot()
    end = settings.max_sequences
    beside = axes.get_yaxis_transform()  # x in parts of the width, y in rows
    for row, (_, cell, own) in enumerate(rows):
        _draw_row(axes, row, own, style(settings.cells.index(cell)), end)
        solved = sum(trial.solved_at is not None for trial in own)
        axes.text(1.02, row, f"{solved} of {len(own)}", transform=beside, va="center", fontsize=9)
    axes.text(1.02, -0.9, "solved", transform=beside, va="center", fontsize=9)
    axes.axvspan(end, STRIP * end, color="0.93", zorder=0)
    axes.text(0.5 * (1 + STRIP) * end, -0.9, f"not solved\nin {end:,}", ha="center", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [f"{algorithm}, {cell}" for algorithm, cell, _ in rows])
    axes.set(ylim=(len(rows) - 0.4, -1.4), xlim=(0, STRIP * end), xlabel="training sequences until solved")
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= end])
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_title(f"each mark is one of {settings.seeds} seeds, empty where not solved; bar: median", fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    return figure


def _draw_row(axes: Any, row: int, trials: Sequence[Trial], look: dict[str, str], end: int) -> None:
    heights = [row + 0.3 * ((k + 0.5) / len(trials) - 0.5) for k in range(len(trials))]  # equal counts stay visible
    both = list(zip(trials, heights, strict=True))
    solved = [(t.solved_at, y) for t, y in both if t.solved_at is not None]
    lost = [(0.5 * (1 + STRIP) * end, y) for t, y in both if t.solved_at is None]
    full, empty = {"alpha": 0.75, "markeredgecolor": "none"}, {"fillstyle": "none"}
    for points, kind in ((solved, full), (lost, empty)):
        if points:
            axes.plot(*zip(*points, strict=True), linestyle="", markersize=6, **kind, **look)
    middle = median([trial.solved_at for trial in trials])
    if math.isfinite(middle):
        axes.plot([middle, middle], [row - 0.32, row + 0.32], color=look["color"], linewidth=2.5)


def curves_picture(settings: Settings, trials: Sequence[Trial], kind: Kind) -> bytes:
    """One panel per algorithm: the first figure of the tests over sequences, thin for each seed, thick for medians."""
    return png(curves_figure(settings, trials, kind))


def curves_figure(settings: Settings, trials: Sequence[Trial], kind: Kind) -> Any:
    """What `curves_picture` shows; where guessing gives a figure of its own, a line at that height."""
    name = kind.figures[0]
    columns = min(2, len(settings.algorithms))
    lines = math.ceil(len(settings.algorithms) / columns)
    figure = new_figure(7.2, 0.9 + 2.0 * lines)
    panels = list(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axes, algorithm in zip(panels, settings.algorithms, strict=False):
        axes.set_title(algorithm, fontsize=10)
        axes.grid(alpha=0.3)
        for index, cell in enumerate(settings.cells):
            own = [t for t in trials if t.key[:2] == (algorithm, cell) and t.sequences]
            _draw_curves(axes, own, name, style(index)["color"], ("-", "--", ":", "-.")[index % 4], cell)
        if kind.chance is not None:
            axes.axhline(kind.chance, color="0.35", linewidth=1.0, zorder=1, label=f"chance, {kind.chance:g}")
    for axes in panels[len(settings.algorithms) :]:
        axes.set_visible(False)
    figure.supxlabel("training sequences", fontsize=10)
    figure.supylabel(f"{name}:\nshare of the tests that are right", fontsize=10)
    panels[0].set_ylim(-0.03, 1.03)
    handles = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    panels[0].locator_params(axis="x", nbins=4)  # more would run into each other
    panels[0].xaxis.set_major_formatter("{x:,.0f}")
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles), frameon=False)
    return figure


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
