"""Adapter: one function that computes a loss against targets, and its gradients: min-char-rnn's, or squares.

Its loss is not what is audited: the lines that compare outputs with targets are rewritten so that `targets` are the
adjoints of the outputs themselves, `inputs` that index a one-hot vector are that vector, and an output layer is the
identity. What is left is the recurrence and its backward pass, in their lines. Parameters may be globals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts
from gated.audit.foreign.arguments import TARGETS
from gated.audit.foreign.functions import Functions
from gated.audit.foreign.gradients import by_name
from gated.audit.foreign.holding import identity
from gated.audit.foreign.rewriting import rewritten
from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Parameters

Array = np.ndarray[Any, Any]


class LossFunction(Functions):
    """Their function of inputs and targets."""

    def __init__(self, source: Source, name: str, layout: str, initial: Any = None) -> None:
        super().__init__(source, name, name, layout, initial)
        self.targets = next((a.name for a in self.asked if TARGETS.match(a.name.lower())), "")
        self.asked = [a for a in self.asked if a.name != self.targets]
        self.parameters = [n for n in self.parameters if n != self.targets]
        self.layer = self._output_layer()
        self.asked_back = []
        x = self.names.get("x", "")
        self.rewritten: Any
        self.rewritten, self.hidden = rewritten(source, name, x, self.targets) if x and self.targets else (None, "")
        self.returned = [*self.returned, self.hidden]
        self.where = (name,)

    @property
    def fits(self) -> bool:
        return self.rewritten is not None and bool(self.parameters)

    def held(self, P: Parameters) -> Any:
        D, H = self.sizes_of(P)
        theirs = {n: P.get(n, identity(s, H)) for n, s in self._all_shapes(D, H).items()}
        self.set_outside(theirs, D, H)
        return self.held_for({n: v for n, v in theirs.items() if n not in self.outside}, D, H)

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        nothing = np.zeros((*x.shape[:2], self._H))
        found = self._outputs(self._both_ways(P, x, states, nothing), x)
        if found is None:
            raise ValueError("no hidden states of every step")
        return found, None

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        result = self._both_ways(P, x, states, dy)
        loss = [v for v in result if isinstance(v, (float, np.floating))]
        size = float(np.sum(dy**2))
        factor = 2 * float(loss[0]) / size if loss and loss[0] > 0 and size else 1.0  # of squares: c/2 |y - target|^2
        return {n: np.asarray(v) / factor for n, v in by_name(self, tuple(result)[:-1], x).items()}

    def _both_ways(self, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Any:
        """What their function returns for targets that are adjoints, and the hidden states."""
        layout = self.y_layout or self.layout
        self.forward_function = self._with_targets(layouts.to_theirs(dy, layout, "TND"))
        return self._call(P, x, states)[1]

    def _with_targets(self, targets: Any) -> Any:
        def function(**given: Any) -> Any:
            return self.rewritten(**given, **{self.targets: targets})

        function.__name__ = self.where[0]
        return function


def loss_functions(source: Source, name: str | None) -> Iterator[str]:
    """Names of functions that take targets and inputs."""
    for function in source.functions:
        names = source.arguments(function, keywords=True)
        if name in (None, function) and any(TARGETS.match(n.lower()) for n in names):
            yield function
