"""The LSTM class that every search for online learning with peepholes finds, as a preset of `Online`.

The public Java program evolvingstuff/LongShortTermMemory (T. Lahore) has one class with the step `Next(input, target)`.
It is the cell `gated.cells.gers_lstm` under a linear output, learning by traces without the peepholes' part, by
stochastic gradient descent on ½ Σ (target - y)². Nothing of its update is written here: it is
`gated.schedule.traces.plan_traces(graph, peepholes=False)`, which leaves out what that class leaves out:

* nothing flows through h of the step before;
* nothing flows through a peephole, neither in the traces (they decay with f alone) nor from the output gate to the
  cell of the same step; a peephole's own weight has no trace and learns from the current step;
* traces stay as they are when the weights change, until `reset`.

All deltas of a step are made with the weights from before the step (the output weights change first, but each is read
before). `gated.learning.compare_gradients` says how far this is from the gradient.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from gated import cells
from gated.errors import wrong
from gated.learning.realtime.online import Online
from gated.learning.rules.optimizers import SGD
from gated.nn import Dense, Network, Recurrent, checks
from gated.nn.checks import generator
from gated.nn.losses import SquaredError
from gated.number_checks import above_zero

Array = np.ndarray[Any, Any]
GATES = ("g", "i", "f", "o")  # the order of that class: net input, input gate, forget gate, output gate


class LahoreLSTM:
    """LSTM cells that learn at every step by the rule of a public Java class, for comparison; float64, one sequence.

    The cell is `gated.cells.gers_lstm` under a linear output. The rule leaves out what flows through a peephole and
    through h of the step before; `gated.learning.compare_gradients` says how far that is from the gradient.

    Args:
        inputs: length of x_t.
        outputs: length of the prediction.
        cells: hidden units.
        learning_rate: of every update.
        seed: of the initial weights, which are U(±0.1); set `parameters` to begin elsewhere.

    Attributes:
        learner: the `gated.learning.Online` that does the work; `learner.network` is the network.
    """

    def __init__(self, inputs: int, outputs: int, cells: int, learning_rate: float = 0.07, seed: Any = 0) -> None:
        rate = above_zero("learning_rate", learning_rate)
        named = {"inputs": inputs, "outputs": outputs, "cells": cells}
        network = _network({name: checks.size(name, value) for name, value in named.items()}, seed)
        self.learner = Online(network, "online", SGD(rate), SquaredError(), peepholes=False)
        self._order = _parameter_order(network)

    def __getstate__(self) -> dict[str, Any]:
        return {"learner": self.learner}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.learner = state["learner"]
        self._order = _parameter_order(self.learner.network)

    def __copy__(self) -> LahoreLSTM:
        return copy.deepcopy(self)

    @property
    def parameters(self) -> Array:
        """All parameters in the order of that class, a copy; to change them assign a whole vector.

        For each cell: for each of the inputs, the hidden units and the bias: the weights of net input, input gate,
        forget gate, output gate; then the peepholes of input, forget and output gate. Afterwards for each hidden unit
        and the bias: the weights of all outputs.
        """
        return np.asarray(self.learner.network.theta[self._order])

    @parameters.setter
    def parameters(self, value: Any) -> None:
        vector = checks.array("parameters", value, self._order.shape, self.learner.network.dtype)
        if not np.isfinite(vector).all():
            raise wrong("parameters", "NaN or inf", "finite numbers")
        self.learner.network.theta[self._order] = vector

    def next(self, x: Any, target: Any = None) -> Array:
        """One step: x (inputs,) -> y (outputs,), the prediction; learns if there is a target (outputs,)."""
        return self.learner.step(x, target)

    def reset(self) -> None:
        """Begin a new sequence: cells, hidden units and traces become 0; parameters stay."""
        self.learner.reset()

    @property
    def hidden(self) -> Array:
        """The hidden units after the last step, (cells,), a copy."""
        return self.learner.network_state["rnn"][0][0, 0]


def _network(sizes: dict[str, int], seed: Any) -> Network:
    rng = generator(seed)
    rnn = Recurrent(cells.gers_lstm, sizes["inputs"], sizes["cells"], dtype="float64", seed=rng, init="uniform")
    head = Dense(sizes["cells"], sizes["outputs"], dtype="float64", seed=rng, init="uniform")
    return Network({"rnn": rnn, "head": head})


def _parameter_order(network: Network) -> Array:
    """Where in `network.theta` each parameter of that class lies."""
    at = network.params.like(np.arange(network.theta.size, dtype=np.float64))  # as parameters are
    cell = {key.removeprefix("rnn.l0."): at[key] for key in at if key.startswith("rnn.")}
    gates = [np.column_stack([cell[f"W.{g}"], cell[f"U.{g}"], cell[f"b.{g}"]]) for g in GATES]
    blocks = np.stack(gates, axis=2).reshape(len(gates[0]), -1)  # cell, (input, gate)
    peepholes = np.column_stack([cell["p.i"], cell["p.f"], cell["p.o"]])
    head = np.column_stack([at["head.W.y"], at["head.b.y"]]).T
    return np.concatenate([np.column_stack([blocks, peepholes]).ravel(), head.ravel()]).astype(np.int64)
