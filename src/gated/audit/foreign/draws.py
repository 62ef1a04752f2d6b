"""Numbers on which somebody's code is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Draw:
    """Numbers on which their code is run: ordinary weights, states that are not zero."""

    P: dict[str, Array]
    x: Array
    states: dict[str, Array]

    def all(self) -> dict[str, Array]:
        return {**self.P, "x": self.x, **self.states}

    def moved(self, name: str, place: tuple[int, ...], by: complex) -> Draw:
        """With one number moved; complex everywhere where `by` is, for arrays of one dtype are what code expects."""
        kind = complex if isinstance(by, complex) else float

        def part(key: str, value: Array) -> Array:
            value = value.astype(kind)
            if key == name:
                value[place] += by
            return value

        return Draw(
            {n: part(n, v) for n, v in self.P.items()},
            part("x", self.x),
            {s: part(s, v) for s, v in self.states.items()},
        )

    def along(self, name: str, change: Array) -> Draw:
        """With one array changed."""

        def part(key: str, value: Array) -> Array:
            return value + change if key == name else value

        return Draw(
            {n: part(n, v) for n, v in self.P.items()},
            part("x", self.x),
            {s: part(s, v) for s, v in self.states.items()},
        )


class Drawn(Protocol):
    """Whose numbers are drawn: their code here, or in the child process."""

    @property
    def states(self) -> tuple[str, ...]: ...

    @property
    def equal_sizes(self) -> bool: ...

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]: ...


def draw(subject: Drawn, T: int, N: int, D: int, H: int, rng: np.random.Generator) -> Draw:
    D = H if subject.equal_sizes else D
    P = {n: 0.5 * rng.standard_normal(shape) for n, shape in subject.shapes(D, H).items()}
    states = {s: rng.standard_normal((N, H)) for s in subject.states}
    return Draw(P, rng.standard_normal((T, N, D)), states)
