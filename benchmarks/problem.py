"""One random problem: weights, input and cotangent, the same in every process.

The names are those of the cell's equations: `W.i` (H, D), `U.i` (H, H), `b.i` and `p.i` (H,); rows are outputs.
What a side computes is a mapping too: `y` (T, N, H); in training also `dx` (T, N, D) and `dW.i`, `dU.i`, ...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.points import Point

Array = np.ndarray[Any, Any]
Numbers = dict[str, Array]

GATES = {"lstm": "ifgo", "peephole": "ifgo", "user": "ifgo", "gru": "rzn"}
PEEPHOLES = "ifo"
TASKS = (
    "train",
    "infer",
    "stream",
    "scan",
    "online",
    "online_step",
    "update",
    "caption",
    "bidirectional",
    "sample",
    "sample_model",
)


@dataclass(frozen=True)
class Problem:
    """A cell at a point.

    Attributes:
        cell: a key of GATES; `user` is `peephole` once more, written outside of the package.
        point: the sizes.
        seed: of all random numbers.
        vocabulary: symbols of the language model around the cell (`benchmarks.language`); 0 for the cell alone.
    """

    cell: str
    point: Point
    seed: int = 0
    vocabulary: int = 0

    @property
    def gates(self) -> str:
        return GATES[self.cell]

    def shorter(self, steps: int) -> Problem:
        """The same with fewer steps."""
        return replace(self, point=replace(self.point, steps=steps))

    def _random(self, purpose: int) -> np.random.Generator:
        point = self.point
        return np.random.default_rng([self.seed, purpose, point.steps, point.batch, point.hidden])

    def weights(self) -> Numbers:
        """U(-1/sqrt(H), 1/sqrt(H)), biases and peepholes too: what PyTorch starts from. float32."""
        return self.uniform(self._random(1), self.shapes(self.point.hidden))

    def shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Of the cell's weights, for so many inputs."""
        hidden = self.point.hidden
        found: dict[str, tuple[int, ...]] = {}
        for family, shape in (("W", (hidden, inputs)), ("U", (hidden, hidden)), ("b", (hidden,))):
            found |= {f"{family}.{gate}": shape for gate in self.gates}
        if self.cell == "gru":
            found["b.hn"] = (hidden,)
        if self.cell in ("peephole", "user"):
            found |= {f"p.{gate}": (hidden,) for gate in PEEPHOLES}
        return found

    def uniform(self, random: np.random.Generator, shapes: Mapping[str, tuple[int, ...]]) -> Numbers:
        """U(-1/sqrt(H), 1/sqrt(H)), float32."""
        bound = self.point.hidden**-0.5
        return {name: random.uniform(-bound, bound, shape).astype(np.float32) for name, shape in shapes.items()}

    def x(self) -> Array:
        """Input (T, N, D), normal, float32."""
        return self._normal(2)

    def r(self) -> Array:
        """Cotangent of y (T, N, H): the loss is sum(y * r)."""
        return self._normal(3)

    def _normal(self, purpose: int) -> Array:
        point = self.point
        return self._random(purpose).standard_normal((point.steps, point.batch, point.hidden), np.float32)

    def flops(self, task: str) -> float:
        """Floating point operations of the matrix products in one call; elementwise work is not counted.

        A product with a matrix of G gates takes 2 G H D (or H) per row; its backward pass takes two of that size.
        `scan` are the products that cannot leave the time loops: U h forward, its transpose with the adjoints back.
        """
        point = self.point
        rows, inputs, hidden = point.steps * point.batch, point.hidden, point.hidden
        gates = 2.0 * len(self.gates) * hidden
        if task == "train":
            return 3 * rows * gates * (inputs + hidden)
        if task == "scan":
            return 2 * rows * gates * hidden
        return gates * (inputs + hidden) * (rows if task == "infer" else 1)


def stacked(weights: Numbers, family: str, gates: str) -> Array:
    """One family's members one above the other, in the order of the gates: (len(gates) * H, ...)."""
    return np.concatenate([weights[f"{family}.{gate}"] for gate in gates])


def unstacked(gradient: Array, family: str, gates: str) -> Numbers:
    """The inverse, for gradients: `dW.i`, ..."""
    return {f"d{family}.{gate}": block for gate, block in zip(gates, np.split(gradient, len(gates)), strict=True)}
