"""One step after the other, each a forward pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gated.backends.interface import Array, Pass
from gated.backends.reference import forward


class ReferenceStepper:
    """See `interface.Stepper`."""

    def __init__(self, given: Pass) -> None:
        self._given = given
        self.x = np.zeros_like(given.x)
        self.states = [np.zeros_like(state) for state in given.states]
        self.y = self.states[0]

    def step(self) -> Array:
        scan = forward.run(self._given._replace(x=self.x, states=self.states))
        self.y, self.states = scan.y, scan.last
        return self.y

    def put(self, states: Sequence[Array]) -> None:
        self.states = [np.array(state) for state in states]

    def take(self) -> list[Array]:
        return [np.array(state) for state in self.states]

    def refresh(self) -> None:
        """The parameters are read at every step."""
