"""Named views into one vector; how it is filled."""

from __future__ import annotations

import numpy as np
import pytest

from gated import GRU, LSTM
from gated.nn import ParameterVector
from gated.nn.initialisation import INITIALISERS, initial_value


def test_views():
    p = ParameterVector({"a": (2, 3), "b": (4,)}, np.float64)
    assert list(p) == ["a", "b"] and len(p) == 2 and p.vector.shape == (10,) and "a" in p and "c" not in p
    p["a"] = [[1, 2, 3], [4, 5, 6]]
    p["b"] = 7
    assert p.vector.tolist() == [1, 2, 3, 4, 5, 6, 7, 7, 7, 7]
    p["a"][1, 1] = 0
    assert p.vector[4] == 0
    assert repr(p) == "<2 parameters, 10 numbers of float64>"


def test_like():
    p = ParameterVector({"a": (2,)}, np.float32)
    p["a"] = 3
    q = p.like()
    assert not q.vector.any() and q.vector.dtype == np.float32 and q.shapes == p.shapes
    v = np.arange(2.0)
    assert p.like(v).vector is v
    assert ParameterVector({}, np.float32).vector.shape == (0,)


@pytest.mark.parametrize("name", INITIALISERS)
def test_initialisers_are_reproducible_and_of_their_size(name):
    a, b = (initial_value(name, (6, 6), 6, np.random.default_rng(0)) for _ in "ab")
    np.testing.assert_array_equal(a, b)
    bound = {"pytorch": 6**-0.5, "xavier": 0.5**0.5, "orthogonal": 1.0, "uniform": 0.1}[name]
    assert 0.5 * bound < np.abs(a).max() <= bound


def test_orthogonal_matrices_are_orthogonal():
    q = initial_value("orthogonal", (6, 6), 6, np.random.default_rng(0))
    np.testing.assert_allclose(q @ q.T, np.eye(6), atol=1e-12)


def test_vectors_of_xavier_and_orthogonal_are_zero():
    for name in ("xavier", "orthogonal"):
        layer = LSTM(3, 4, init=name)
        assert all((not v.any()) == (k.split(".")[1] == "b") for k, v in layer.params.items())


def test_the_start_of_pytorch():
    layer = GRU(3, 100, init="pytorch", dtype="float64")
    assert abs(layer.theta.std() - 0.1 / 3**0.5) < 1e-3 and np.abs(layer.theta).max() <= 0.1
    assert abs(layer.theta.mean()) < 1e-3
