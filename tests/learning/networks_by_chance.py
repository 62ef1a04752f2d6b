"""Random networks, batches and optimizers: a strategy for Hypothesis, and what is made of its draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import gated
from gated.learning import SGD, Adam, AdamW, RMSProp
from gated.losses import SigmoidCrossEntropy, SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Embedding, Network, Recurrent

CELLS = ("lstm", "gru", "gru_reset_after", "rnn", "peephole_lstm", "projected_lstm", "slstm", "indrnn")
LOSSES = {
    "classes": SoftmaxCrossEntropy,
    "probabilities": SoftmaxCrossEntropy,
    "squares": SquaredError,
    "sigmoid squares": SigmoidSquaredError,
    "bits": SigmoidCrossEntropy,
}
RULES: dict[str, Any] = {
    "sgd": lambda: SGD(0.1),
    "decay": lambda: SGD(0.1, weight_decay=0.1),
    "momentum": lambda: SGD(0.1, momentum=0.9),
    "nesterov": lambda: SGD(lambda k: 0.1 / (1 + k), momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda: RMSProp(0.01),
    "rmsprop momentum": lambda: RMSProp(0.01, momentum=0.5),
    "adam": lambda: Adam(0.01),
    "adamw": lambda: AdamW(lambda k: 0.01 if k < 2 else 0.005),
}


@dataclass(frozen=True)
class Drawn:
    """A network, its batch, its loss and optimizer, by what makes them."""

    table: bool
    stacks: tuple[tuple[str, int, int, bool, float], ...]  # cell, hidden, layers, bidirectional, dropout
    dense: tuple[tuple[int, str | None], ...]  # behind the stacks: size, activation
    inputs: int
    steps: int
    sequences: int
    batch_first: bool
    loss: str
    reduction: str
    masked: str
    lengths: bool
    rule: str
    clip: float | None
    state: bool
    draws: bool  # whether dropout is drawn
    seed: int
    inwards: bool = False  # whether the adjoints of x and of the initial states are asked for

    def network(self, backend: str, dtype: str) -> Network:
        layers: dict[str, Any] = {}
        size = self.inputs
        common = {"dtype": dtype, "backend": backend}
        if self.table:
            layers["embed"] = Embedding(9, size, seed=self.seed, **common)
        for k, (cell, hidden, count, both, dropout) in enumerate(self.stacks):
            options: dict[str, Any] = {"num_layers": count, "bidirectional": both, "batch_first": self.batch_first}
            options["dropout"] = dropout if count > 1 else 0.0
            if cell == "projected_lstm":
                options["sizes"] = {"h": max(1, hidden - 2)}
            layer = Recurrent(gated.cells.ZOO[cell], size, hidden, seed=self.seed + k, **options, **common)
            layers[f"rnn{k}"], size = layer, layer.output_size
        for k, (width, activation) in enumerate(self.dense):
            layers[f"dense{k}"], size = Dense(size, width, activation, seed=self.seed + 9 + k, **common), width
        return Network(layers)

    def batch(self, network: Network, dtype: str) -> tuple[Any, ...]:
        """x, target, lengths, mask."""
        rng = np.random.default_rng(self.seed)
        lead, size = (self.steps, self.sequences), network.output_size
        x = rng.integers(0, 9, lead) if self.table else rng.standard_normal((*lead, self.inputs)).astype(dtype)
        target: Any = rng.random((*lead, size)).astype(dtype)
        if self.loss == "classes":
            target = rng.integers(0, size, lead)
        mask = {"none": None, "some": rng.random(lead) < 0.7, "weights": rng.random(lead)}[self.masked]
        lengths = None
        if self.lengths:
            lengths = rng.integers(0, self.steps + 1, self.sequences)
            lengths[0] = self.steps
        if mask is not None:
            mask[0, 0] = 1  # something counts
            if lengths is not None:
                mask *= np.arange(self.steps)[:, None] < lengths
        if self.batch_first:
            x, target, mask = (None if a is None else a.swapaxes(0, 1) for a in (x, target, mask))
        return x, target, lengths, mask

    def initial(self, network: Network, dtype: str) -> Any:
        """A state, or None."""
        if not self.state:
            return None
        rng = np.random.default_rng(self.seed + 1)
        zeros = network.initial_state(self.sequences)
        return {k: tuple(rng.standard_normal(a.shape).astype(dtype) / 2 for a in own) for k, own in zeros.items()}

    def amplified(self, dtype: str, run: Callable[[Network, str], Sequence[Any]]) -> float:
        """How far off the results are where nothing is wrong but rounding: the reference's in this dtype, and in
        float64 those of parameters that are off by half a unit in the last place of this dtype.

        One of these alone may be near by chance, however much the network amplifies.
        """
        exact, rounded = self.network("reference", "float64"), self.network("reference", dtype)
        exact.theta[:] = rounded.theta
        wanted, found = run(exact, "float64"), [run(rounded, dtype)]
        own, rng, half = exact.theta.copy(), np.random.default_rng(self.seed), np.finfo(dtype).eps / 2
        for _ in range(3):
            exact.theta[:] = own * (1 + half * rng.uniform(-1, 1, own.size))
            found.append(run(exact, "float64"))
        return max(distance(one, other) for results in found for one, other in zip(results, wanted, strict=True))

    def rng(self) -> Any:
        return np.random.default_rng(self.seed + 2) if self.draws else None


def distance(one: Any, other: Any) -> float:
    """The largest difference, as a part of the largest number if that is above 1."""
    assert np.shape(one) == np.shape(other)
    return float(np.max(np.abs(one - other), initial=0.0) / max(1.0, np.max(np.abs(other), initial=0.0)))


@st.composite
def drawn(draw: Any) -> Drawn:
    """A case. Small numbers: what is odd is more often so."""
    stacks = draw(
        st.lists(
            st.tuples(
                st.sampled_from(CELLS),
                st.integers(1, 19),
                st.integers(1, 2),
                st.booleans(),
                st.sampled_from([0.0, 0.4]),
            ),
            min_size=1,
            max_size=2,
        )
    )
    sizes = st.sampled_from([2, 3, 17])
    dense = st.lists(st.tuples(sizes, st.sampled_from([None, None, "tanh", "softplus"])), max_size=2)
    return Drawn(
        table=draw(st.booleans()),
        stacks=tuple(stacks),
        dense=tuple(draw(dense)),
        inputs=draw(st.integers(1, 18)),
        steps=draw(st.integers(1, 9)),
        sequences=draw(st.sampled_from([1, 2, 3, 7, 16])),
        batch_first=draw(st.booleans()),
        loss=draw(st.sampled_from(list(LOSSES))),
        reduction=draw(st.sampled_from(["mean", "sum"])),
        masked=draw(st.sampled_from(["none", "some", "weights"])),
        lengths=draw(st.booleans()),
        rule=draw(st.sampled_from(list(RULES))),
        clip=draw(st.sampled_from([None, 0.05, 100.0])),
        state=draw(st.booleans()),
        draws=draw(st.booleans()),
        seed=draw(st.integers(0, 999)),
        inwards=draw(st.booleans()),
    )
