"""What is frozen is moved by nothing, on every road by which a network learns."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import gated
from gated import Dense, Network
from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning import SGD, Adam, AdamW, Online, full_step, gradients, truncated_step
from gated.losses import SquaredError

T, N = 6, 2
FROZEN = ("rnn.l0.W.i", "rnn.l0.W.f", "rnn.l0.W.g", "rnn.l0.W.o", "head.b.y")


def network(backend="native"):
    rnn = gated.LSTM(3, 5, dtype="float64", backend=backend, seed=1)
    return Network({"rnn": rnn, "head": Dense(5, 2, dtype="float64", backend=backend, seed=2)})


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(T, N, 3)), rng.normal(size=(T, N, 2))


def moved(net, before):
    return {name for name in net.params if not np.array_equal(before[name], net.params[name])}


def test_updates_go_around_it():
    """Weight decay and momentum too; the norm that is clipped is that of the others."""
    found, loss = [], SquaredError()
    for backend in ("native", "reference"):
        net = network(backend)
        net.freeze("rnn.l0.W.*", "head.b.y")
        assert net.frozen == FROZEN
        before = {name: value.copy() for name, value in net.params.items()}
        full = gradients(network(backend), loss, data())
        own = {name: value for name, value in full.grads.items() if name not in FROZEN}
        optimizer = AdamW(0.1, weight_decay=0.3)
        first = full_step(net, loss, optimizer, data(), clip=0.05)
        assert first[1] == pytest.approx(np.sqrt(sum((value**2).sum() for value in own.values())))
        part = gradients(network(backend), loss, data())
        assert part.norm == pytest.approx(full.norm)
        losses = [first, *(full_step(net, loss, optimizer, data(), clip=0.05) for _ in range(2))]
        assert moved(net, before) == {*net.params} - {*FROZEN}
        found.append((np.array(losses), net.theta.copy()))
        net.unfreeze("rnn.*")
        assert net.frozen == ("head.b.y",)
        full_step(net, loss, SGD(0.1, momentum=0.9), data())
        assert moved(net, before) == {*net.params} - {"head.b.y"}
        net.freeze()
        before = {name: value.copy() for name, value in net.params.items()}
        assert full_step(net, loss, optimizer, data())[1] == 0 and not moved(net, before)
        net.unfreeze()
        assert net.frozen == ()
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_truncated_steps_and_gradients():
    net, (x, target) = network(), data()
    net.freeze("rnn.l0.U.*")
    before = {name: value.copy() for name, value in net.params.items()}
    truncated_step(net, SquaredError(), Adam(0.1), (x, target), None)
    assert moved(net, before) == {name for name in net.params if ".U." not in name}
    found = gradients(net, SquaredError(), (x, target))
    assert not found.grads["rnn.l0.U.i"].any() and found.grads["rnn.l0.W.i"].any()
    assert found.norm == pytest.approx(np.linalg.norm(found.grads.vector))


@pytest.mark.parametrize("algorithm", ["rtrl", "online"])
def test_learning_in_real_time(algorithm):
    net = network()
    net.freeze("rnn.l0.W.i", "head.*")
    before = {name: value.copy() for name, value in net.params.items()}
    Online(net, algorithm, SGD(0.1, momentum=0.9), SquaredError(), batch=N).partial_fit(*data())
    assert not moved(net, before) & {"rnn.l0.W.i", "head.W.y", "head.b.y"} and "rnn.l0.W.f" in moved(net, before)


def test_copies_ties_and_networks_within():
    net = network()
    net.freeze("head.*")
    for other in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.frozen == ("head.W.y", "head.b.y")
        other.unfreeze()
    assert net.frozen == ("head.W.y", "head.b.y")

    layer = Dense(3, 3, dtype="float64")
    tied = Network({"a": layer, "b": layer})
    tied.freeze("b.W.y")
    before, (x, target) = layer.params["W.y"].copy(), data()
    full_step(tied, SquaredError(), AdamW(0.1), (x, np.zeros((T, N, 3))))
    assert np.array_equal(tied.params["a.W.y"], before)

    outer = Network({"inner": network(), "last": Dense(2, 2, dtype="float64")})
    outer.freeze("inner.rnn.*")
    before = {name: value.copy() for name, value in outer.params.items()}
    full_step(outer, SquaredError(), AdamW(0.1), (x, target))
    assert moved(outer, before) == {"inner.head.W.y", "inner.head.b.y", "last.W.y", "last.b.y"}


def test_names_that_are_none():
    with pytest.raises(ArgumentError, match="freeze: got 'q.*', expected names of parameters"):
        network().freeze("q.*")
    with pytest.raises(ArgumentTypeError, match="freeze: got int 3"):
        network().freeze(3)
