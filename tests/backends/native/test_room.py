"""Sequences of different lengths share plans that have room for them: right whatever was in that room before."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.backends.native.passes import layer_pass, training_step
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED
from gated.data.sequences import Sequences
from gated.learning import SGD, full_step
from gated.losses import SoftmaxCrossEntropy
from gated.nn import Dense, Embedding, Network

# lengths of the calls, in this order: through plans that the larger ones leave to the smaller, and the other way round
SHAPES = (
    [16, 3, 9, 0, 7, 7, 1, 12, 2],
    [12, 3, 1, 11, 5, 9, 9, 9, 0, 2],
    [1, 0, 1],
    [4, 2],
    [31, 1],
    [8, 8, 8, 7, 0, 0, 1, 2],
)
CELLS = ("lstm", "projected_gru", "gru", "slstm")


@pytest.fixture(autouse=True)
def _any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every piece of work is worth a thread, however small."""
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)
    monkeypatch.setattr(pool, "_threads", None)
    layer_pass._cache.forget()
    training_step._cache.forget()


def layer(cell: str, kind: str, dtype: str = "float64"):
    sizes = {"h": 5} if cell == "projected_gru" else None
    return gated.Recurrent(getattr(gated.cells, cell), 3, 7, seed=0, dtype=dtype, backend=kind, sizes=sizes)


def results(own, lengths):
    rng = np.random.default_rng(len(lengths))
    steps, batch = max(lengths), len(lengths)
    state = [rng.standard_normal((1, batch, size)) for size in own.state_sizes]
    x = rng.standard_normal((steps, batch, 3))
    y, last, tape = own.forward(x, state, lengths)
    dx, first, grads = own.backward(tape, rng.standard_normal(y.shape), [rng.standard_normal(s.shape) for s in last])
    named = {f"last {k}": value for k, value in enumerate(last)} | {
        f"first {k}": value for k, value in enumerate(first)
    }
    inner = {name: tape[name] for name in tape.names() if not name.endswith("_")}
    states = {f"tape {k}": np.array(scan) for k, scan in enumerate(tape.scans[0].states)}
    return {"y": y, "dx": dx} | named | inner | states | {f"d{name}": np.array(grads[name]) for name in grads}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_calls_of_many_lengths(cell, threads) -> None:
    gated.set_num_threads(threads)
    native, reference = layer(cell, "native"), layer(cell, "reference")
    for lengths in SHAPES * 2:
        found, wanted = results(native, lengths), results(reference, lengths)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=f"{lengths}: {name}")


def test_outputs_and_states_do_not_depend_on_threads() -> None:
    found = []
    for threads in (1, 2, 5):
        gated.set_num_threads(threads)
        own = layer("lstm", "native", "float32")
        found.append([own.forward(np.ones((max(n), len(n), 3), "float32"), None, n)[:2] for n in SHAPES])
    for other in found[1:]:
        for (y, last), (y_other, last_other) in zip(found[0], other, strict=True):
            assert np.array_equal(y, y_other)
            assert all(np.array_equal(a, b) for a, b in zip(last, last_other, strict=True))


def test_lengths_of_an_octave_share_a_plan() -> None:
    gated.set_num_threads(2)
    layer_pass._cache.forget()
    own = layer("lstm", "native")
    for steps in range(41, 60):  # of more than 256 rows
        lengths = [steps, *range(20, 29)]
        results(own, lengths)
    assert len(layer_pass._cache) == 1


def test_whole_steps_of_an_octave_share_a_plan_and_are_those_of_the_parts() -> None:
    gated.set_num_threads(2)
    training_step._cache.forget()

    def network(kind):
        table, head = (
            Embedding(9, 4, seed=1, dtype="float64", backend=kind),
            Dense(7, 9, seed=2, dtype="float64", backend=kind),
        )
        return Network({"table": table, "rnn": gated.LSTM(4, 7, seed=0, dtype="float64", backend=kind), "head": head})

    one, other = network("native"), network("reference")
    rng = np.random.default_rng(0)
    for steps in (33, 40, 57, 64):
        lengths = np.array([steps, *rng.integers(0, 30, 9 + steps % 5)])
        batch = Sequences(*rng.integers(0, 9, (2, steps, len(lengths))), lengths)
        own, right = (full_step(each, SoftmaxCrossEntropy(), SGD(0.1), batch) for each in (one, other))
        assert own[0] == pytest.approx(right[0], rel=1e-10)
        np.testing.assert_allclose(one.theta, other.theta, rtol=1e-9, atol=1e-12)
    assert len(training_step._cache) <= 2


def test_zeros_that_are_kept_stay_zeros() -> None:
    own = layer("lstm", "native")
    x = np.random.default_rng(0).standard_normal((4, 2, 3))
    for _ in range(2):
        y, last, tape = own.forward(x)
        dx, first, _ = own.backward(tape, y)
        for array in (y, dx, *last, *first):
            array[...] = 7.0
    again = own.forward(x)[0]
    assert np.array_equal(again, own.infer(x)[0]) and not any(own._rest[k].any() for k in range(2))
