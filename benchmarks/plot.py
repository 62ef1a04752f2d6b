"""The picture for the README: ratios over the points, one panel per peer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from benchmarks.suite import Row

# key, heading, the lowest ratio that is promised everywhere
PANELS = (
    ("lstm", "LSTM training\nover PyTorch nn.LSTM", 1.0),
    ("gru", "GRU training\nover PyTorch nn.GRU", 1.2),
    ("peephole", "Peephole LSTM training\nover JAX (jit, scan)", 1.2),
    ("eager", "Peephole LSTM training\nover PyTorch eager", 2.5),
    ("infer.torch", "LSTM inference\nover PyTorch nn.LSTM", 0.95),
    ("infer.onnx", "LSTM inference\nover ONNX Runtime", 0.95),
)
INK, FAINT, GOOD, BAD = "#30343b", "#c9ced6", "#2a6f97", "#c8553d"
TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100)


def picture(rows: Sequence[Row], note: str) -> bytes | None:
    """A PNG; None if nothing in it was measured.

    A dot is a median, its line the quartiles; the vertical lines are 1 (equal) and, dashed, what is promised.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = [(panel, [row for row in rows if row.key == panel[0] and row.ratio]) for panel in PANELS]
    panels = [(panel, measured) for panel, measured in panels if measured]
    if not panels:
        return None
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    most = max(len(measured) for _, measured in panels)
    figure, axes = pyplot.subplots(
        lines, columns, figsize=(3.3 * columns + 0.6, lines * (1.2 + 0.24 * most) + 0.5), squeeze=False, sharex=True
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (panel, measured) in zip(axes.flat, panels, strict=False):
        _draw(axis, panel, measured)
    medians = [row.ratio.median for _, measured in panels for row in measured if row.ratio]
    axes[0, 0].set_xlim(min(0.7, 0.8 * min(medians)), max(4.0, 2.0 * max(medians)))  # shared by all
    for axis in axes[-1]:
        axis.set_xlabel("times as fast", fontsize=8, color=INK)
    figure.text(0.995, 0.005, note, ha="right", va="bottom", fontsize=6.5, color="#6b7280")
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, metadata={"Software": None})
    pyplot.close(figure)
    return buffer.getvalue()


def _draw(axis: Any, panel: tuple[str, str, float], rows: Sequence[Row]) -> None:
    _, heading, promised = panel
    for height, row in enumerate(reversed(rows)):
        found = row.ratio
        assert found is not None
        colour = GOOD if found.median >= promised else BAD
        axis.plot([min(1.0, found.median), max(1.0, found.median)], [height] * 2, color=FAINT, lw=5, zorder=1)
        axis.plot([found.low, found.high], [height] * 2, color=colour, lw=1.5, zorder=2)
        axis.plot([found.median], [height], "o", color=colour, ms=4.5, zorder=3)
        text = f"{found.median:.{2 if found.median < 2 else 1}f}"
        beside = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
        axis.annotate(text, (max(found.high, 1.0), height), **beside, fontsize=7, color=INK)
    axis.axvline(1.0, color=INK, lw=0.8, zorder=0)
    if promised != 1.0:
        axis.axvline(promised, color=INK, lw=0.7, ls=(0, (3, 3)), zorder=0)
    axis.set_xscale("log")
    axis.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axis.minorticks_off()
    axis.set_yticks(range(len(rows)), [str(row.point) for row in reversed(rows)])
    axis.set_ylim(-0.7, len(rows) - 0.3)
    axis.tick_params(labelsize=7, colors=INK, length=2, labelbottom=True)
    axis.tick_params(axis="y", length=0)
    axis.set_title(heading, fontsize=8.5, color=INK, loc="left")
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
