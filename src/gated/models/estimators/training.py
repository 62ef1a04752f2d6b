"""Batches of sequences with their answers, and the run that learns from them.

N sequences of a batch, T steps of its longest, R steps of all sequences, D inputs, V outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gated.data.sequences import Sequences
from gated.learning import Judge, Report, Run
from gated.learning.training.loop import epoch_generator
from gated.models.schooling import schooling

Array = np.ndarray[Any, Any]
AT_ONCE = 2**16  # steps that are looked at together where nothing is learned: bounds the memory


class SequenceBatches:
    """Sequences as a network takes them, so many at a time.

    Args:
        inputs: (R, D), as `Scaling.apply` gives them.
        lengths: (N,).
        answers: (N, ...), or (R, ...) if there is one at every step; None where they are asked for.
        weights: (N,) or (R,), how much each answer counts, on the average 1; None: 1 each.
        at_steps: whether there is an answer at every step.
    """

    def __init__(
        self, inputs: Array, lengths: Array, answers: Array | None, weights: Array | None, at_steps: bool
    ) -> None:
        self.lengths, self.at_steps = lengths, at_steps
        self._rows = np.concatenate([inputs, np.zeros((1, inputs.shape[1]), inputs.dtype)])  # the last one pads
        self._starts = np.cumsum(lengths) - lengths
        self._even = bool((lengths == lengths[0]).all())
        self._answers = answers
        self._weights = np.ones(len(inputs) if at_steps else len(lengths)) if weights is None else weights
        if at_steps:  # the padding has an answer that does not count
            self._weights = np.append(self._weights, 0.0)
            if answers is not None:
                self._answers = np.concatenate([answers, np.zeros((1, *answers.shape[1:]), answers.dtype)])

    def __len__(self) -> int:
        return len(self.lengths)

    def of(self, indices: Array) -> Sequences:
        """These sequences, padded to the longest of them. The weights are such that the loss's sum is a mean."""
        lengths = self.lengths[indices]
        steps = np.arange(lengths.max())[:, None]
        places = self._starts[indices] + steps  # (T, N)
        if not self._even:
            places = np.where(steps < lengths, places, len(self._rows) - 1)
        x, ends = self._rows[places], None if self._even else lengths
        own = places if self.at_steps else indices
        target = None if self._answers is None else self._answers[own]
        mask = self._weights[own] / (lengths.sum() if self.at_steps else len(indices))
        if self.at_steps:
            return Sequences(x, target, ends, mask, indices)
        return Sequences({"x": x}, target, {"x": ends}, mask, indices)

    def shuffled(self, batch_size: int, seed: int) -> Callable[[int], Iterator[Sequences]]:
        """Batches of a pass, in an order of its own, of nearly equal size."""
        count = -(-len(self) // batch_size)

        def batches(epoch: int) -> Iterator[Sequences]:
            order = epoch_generator(seed, epoch).permutation(len(self))
            return (self.of(indices) for indices in np.array_split(order, count))

        return batches

    def in_order(self) -> Iterator[Sequences]:
        """All of them, a bounded number of steps at a time."""
        count = max(1, AT_ONCE // int(self.lengths.max()))
        return (self.of(np.arange(k, min(k + count, len(self)))) for k in range(0, len(self), count))

    def outputs(self, network: Any) -> Array:
        """What the network gives: (N, V), or at every step (R, V)."""
        found = []
        for batch in self.in_order():
            y = network.infer(batch.x, None, batch.lengths)[0]
            if self.at_steps:  # (T, N, V) -> the rows of one sequence behind those of the other
                y, lengths = y.swapaxes(0, 1), self.lengths[batch.indices]
                y = y[np.arange(y.shape[1]) < lengths[:, None]]
            found.append(y)
        return found[0] if len(found) == 1 else np.concatenate(found)

    def accuracy(self, rows: Array) -> float:
        """The part of the weights of those answers that the largest of the outputs is right about."""
        assert self._answers is not None
        right = rows.argmax(axis=1) == self._answers[: len(rows)]
        return float(np.average(right, weights=self._weights[: len(rows)]))

    def loss(self, rows: Array, loss: Any) -> float:
        """The mean over the outputs of a loss that sums."""
        assert self._answers is not None
        weights = self._weights[: len(rows)]
        return float(loss(rows, self._answers[: len(rows)], weights / weights.sum())[0])


def run_of(
    network: Any,
    loss: Any,
    batches: SequenceBatches,
    validate: Callable[[], Any] | None = None,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    clip: float = 1.0,
    patience: int | None = None,
    seed: int = 0,
    verbose: bool = False,
) -> Run:
    """A run of so many passes; whoever calls `run.run()` restores the best weights afterwards.

    Args:
        network: learns.
        loss: one that sums.
        batches: what it learns from.
        validate: see `gated.learning.Judge`.
        epochs: passes.
        batch_size: sequences of an update.
        learning_rate: the highest one; it rises over the first twentieth of the updates, then falls along a cosine.
        clip: bound on the gradient's norm; 0: none.
        patience: evaluations without a better value that end it; there are 50 at most, of a pass or more each.
        seed: of the order and of dropout.
        verbose: tell what happens.
    """
    per_epoch = -(-len(batches) // batch_size)
    total = epochs * per_epoch
    training = schooling(
        network,
        loss,
        batches.shuffled(batch_size, seed),
        total=total,
        optimizer="adam",
        lr=learning_rate,
        warmup=total // 20,
        clip=clip,
        seed=seed,
    )
    return Run(
        training,
        total,
        judge=None if validate is None else Judge(validate, patience=patience),
        callbacks=[Report()] if verbose else [],
        evaluate_every=per_epoch * max(1, epochs // 50),
        log_every=per_epoch * max(1, epochs // 50),
        per_epoch=per_epoch,
    )
