"""A backend owns arithmetic: one that counts is put in the place of each. For what goes past them see
test_nothing_past_backends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gated
from gated import backends
from gated.backends.interface import Arithmetic
from gated.backends.native.passes.backend import NativeBackend
from gated.backends.reference import ReferenceBackend
from gated.learning import Adam, Online, clip_by_global_norm, full_step
from gated.losses import SoftmaxCrossEntropy, SquaredError

sys.path.insert(0, str(Path(__file__).parent))
from watching import METHODS, Watch, watching  # noqa: E402

Array = np.ndarray[Any, Any]
IDS = np.random.default_rng(0).integers(0, 7, (6, 3))


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return watching(monkeypatch)


def network(backend: str, dtype: str = "float32") -> gated.Network:
    embed, head = gated.Embedding(7, 4, dtype=dtype), gated.Dense(10, 7, dtype=dtype, seed=2)
    rnn = gated.PeepholeLSTM(4, 5, num_layers=2, bidirectional=True, dtype=dtype, backend=backend, seed=1)
    return gated.Network({"embed": embed, "rnn": rnn, "head": head})


def test_a_whole_update_is_one_call(watch: Watch) -> None:
    full_step(network("native"), SoftmaxCrossEntropy(), Adam(0.01), (IDS[:-1], IDS[1:]), clip=1e-3)
    assert watch.calls == {"train": 1}


def test_what_is_called_in_an_update_by_parts(watch: Watch) -> None:
    made, rule = network("reference"), Adam(0.01)  # of layers with two backends
    assert not watch.calls
    full_step(made, SoftmaxCrossEntropy(), rule, (IDS[:-1], IDS[1:]), clip=1e-3)
    assert watch.calls == {
        "look_up": 1,
        "forward": 4,  # two layers, two directions
        "map": 1,
        "loss": 1,
        "empty": 4,  # for the gradient of each layer and of the network
        "map_backward": 1,
        "backward": 4,
        "look_up_backward": 1,
        "sum_of_products": 2,  # dx of both directions, in both layers
        "add": 3,  # a layer's gradient to the network's
        "norm": 1,
        "scale": 1,
        "all_finite": 1,
        "update": 1,
    }


def test_without_a_tape(watch: Watch) -> None:
    rnn = gated.GRU(4, 5)
    made = gated.Network({"embed": gated.Embedding(7, 4), "rnn": rnn, "head": gated.Dense(5, 7)})
    made.infer(IDS)
    assert watch.calls == {"infer_chain": 1}
    made.stream(3).step(IDS[0])
    assert watch.calls == {"infer_chain": 1, "stream": 1, "put": 1, "step": 1}


@pytest.mark.parametrize(
    ("algorithm", "cell"),
    [("online", gated.LSTM), ("online", gated.PeepholeLSTM), ("rtrl", gated.PeepholeLSTM), ("rtrl", gated.GRU)],
)
def test_learning_in_real_time(watch: Watch, algorithm: str, cell: Any) -> None:
    rnn, head = cell(4, 5, dtype="float64"), gated.Dense(5, 7, dtype="float64")
    layers = {"embed": gated.Embedding(7, 4, dtype="float64"), "rnn": rnn, "head": head}
    learner = Online(gated.Network(layers), algorithm, Adam(0.01), SoftmaxCrossEntropy(), batch=3, clip=1e-3)
    learner.partial_fit(IDS[:-1], IDS[1:])
    once = {"look_up", "loss", "rows_not_zero", "norm", "scale", "all_finite", "update"}
    assert all(watch.calls[name] == 5 for name in once)
    assert watch.calls.keys() - once == {"evaluate", "pull", "sum_of_products", "sum_rows", "add"}


def test_both_offer_all_of_it() -> None:
    for kind in (NativeBackend, ReferenceBackend):
        assert [name for name in METHODS if not callable(getattr(kind, name, None))] == []
    assert {name for name in dir(Arithmetic) if not name.startswith("_")} < set(METHODS)
    assert isinstance(backends.default_backend(), ReferenceBackend)


def test_the_arithmetic_of_vectors_and_tables() -> None:
    backend, rng = backends.default_backend(), np.random.default_rng(1)
    table, ids, dy = rng.normal(size=(5, 3)), rng.integers(0, 5, (4, 2)), rng.normal(size=(4, 2, 3))
    np.testing.assert_array_equal(backend.look_up(table, ids), table[ids])
    into, expected = np.zeros((5, 3)), np.zeros((5, 3))
    np.add.at(expected, ids, dy)
    backend.look_up_backward(ids, dy, into)
    np.testing.assert_allclose(into, expected, rtol=1e-14)
    backend.look_up_backward(ids[:0], dy[:0], into)
    vector = rng.normal(size=9)
    assert backend.norm(vector) == pytest.approx(np.linalg.norm(vector), rel=1e-15)
    assert backend.all_finite(vector) and not backend.all_finite(np.array([1.0, np.inf]))
    before = backend.norm(vector)
    assert before > 0.5 and clip_by_global_norm(vector, 0.5) == before
    assert backend.norm(vector) == pytest.approx(0.5, rel=1e-14)
    value, dy_ = SquaredError()._evaluate(table, np.zeros_like(table))
    assert value == pytest.approx(0.5 * np.square(table).sum() / 5) and dy_ == pytest.approx(table / 5)


def test_the_arithmetic_of_derivatives() -> None:
    backend, rng = backends.default_backend(), np.random.default_rng(2)
    a, b, c, d = rng.normal(size=(4, 3)), rng.normal(size=(4, 1)), rng.normal(size=3), rng.normal(size=(4, 3))
    kept = [array.copy() for array in (a, b, c, d)]
    expected = [[a[i, j] * b[i, 0] * c[j] + d[i, j] + 2.0 * c[j] for j in range(3)] for i in range(4)]
    np.testing.assert_allclose(backend.sum_of_products([(a, b, c), (d,), (2.0, c)]), expected, rtol=1e-14)
    for array, before in zip((a, b, c, d), kept, strict=True):
        np.testing.assert_array_equal(array, before)
    assert backend.sum_of_products([(2.0, 3.0), (0.5,)]) == 6.5
    assert np.signbit(backend.sum_of_products([(np.array([-0.0]),)])).all()  # nothing is added to a sum's first term

    rows, jacobian = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 3, 4))
    np.testing.assert_allclose(backend.pull(rows, jacobian[0]), np.einsum("nrm,mk->nrk", rows, jacobian[0]), rtol=1e-12)
    np.testing.assert_allclose(backend.pull(rows, jacobian), np.einsum("nrm,nmk->nrk", rows, jacobian), rtol=1e-12)

    dy = np.array([[0.0, 1.0], [0.0, 0.0], [np.nan, 0.0], [0.0, -0.0]])
    assert backend.rows_not_zero(dy).tolist() == [True, False, True, False]
    assert backend.rows_not_zero(dy[::2]) == slice(None) == backend.rows_not_zero(dy[:0])
    np.testing.assert_array_equal(backend.sum_rows((dy,), np.array([True, True, False, True])), [0.0, 1.0])
    np.testing.assert_allclose(backend.sum_rows((rows,), slice(None)), sum(rows[n] for n in range(5)), rtol=1e-14)
    outer = backend.sum_rows((a[:, :, None], d[:, None, :]), np.arange(4) > 0)
    np.testing.assert_allclose(outer, a[1:].T @ d[1:], rtol=1e-12)
    into = np.ones((4, 3))
    backend.add(a, into[:, ::-1])
    np.testing.assert_array_equal(into, 1.0 + a[:, ::-1])
