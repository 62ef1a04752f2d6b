"""The network of a forecaster: at every step it foretells all horizons, each with its quantiles.

A recurrent layer reads the series, and the head reads its output beside the straight road's numbers. That all horizons
are foretold at every step, so that one chain teaches at all of them, is after Wen, Torkkola, Narayanaswamy & Madeka
(2017), A multi-horizon quantile recurrent forecaster (forking sequences).

Legend: W steps of a window, N windows, H horizons, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data import Sequences
from gated.models.forecaster.features import Prepared, Shape, inputs_of, straight_of, targets_of
from gated.models.forecaster.rows import Rows

Array = NDArray[Any]
INPUTS, STRAIGHT = "inputs", "straight"
FAR = 5.0  # sizes, beyond which the recurrent layer is told nothing: its gates would be driven to their ends
AT_ONCE = 512  # windows that are read together: bounds the memory


def network_of(
    shape: Shape, quantiles: int, cell: Any, hidden_size: int, num_layers: int, seed: int, dtype: str
) -> Any:
    """With fresh parameters."""
    from gated.nn import Dense, Recurrent, WiredNetwork

    rnn = Recurrent(cell, shape.inputs, hidden_size, num_layers=num_layers, dtype=dtype, seed=seed)
    joined = Dense(rnn.output_size + shape.straight, hidden_size, "tanh", dtype=dtype, seed=seed + 1)
    head = Dense(hidden_size + shape.straight, shape.horizon * quantiles, dtype=dtype, seed=seed + 2)
    wires = {"rnn": INPUTS, "joined": ["rnn", STRAIGHT], "head": ["joined", STRAIGHT]}
    return WiredNetwork({"rnn": rnn, "joined": joined, "head": head}, wires)


def begin_at(network: Any, weights: Array, intercepts: Array) -> None:
    """Let the network give what the straight road gives: weights (H, F), intercepts (H, Q) with the quantiles in them.

    What the recurrent layer says counts nothing yet; the head learns to listen to it.
    """
    head = network.layers["head"].params
    inner = network.layers["joined"].output_size
    head["W.y"][:, :inner] = 0
    head["W.y"][:, inner:] = np.repeat(weights, intercepts.shape[1], 0)
    head["b.y"][...] = intercepts.ravel()


@dataclass(frozen=True)
class Sizes:
    """The size of each number that is read, (D,) and (F,): by it is divided."""

    inputs: Array
    straight: Array


@dataclass(frozen=True)
class Tables:
    """What the network reads and what it is to foretell, of each series at every step."""

    inputs: list[Array]
    straight: list[Array]
    targets: list[Array]

    @classmethod
    def of(cls, given: Sequence[Prepared], shape: Shape, sizes: Sizes, dtype: Any) -> Tables:
        steps = [np.arange(len(own)) for own in given]
        return cls(
            [np.clip(inputs_of(own, shape) / sizes.inputs, -FAR, FAR).astype(dtype) for own in given],
            [
                (straight_of(own, shape, at) / sizes.straight).astype(dtype)
                for own, at in zip(given, steps, strict=True)
            ],
            [targets_of(own, shape, at).astype(dtype) for own, at in zip(given, steps, strict=True)],
        )


def foretold(network: Any, tables: Tables, rows: Rows, window: int, quantiles: int) -> Array:
    """(R, H, Q): what the network says at these places, each read from its own window of at most `window` steps."""
    found = []
    for n in range(0, len(rows.steps), AT_ONCE):
        own = rows.take(slice(n, n + AT_ONCE))
        begins = np.maximum(own.steps + 1 - window, 0)
        lengths = own.steps + 1 - begins
        batch = _windows(tables, own.series, begins, lengths)
        y, _ = network.infer(batch.x, None, batch.lengths)
        found.append(y[lengths - 1, np.arange(len(lengths))])
    whole = np.concatenate(found).astype(np.float64)
    return whole.reshape(len(whole), -1, quantiles)


def batches_of(
    tables: Tables, rows: Rows, window: int, batch_size: int, rng: np.random.Generator
) -> Iterator[Sequences]:
    """One pass: windows over all series from a place of chance on, in random order.

    In a window that begins in the middle of a series its first quarter is read and does not count, for the state is
    not yet what it will be.
    """
    counts = [np.zeros(len(own), bool) for own in tables.inputs]
    for number, step in zip(rows.series.tolist(), rows.steps.tolist(), strict=True):
        counts[number][step] = True
    stride, begins = window - window // 4, []
    for number, own in enumerate(counts):
        first = int(rng.integers(stride)) - stride
        for start in range(first, len(own) - 1, stride):
            begins.append((number, max(start, 0), min(start + window, len(own))))
    found = [(number, start, end) for number, start, end in begins if end > start and counts[number][start:end].any()]
    order = rng.permutation(len(found))
    for n in range(0, len(order), batch_size):
        own = np.array([found[k] for k in order[n : n + batch_size]])
        batch = _windows(tables, own[:, 0], own[:, 1], own[:, 2] - own[:, 1])
        mask = np.zeros(batch.x[INPUTS].shape[:2], bool)
        for k, (number, start, end) in enumerate(own.tolist()):
            quiet = window // 4 if start else 0
            mask[quiet : end - start, k] = counts[number][start + quiet : end]
        if mask.any():
            yield batch._replace(mask=mask)


def _windows(tables: Tables, series: Array, begins: Array, lengths: Array) -> Sequences:
    """So many steps of these series from these on, side by side: x by name, targets (W, N, H) NaN beyond the end."""
    steps, count = int(lengths.max()), len(lengths)
    x = {
        name: np.zeros((steps, count, tables_[0].shape[1]), tables_[0].dtype)
        for name, tables_ in ((INPUTS, tables.inputs), (STRAIGHT, tables.straight))
    }
    target = np.full((steps, count, tables.targets[0].shape[1]), np.nan, tables.targets[0].dtype)
    for k, (number, begin, length) in enumerate(zip(series.tolist(), begins.tolist(), lengths.tolist(), strict=True)):
        piece = slice(begin, begin + length)
        x[INPUTS][:length, k] = tables.inputs[number][piece]
        x[STRAIGHT][:length, k] = tables.straight[number][piece]
        target[:length, k] = tables.targets[number][piece]
    return Sequences(x, target, {INPUTS: lengths, STRAIGHT: lengths})
