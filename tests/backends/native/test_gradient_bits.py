"""Where the gradients of parameters are the same bits for any number of threads.

Rows of groups of sequences that lie apart are summed apart (see `groups`): nothing else depends on the threads.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import gated
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED
from gated.data.sequences import Sequences
from gated.learning import gradients
from gated.losses import SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Embedding, Network, Recurrent

SIZES = [(9, 1), (300, 1), (1, 5), (9, 2), (40, 11), (70, 13)]  # T, N
OPTIONS: list[dict[str, Any]] = [{}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True}]


@pytest.fixture(autouse=True)
def many_threads(monkeypatch: pytest.MonkeyPatch) -> Any:
    """However small the work is, all threads have a part of it."""
    before = gated.get_num_threads()
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)  # fewer sequences than threads: they share the columns
    yield
    gated.set_num_threads(before)


def series(cell: str, hidden: int, dtype: str, **options: Any) -> Network:
    """Numbers in and out."""
    layer = Recurrent(gated.cells.ZOO[cell], 5, hidden, dtype=dtype, seed=1, **options)
    first, last = Dense(6, 5, "tanh", dtype=dtype, seed=2), Dense(layer.output_size, 4, dtype=dtype, seed=3)
    return Network({"first": first, "rnn": layer, "last": last})


def language(cell: str, hidden: int, dtype: str, **options: Any) -> Network:
    """Ids in, classes out; of so many that the head is taken in pieces."""
    layer = Recurrent(gated.cells.ZOO[cell], 5, hidden, dtype=dtype, seed=1, **options)
    table, head = Embedding(7, 5, dtype=dtype, seed=2), Dense(layer.output_size, 900, dtype=dtype, seed=3)
    return Network({"table": table, "rnn": layer, "head": head})


def found(
    made: Any, cell: str, size: tuple[int, int], ragged: bool, options: dict[str, Any], hidden: int = 21
) -> set[Any]:
    """What comes of whole steps and of layer after layer with several numbers of threads, each bit pattern once."""
    (steps, sequences), rng = size, np.random.default_rng(0)
    lengths = rng.integers(0, steps + 1, sequences) if ragged else None
    if lengths is not None:
        lengths[0] = steps
    x: Any = rng.standard_normal((steps, sequences, 6)).astype("float32")
    target: Any = rng.standard_normal((steps, sequences, 4)).astype("float32")
    if made is language:
        x, target = rng.integers(0, 7, (steps, sequences)), rng.integers(0, 900, (steps, sequences))
    loss = SoftmaxCrossEntropy() if made is language else SquaredError()
    results = set()
    for threads in (1, 2, 3, 5):
        gated.set_num_threads(threads)
        network = made(cell, hidden, "float32", **options)
        whole = gradients(network, loss, Sequences(x, target, lengths))
        y, _, tape = network.forward(x, lengths=lengths)
        dy = np.random.default_rng(1).standard_normal(y.shape).astype("float32")
        by_layers = network.backward(tape, dy)[2]
        results.add((whole.loss, whole.norm, whole.grads.vector.tobytes(), by_layers.vector.tobytes()))
    return results


@pytest.mark.parametrize("made", [series, language])
@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm"])
@pytest.mark.parametrize("options", OPTIONS, ids=["one", "both", "two of both"])
def test_where_no_group_lies_apart(made: Any, cell: str, options: dict[str, Any]) -> None:
    for size, ragged in itertools.product(SIZES, (False, True)):
        if ragged or size[1] == 1:
            assert len(found(made, cell, size, ragged, options)) == 1, (size, ragged)


@pytest.mark.parametrize("made", [series, language])
def test_wide_layers(made: Any) -> None:
    assert len(found(made, "lstm", (3, 90), False, {}, 1000)) == 1


@pytest.mark.parametrize("made", [series, language])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_groups_that_lie_apart_are_all_that_makes_a_difference(
    made: Any, cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(found(made, cell, (41, 11), False, {})) > 1
    monkeypatch.setitem(TRIED, "apart", 0)
    monkeypatch.setitem(TRIED, "head_piece", 1)
    for size in SIZES:
        assert len(found(made, cell, size, False, {})) == 1, size
