"""The pictures of the pages that come from the library itself.

    python docs/pictures.py       into docs/pictures: derivation.png, roads.png, house-*.png (see `house_pictures`),
                                  scenes.png (see `scene_pictures`), and the same with .zh in Chinese

`derivation` shows a cell as its author writes it beside the gradients that gated derives; `roads` the quantities of one
step and every road by which the gradient goes back through them, with the local derivative by which it is multiplied.
Nothing of what they show is written here: it comes from the cell's equations.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import house_pictures
import matplotlib
import scene_pictures

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, Rectangle

import gated
from gated.calculus.notation import Notation
from gated.calculus.steps import ARGUMENT, Steps, steps
from gated.language.graph import Matrix, Node, leaf
from gated.learning.training.figures import CHINESE, chinese_font

PICTURES = Path(__file__).resolve().parent / "pictures"
INK, SOFT, BLUE, RED, PAPER, EDGE = "#1b1f24", "#57606a", "#0550ae", "#cf222e", "#f6f8fa", "#d0d7de"
WORDS = {
    "en": {
        "write": "You write the cell",
        "derives": "gated derives its backward pass",
        "back": "one step back",
        "own": "the parameters",
        "before": "to step $t-1$",
        "input": "to the input",
        "after": "from step $t+1$",
        "loss": "from the loss",
    },
    "zh": {
        "write": "你写出细胞的方程",
        "derives": "gated 推导出反向传播",
        "back": "反传一步",
        "own": "参数的梯度",
        "before": "传给第 $t-1$ 步",
        "input": "传给输入",
        "after": "来自第 $t+1$ 步",
        "loss": "来自损失",
    },
}


def math(latex: str) -> str:
    """As matplotlib can set it."""
    return "$" + latex.replace(r"\left(", "(").replace(r"\right)", ")") + "$"


class Back:
    """The backward pass of one step, in LaTeX."""

    def __init__(self, cell: gated.Cell) -> None:
        self.graph, self.steps = cell.graph, steps(cell.graph)
        self.notation = Notation(self.steps, True)
        self.previous = {self.graph.state_leaf(name): name for name in self.graph.states}
        self.x = self.graph.input_leaf(self.graph.inputs[0])

    def lines(self) -> list[str]:
        """The adjoint of every quantity, from the last equation to the first, then of what goes further back."""
        nodes = [quantity.symbol for quantity in reversed(self.steps.quantities)] + [*self.previous, self.x]
        return [math(f"{self.notation.adjoint_of_leaf(node)} = {self.notation.total(node)}") for node in nodes]

    def parameters(self) -> list[str]:
        """The gradient of every parameter."""
        return [self._parameter(name, shape) for name, shape in self.graph.parameters.items()]

    def _parameter(self, name: str, shape: tuple[str, ...]) -> str:
        if len(shape) == 2:
            pairs = self.steps.products[Matrix(*name.split("."), *shape)]
            terms = [self.notation.outer(delta, operand) for delta, operand in pairs]
        else:
            terms = [self.notation.total(leaf("vector", name, shape[0]))]
        symbol = self.notation.parameter(name)
        return math(
            rf"\partial E/\partial {symbol} = {self.notation.summed(terms)}".replace(r"\sum_{t=1}^{T}", r"{\sum}_t\,")
        )


def derivation(cell: gated.Cell, words: Mapping[str, str], font: str | None) -> Any:
    """The source beside the result."""
    source = inspect.getsource(cell.__wrapped__).rstrip().splitlines()
    quotes = [i for i, line in enumerate(source) if '"""' in line]
    source = source[: quotes[0]] + source[quotes[-1] + 1 :]  # the docstring has the references
    source[0] = "@gated.cell"  # which the package itself imports by its short name
    figure = plt.figure(figsize=(13.4, 6.4), dpi=110, facecolor="white")
    style = {"fontfamily": font} if font else {}

    def panel(left: float, width: float, title: str) -> None:
        figure.patches.append(Rectangle((left, 0.03), width, 0.85, transform=figure.transFigure, fc=PAPER, ec=EDGE))
        figure.text(left, 0.92, title, fontsize=16, color=INK, **style)

    panel(0.012, 0.385, words["write"])
    panel(0.412, 0.576, words["derives"])
    for i, line in enumerate(source):
        figure.text(0.024, 0.8 - 0.066 * i, line, fontsize=10.8, color=INK, family="DejaVu Sans Mono")
    back = Back(cell)
    for left, title, lines, color, size in (
        (0.424, words["back"], back.lines(), INK, 13.5),
        (0.812, words["own"], back.parameters(), BLUE, 13.0),
    ):
        figure.text(left, 0.836, title, fontsize=11, color=SOFT, **style)
        for i, line in enumerate(lines):
            figure.text(left, 0.787 - 0.0525 * i, line, fontsize=size, color=color)
    return figure


def roads(cell: gated.Cell, words: Mapping[str, str], font: str | None) -> Any:
    """Quantities from right to left as the gradient meets them, an arrow for every road."""
    back = Back(cell)
    columns = _columns(back.steps, [back.x, *back.previous])
    places = _places(back.steps, columns)
    names = {q.symbol: math(back.notation.value(q)) for q in back.steps.quantities}
    names |= {node: math(back.notation.symbol(name, "t-1")) for node, name in back.previous.items()}
    names[back.x] = math(back.notation.symbol(back.graph.inputs[0]))
    width, height = max(columns.values()) + 1, max(y for _, y in places.values())
    figure, axes = plt.subplots(figsize=(13.4, 6.2), dpi=110)
    axes.set_xlim(-width + 0.1, 1.05)
    axes.set_ylim(-height - 0.55, height + 0.45)
    axes.axis("off")
    style = {"fontfamily": font} if font else {}
    kinds = {q.symbol: q.kind for q in back.steps.quantities}
    for node, (x, y) in places.items():
        outside = node not in kinds
        argument = kinds.get(node) == ARGUMENT
        axes.text(
            x,
            y,
            names[node],
            fontsize=14 if argument else 17,
            color=SOFT if argument else INK,
            ha="center",
            va="center",
            zorder=4,
            bbox={"boxstyle": "round,pad=0.32", "fc": "white" if outside else PAPER, "ec": BLUE if outside else EDGE},
        )
        for user in back.steps.uses.get(node, []):
            _arrow(axes, places[user.user.symbol], (x, y), _label(back, user))
    for node, arrivals in back.steps.arriving.items():
        x, y = places[node]
        for seed in arrivals:  # the loss from above, the next step from the right or, inside, from below
            direct = seed is back.steps.direct
            start = (x + 0.3, y + 0.9) if direct else (x + 0.65, y) if x == 0 else (x + 0.25, y - 0.9)
            _arrow(axes, start, (x, y), "", RED)
            text = f"{words['loss' if direct else 'after']}\n{math(back.notation.names[seed])}"
            place = (start[0], start[1] + 0.08 if direct else start[1] - 0.08)
            axes.text(*place, text, fontsize=11, color=RED, ha="center", va="bottom" if direct else "top", **style)
    for node in [back.x, *back.previous]:
        x, y = places[node]
        text = words["input" if node is back.x else "before"]
        axes.text(x - 0.27, y, text, fontsize=11, color=BLUE, ha="right", va="center", zorder=5, **style)
    figure.subplots_adjust(0, 0, 1, 1)
    return figure


def _columns(found: Steps, ends: list[Node]) -> dict[Node, int]:
    """How many roads lie between a quantity and the end of the step, at most."""
    columns: dict[Node, int] = {}
    for node in [q.symbol for q in reversed(found.quantities)]:
        columns[node] = max([columns[use.user.symbol] + 1 for use in found.uses.get(node, [])], default=0)
    last = max(columns.values()) + 1
    return columns | dict.fromkeys(ends, last)


def _places(found: Steps, columns: Mapping[Node, int]) -> dict[Node, tuple[float, float]]:
    """Column by column; in a column, in the order of what they are used by."""
    places: dict[Node, tuple[float, float]] = {}
    for column in range(max(columns.values()) + 1):
        nodes = [node for node, own in columns.items() if own == column]

        def middle(node: Node) -> float:
            users = [places[use.user.symbol][1] for use in found.uses.get(node, [])]
            return sum(users) / len(users) if users else 0.0

        nodes.sort(key=middle, reverse=True)
        lift = 0.85 if len(nodes) == 1 and nodes[0] not in found.arriving else 0.0  # new states lie on the axis
        for i, node in enumerate(nodes):
            places[node] = -1.0 * column, 1.45 * ((len(nodes) - 1) / 2 - i) + lift
    return places


def _label(back: Back, use: Any) -> str:
    """The local derivative of a road; none for 1."""
    text = back.notation.slope(use)
    return "" if text == "1" else math(text + r"^{\top}" * bool(use.matrices))


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], label: str, color: str = SOFT) -> None:
    bend = 0.0 if abs(start[0] - end[0]) < 1.5 else 0.2 * (1 if start[1] > 0 or end[1] > 0 else -1)
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=13,
            color=color,
            lw=1.1,
            shrinkA=2 if color == RED else 20,  # red ones begin at no box
            shrinkB=20,
            zorder=1,
        )
    )
    if label:
        # of the start, where roads part, the more so the steeper they are
        rise = abs(start[1] - end[1])
        near = 0.5 if rise == 0 else 0.7 if bend else 0.8
        x, y = (near * a + (1 - near) * b for a, b in zip(start, end, strict=True))
        y += 2 * near * (1 - near) * bend * abs(start[0] - end[0]) * (1 if start[0] > end[0] else -1)
        axes.text(
            x,
            y,
            label,
            fontsize=11.5,
            color=INK,
            ha="center",
            va="center",
            zorder=5,
            bbox={"boxstyle": "square,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.9},
        )


def main() -> int:
    font = chinese_font()
    PICTURES.mkdir(exist_ok=True)
    plt.rcParams["mathtext.fontset"] = "cm"
    for lang, suffix in (("en", ""), ("zh", ".zh")):
        if lang == "zh" and font is None:
            print(f"no Chinese font is installed (one of {', '.join(CHINESE)}): the pictures with .zh stay as they are")
            continue
        for name, draw in (("derivation", derivation), ("roads", roads)):
            figure = draw(gated.cells.peephole_lstm, WORDS[lang], font if lang == "zh" else None)
            figure.savefig(PICTURES / f"{name}{suffix}.png")
            plt.close(figure)
        scene_pictures.draw(PICTURES, lang, suffix, font if lang == "zh" else None)
        house_pictures.draw(PICTURES, lang, suffix, font if lang == "zh" else None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
