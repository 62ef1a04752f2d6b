"""What the figures should come to, and whether they do. Nothing is asserted anywhere: this is printed.

A figure is a ratio theirs / ours (greater is better), or for `start` and `overhead` seconds (smaller is better).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.comparisons import COMPARISONS
from benchmarks.points import BIDIRECTIONAL, UPDATE, Point
from benchmarks.ratios import geometric_mean

Figures = Mapping[Point, float]  # the median at each point


@dataclass(frozen=True)
class Target:
    """One promise.

    Attributes:
        text: what it says.
        comparisons: keys; with several, the figure at a point is that against the best of the peers.
        how: a key of HOW, turning the figures at the points into one.
        bound: what it has to reach.
        at: the points that count; all if None.
        at_most: the figure has to stay under the bound.
        unit: written after the figure.
    """

    text: str
    comparisons: tuple[str, ...]
    how: str
    bound: float
    at: tuple[Point, ...] | None = None
    at_most: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Verdict:
    """A target and what came out.

    Attributes:
        figure: None if nothing of it was measured.
        where: the point of the lowest (or highest) figure; empty for a mean.
        measured, points: how many points were measured, of how many.
    """

    target: Target
    figure: float | None
    where: str = ""
    measured: int = 0
    points: int = 0

    @property
    def reached(self) -> bool | None:
        """None if nothing was measured."""
        if self.figure is None:
            return None
        bound = self.target.bound
        return self.figure <= bound if self.target.at_most else self.figure >= bound

    @property
    def word(self) -> str:
        """For the table: yes, no, or why neither. A part of the points cannot say yes for all of them."""
        if self.reached is None:
            return "not measured"
        text = "yes" if self.reached else "**no**"
        return text if self.measured == self.points else f"{text}, at {self.measured} of {self.points} points"


def _lowest(figures: Figures) -> tuple[float, str]:
    point = min(figures, key=lambda p: figures[p])
    return figures[point], str(point)


def _highest(figures: Figures) -> tuple[float, str]:
    point = max(figures, key=lambda p: figures[p])
    return figures[point], str(point)


def _mean(figures: Figures) -> tuple[float, str]:
    return geometric_mean(list(figures.values())), ""


HOW: dict[str, Callable[[Figures], tuple[float, str]]] = {
    "lowest": _lowest,
    "highest": _highest,
    "geometric mean": _mean,
}
_INFER = ("infer.torch", "infer.onnx")
_BOTH_WAYS = ("infer.bidirectional.torch", "infer.bidirectional.onnx")
_RATES = ("rate.lstm", "rate.gru", "rate.peephole")

TARGETS = (
    Target("Whole update over PyTorch, LSTM, 103 symbols, H up to 256", ("update.lstm",), "lowest", 1.3, UPDATE[:4]),
    Target("Whole update over PyTorch, LSTM, 103 symbols, H = 512", ("update.lstm",), "lowest", 1.1, UPDATE[4:]),
    Target("Whole update over PyTorch, LSTM, 103 symbols", ("update.lstm",), "geometric mean", 1.5),
    Target("Whole update over PyTorch, GRU, 103 symbols", ("update.gru",), "lowest", 1.8),
    Target("Whole update over JAX, peephole LSTM, 103 symbols", ("update.peephole",), "lowest", 2.0),
    Target("Whole update over PyTorch, LSTM, 10,000 symbols", ("update.words",), "lowest", 2.0),
    Target("Whole update of a captioner over PyTorch, LSTM, 120 words", ("caption.lstm",), "lowest", 1.3),
    Target("Whole update of a captioner over PyTorch, the assignment's", ("caption.assignment",), "lowest", 1.1),
    Target("Whole update of a captioner over PyTorch, the scenes'", ("caption.scenes",), "lowest", 1.3),
    Target("LSTM training over PyTorch, everywhere", ("lstm",), "lowest", 1.0),
    Target("LSTM training over PyTorch", ("lstm",), "geometric mean", 1.5),
    Target("GRU training over PyTorch, everywhere", ("gru",), "lowest", 1.2),
    Target("GRU training over PyTorch", ("gru",), "geometric mean", 3.0),
    Target("Peephole training over JAX, everywhere", ("peephole",), "lowest", 1.2),
    Target("Peephole training over JAX", ("peephole",), "geometric mean", 2.0),
    Target("Peephole training over PyTorch eager, everywhere", ("eager",), "lowest", 2.5),
    Target("Peephole training over PyTorch eager, 100x1x64", ("eager",), "lowest", 30.0, (Point(100, 1, 64),)),
    Target("LSTM inference over the better of PyTorch and ONNX Runtime, everywhere", _INFER, "lowest", 1.0),
    Target("LSTM inference over the better of PyTorch and ONNX Runtime", _INFER, "geometric mean", 1.15),
    *(
        Target(
            f"Two bidirectional LSTM layers, inference, over the better of both, {at}",
            _BOTH_WAYS,
            "lowest",
            bound,
            (at,),
        )
        for at, bound in zip(BIDIRECTIONAL, (1.3, 1.15), strict=True)
    ),
    Target("Sampling 2,000 characters over PyTorch", ("sample.torch",), "lowest", 5.0),
    Target("Sampling 2,000 characters over ONNX Runtime", ("sample.onnx",), "lowest", 2.0),
    Target("One streaming step over ONNX Runtime", ("stream",), "lowest", 3.0),
    # 0.97: two measurements of one and the same thing differ by that much here and there
    Target("A user's cell over the same cell built in, everywhere", ("user.same",), "lowest", 0.97),
    Target("A user's peephole LSTM over our built-in LSTM", ("user.lstm",), "geometric mean", 0.97),
    *(Target(f"Training step at H >= 256 over sgemm's rate ({key[5:]})", (key,), "lowest", 0.8) for key in _RATES),
    *(
        Target(f"Time loops at H >= 256 over sgemm's rate ({key[5:]})", (f"{key}.scan",), "lowest", 0.9)
        for key in _RATES
    ),
    Target("Peak memory, PyTorch's over ours, LSTM, everywhere", ("memory.lstm",), "lowest", 1.0),
    Target("Peak memory, PyTorch's over ours, GRU, everywhere", ("memory.gru",), "lowest", 1.0),
    Target("Peak memory of whole updates, PyTorch's over ours, 103 symbols", ("memory.update",), "lowest", 1.0),
    Target("Peak memory of whole updates, PyTorch's over ours, 10,000 symbols", ("memory.words",), "lowest", 1.0),
    Target("Python part of forward and backward", ("overhead.call",), "highest", 25e-6, at_most=True, unit=" s"),
    Target("Python part of inference", ("overhead.infer",), "highest", 15e-6, at_most=True, unit=" s"),
    Target("A new shape, forward and backward", ("overhead.shape",), "highest", 1e-4, at_most=True, unit=" s"),
    Target("A new shape, a whole update", ("overhead.update",), "highest", 1e-4, at_most=True, unit=" s"),
    Target("Compilation of forward and backward, cold", ("start.cold",), "highest", 1.0, at_most=True, unit=" s"),
    Target("The same from the disk cache", ("start.cached",), "highest", 0.05, at_most=True, unit=" s"),
)


def better_of(tables: Sequence[Figures]) -> dict[Point, float]:
    """The lowest figure at each point that all tables have: the ratio to the best of several peers."""
    common = [point for point in tables[0] if all(point in table for table in tables)]
    return {point: min(table[point] for table in tables) for point in common}


def verdict(target: Target, figures: Mapping[str, Figures]) -> Verdict:
    """Judge a target by the figures of each comparison (key -> point -> figure); what is missing was not measured."""
    expected = set(target.at or next(c.points for c in COMPARISONS if c.key == target.comparisons[0]))
    tables = [figures.get(key, {}) for key in target.comparisons]
    found = {point: figure for point, figure in better_of(tables).items() if target.at is None or point in target.at}
    if not found:
        return Verdict(target, None, points=len(expected))
    figure, where = HOW[target.how](found)
    return Verdict(target, figure, where, len(expected & found.keys()), len(expected))


def verdicts(figures: Mapping[str, Figures]) -> list[Verdict]:
    """Every target that has something to do with what was measured."""
    return [verdict(target, figures) for target in TARGETS if any(key in figures for key in target.comparisons)]
