"""The picture of a whole run: ratios over the points, one panel per peer.

python -m benchmarks.plot [FOLDER]     draw FOLDER/results.png anew from FOLDER/results.json (benchmarks/results)
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.suite import Row

# key, heading, the lowest ratio that is promised everywhere
PANELS = (
    ("lstm", "LSTM training\nover PyTorch nn.LSTM", 1.0),
    ("gru", "GRU training\nover PyTorch nn.GRU", 1.2),
    ("peephole", "Peephole LSTM training\nover JAX (jit, scan)", 1.2),
    ("eager", "Peephole LSTM training\nover PyTorch eager", 2.5),
    ("infer.torch", "LSTM inference\nover PyTorch nn.LSTM", 1.0),
    ("infer.onnx", "LSTM inference\nover ONNX Runtime", 1.0),
)
INK, FAINT, GOOD, BAD = "#30343b", "#c9ced6", "#2a6f97", "#c8553d"
TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100)
EQUAL: dict[str, Any] = {"color": INK, "lw": 0.8}
WANTED: dict[str, Any] = {"color": INK, "lw": 0.7, "ls": (0, (3, 3))}
QUARTILES: dict[str, Any] = {"lw": 1.5}
MEDIAN: dict[str, Any] = {"marker": "o", "ls": "", "ms": 4.5}


def picture(rows: Sequence[Row], note: str) -> bytes | None:
    """A PNG; None if nothing in it was measured."""
    from matplotlib import pyplot

    figure = drawn(rows, note)
    if figure is None:
        return None
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, metadata={"Software": None})
    pyplot.close(figure)
    return buffer.getvalue()


def drawn(rows: Sequence[Row], note: str) -> Any:
    """What `picture` shows, a matplotlib figure, or None; its legend says what the marks are."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = [(panel, [row for row in rows if row.key == panel[0] and row.ratio]) for panel in PANELS]
    panels = [(panel, measured) for panel, measured in panels if measured]
    if not panels:
        return None
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    height = lines * (1.2 + 0.24 * max(len(measured) for _, measured in panels)) + 1.1
    figure, axes = pyplot.subplots(
        lines, columns, figsize=(3.3 * columns + 0.6, height), squeeze=False, sharex=True, layout="constrained"
    )
    figure.get_layout_engine().set(rect=(0.01, 0.62 / height, 0.98, 1 - 0.7 / height), wspace=0.06)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (panel, measured) in zip(axes.flat, panels, strict=False):
        _draw(axis, panel, measured)
    spreads = [row.ratio for _, measured in panels for row in measured if row.ratio]
    lowest, highest = min(spread.low for spread in spreads), max(spread.high for spread in spreads)
    axes[0, 0].set_xlim(min(0.7, 0.8 * lowest), max(4.0, 1.2 * highest))  # shared by all
    for axis in axes[-1]:
        axis.set_xlabel("times as fast as the other", fontsize=8, color=INK)
    _legend(figure, note)
    return figure


def _draw(axis: Any, panel: tuple[str, str, float], rows: Sequence[Row]) -> None:
    _, heading, promised = panel
    for height, row in enumerate(reversed(rows)):
        found = row.ratio
        assert found is not None
        colour = GOOD if found.median >= promised else BAD
        axis.plot(
            [min(1.0, found.median), max(1.0, found.median)],
            [height] * 2,
            color=FAINT,
            lw=5,
            zorder=1,
            solid_capstyle="butt",
        )
        axis.plot([found.low, found.high], [height] * 2, color=colour, zorder=2, **QUARTILES)
        axis.plot([found.median], [height], color=colour, zorder=3, **MEDIAN)
        text = f"{found.median:.{2 if found.median < 2 else 1}f}"  # in a column of its own, where no line is
        axis.text(1.03, height, text, transform=axis.get_yaxis_transform(), va="center", fontsize=7, color=colour)
    axis.axvline(1.0, zorder=0, **EQUAL)
    if promised != 1.0:
        axis.axvline(promised, zorder=0, **WANTED)
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


def _legend(figure: Any, note: str) -> None:
    """What each mark says, what a size says, and where it was measured."""
    from matplotlib.lines import Line2D

    marks = {
        "median of the pairs of measurements": Line2D([], [], color=GOOD, **MEDIAN),
        "from quartile to quartile": Line2D([], [], color=GOOD, **QUARTILES),
        "equally fast": Line2D([], [], **EQUAL),
        "wanted at every size": Line2D([], [], **WANTED),
        "red: less than wanted": Line2D([], [], color=BAD, **MEDIAN),
    }
    style = {"ncols": len(marks), "fontsize": 7.5, "frameon": False, "labelcolor": INK, "columnspacing": 1.4}
    bottom = 0.28 / figure.get_figheight()
    figure.legend(marks.values(), marks.keys(), loc="lower center", bbox_to_anchor=(0.5, bottom), **style)
    sizes = "100x1x64: 100 time steps, 1 sequence, 64 hidden units and as many inputs"
    figure.text(0.01, 0.08 / figure.get_figheight(), sizes, ha="left", va="bottom", fontsize=7, color="#6b7280")
    figure.text(0.99, 0.08 / figure.get_figheight(), note, ha="right", va="bottom", fontsize=7, color="#6b7280")


def note_of(processor: str, threads: int) -> str:
    """What stands in the corner."""
    return f"{processor}, {threads} threads, float32"


def main(words: Sequence[str]) -> int:
    from gated.files.atomic import write_atomically

    folder = Path(words[0] if words else Path(__file__).parent / "results")
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    conditions = content["conditions"]
    rows = [Row.from_json(row) for row in content["rows"]]
    made = picture(rows, note_of(conditions["processor"], conditions["threads"]))
    if made is None:
        print("nothing that the picture shows was measured", file=sys.stderr)
        return 1
    write_atomically(folder / "results.png", made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
