"""Updates inside the steps of online learning, and chains of several layers, against the same in NumPy.

Legend: T steps, N sequences, D inputs, V outputs.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
from tests.zoo import FEW_ONLINE

import gated
from gated.cells import ZOO
from gated.errors import ArgumentError, GatedError
from gated.learning import SGD, Adam, AdamW, Online, Optimizer, RMSProp
from gated.learning.rules import schedules
from gated.losses import SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Embedding, Network, Recurrent

LOSSES = SquaredError(), SquaredError("sum"), SigmoidCrossEntropy(), SoftmaxCrossEntropy()
OPTIMIZERS = {
    "sgd": lambda lr: SGD(lr),
    "decay": lambda lr: SGD(lr, weight_decay=0.1),
    "momentum": lambda lr: SGD(lr, momentum=0.9),
    "momentum and decay": lambda lr: SGD(lr, momentum=0.9, weight_decay=0.1),
    "nesterov": lambda lr: SGD(lr, momentum=0.9, nesterov=True),
    "nesterov and decay": lambda lr: SGD(lr, momentum=0.9, nesterov=True, weight_decay=0.1),
    "rmsprop": lambda lr: RMSProp(lr),
    "rmsprop and momentum": lambda lr: RMSProp(lr, momentum=0.5),
    "adam": lambda lr: Adam(lr),
    "adamw": lambda lr: AdamW(lr, weight_decay=0.1),
}
D, V = 5, 3


def network(layers=2, hidden=7, dtype="float64", cell="peephole_lstm", seed=0):
    rnn = Recurrent(ZOO[cell], D, hidden, layers, dtype=dtype)
    made = Network({"rnn": rnn, "head": Dense(hidden, V, dtype=dtype)})
    made.theta[:] = 0.5 * np.random.default_rng(seed).standard_normal(made.theta.size)
    return made


def learners(net, optimizer, backends=("native", "reference"), **options):
    return [Online(copy.deepcopy(net), "online", optimizer(), backend=backend, **options) for backend in backends]


def stream(steps, batch, dtype="float64", outputs=V, inputs=D, seed=0):
    """(inputs, targets, which of these are known)"""
    rng = np.random.default_rng(seed)
    x, target = rng.standard_normal((steps, batch, inputs)), rng.random((steps, batch, outputs))
    return x.astype(dtype), target.astype(dtype), rng.random((steps, batch)) < 0.6


def check_close(one, other, tolerance):
    first, second = one.state(), other.state()
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.shape == second[name].shape and array.dtype == second[name].dtype, name
        scale = max(1e-3, float(np.abs(second[name]).max(initial=0.0)))
        assert np.abs(array - second[name]).max(initial=0.0) <= tolerance * scale, name


def check_same(one, other):
    first, second = one.state(), other.state()
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name, clip):
    def rate(updates):
        return 0.01 / (1 + updates)

    native, reference = learners(network(), lambda: OPTIMIZERS[name](rate), batch=2, clip=clip)
    assert native.fallback is None
    x, target, known = stream(40, 2)
    for part in (slice(0, 25), slice(25, 40)):
        y, same = (one.partial_fit(x[part], target[part], known[part]) for one in (native, reference))
        np.testing.assert_allclose(y, same, rtol=1e-9, atol=1e-11)
    assert native.optimizer.updates == reference.optimizer.updates == known.any(axis=1).sum()
    check_close(native, reference, 1e-9)


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("name", ["adamw", "nesterov and decay", "rmsprop and momentum"])
def test_float32(name, clip):
    native, reference = learners(network(dtype="float32"), lambda: OPTIMIZERS[name](0.001), batch=3, clip=clip)
    x, target, known = stream(20, 3, "float32")
    y, same = (one.partial_fit(x, target, known) for one in (native, reference))
    np.testing.assert_allclose(y, same, rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(native.network.theta, reference.network.theta, atol=2e-4)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_has_the_bits_of_one_behind_the_step(name):
    """The same gradients, to the last bit: by a pass of its own over whole vectors, as for somebody's own optimizer."""
    inside, behind = learners(network(), lambda: OPTIMIZERS[name](0.01), ("native", "native"), batch=2, clip=0.3)
    behind._engine._how = lambda: "gradient"
    x, target, known = stream(30, 2)
    np.testing.assert_array_equal(inside.partial_fit(x, target, known), behind.partial_fit(x, target, known))
    check_same(inside, behind)


@pytest.mark.parametrize("seed", [pytest.param(n, marks=pytest.mark.many if n >= 12 else ()) for n in range(30)])
def test_random_networks(seed):
    rng = np.random.default_rng(seed)
    batch, size = int(rng.integers(1, 4)), D
    layers = {}

    def dense(name, activation):
        nonlocal size
        layers[name] = Dense(size, width := int(rng.integers(1, 9)), activation, dtype="float64")
        size = width

    if rng.random() < 0.25:
        dense("before", "tanh")
    for i in range(int(rng.integers(1, 4))):
        hidden = int(rng.integers(1, 20))
        cell = ZOO[FEW_ONLINE[int(rng.integers(len(FEW_ONLINE)))]]
        layers[f"rnn{i}"] = Recurrent(cell, size, hidden, int(rng.integers(1, 3)), dtype="float64")
        size = hidden
        if rng.random() < 0.2:
            dense(f"between{i}", "sigmoid")
    for i in range(int(rng.integers(0, 3))):
        dense(f"head{i}", None if i else "tanh")
    net = Network(layers)
    net.theta[:] = 0.5 * rng.standard_normal(net.theta.size)
    make = list(OPTIMIZERS.values())[int(rng.integers(len(OPTIMIZERS)))]
    rate = 0.01 if rng.random() < 0.5 else schedules.exponential_decay(0.02, 0.9, 3)
    clip = None if rng.random() < 0.5 else float(10 ** rng.uniform(-3, 0))
    options = {"loss": LOSSES[int(rng.integers(len(LOSSES)))], "batch": batch, "clip": clip}
    many, reference, single = learners(net, lambda: make(rate), ("native", "reference", "native"), **options)
    x, target, known = stream(30, batch, outputs=size)
    target[~known] = np.nan  # not looked at
    y, same = many.partial_fit(x, target, known), reference.partial_fit(x, target, known)
    np.testing.assert_allclose(y, same, rtol=1e-8, atol=1e-9)
    check_close(many, reference, 1e-8)
    each = [single.step(*row) for row in zip(x, target, known, strict=True)]
    np.testing.assert_array_equal(y, np.stack(each))
    check_same(many, single)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_many_steps_are_one_call_with_the_bits_of_single_steps(name, monkeypatch):
    """More than one call can run, too."""
    many, single = learners(network(), lambda: OPTIMIZERS[name](0.01), ("native", "native"), clip=1.0)
    x, target, _ = stream(600, 1)
    native, calls = many._engine.native, []
    run = native._update
    monkeypatch.setattr(native, "_update", lambda: (calls.append(native._table[native._count]), run()))
    y = many.partial_fit(x, target)
    assert calls == [256, 256, 600 - 512]
    np.testing.assert_array_equal(y, np.stack([single.step(x_t, d_t) for x_t, d_t in zip(x, target, strict=True)]))
    check_same(many, single)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_learner_goes_on_from_a_state_with_the_same_bits(name):
    one, other = learners(network(), lambda: OPTIMIZERS[name](0.01), ("native", "native"), batch=2, clip=0.5)
    x, target, known = stream(40, 2)
    one.partial_fit(x[:20], target[:20], known[:20])
    other.partial_fit(x[5:12], target[5:12])  # buffers that are then replaced
    other.load_state(one.state())
    third = copy.deepcopy(one)
    for learner in (one, other, third):
        learner.partial_fit(x[20:], target[20:], known[20:])
    check_same(one, other)
    check_same(one, third)


@pytest.mark.parametrize("name", ["momentum", "rmsprop", "adamw"])
@pytest.mark.parametrize("before", [0, 1, 6])
def test_a_gradient_that_is_not_finite_changes_nothing(name, before):
    native, again, reference = learners(
        network(), lambda: OPTIMIZERS[name](0.01), ("native", "native", "reference"), clip=1.0
    )
    x, target, _ = stream(10, 1)
    bad = target.copy()
    bad[before, 0, 1] = np.inf
    again.partial_fit(x[:before], target[:before])
    for learner in (native, reference):
        with pytest.raises(GatedError, match=f"^gradient: got NaN or inf at update {before}, expected finite numbers"):
            learner.partial_fit(x, bad)
    np.testing.assert_array_equal(native.network.theta, again.network.theta)
    assert native.optimizer.state().keys() == again.optimizer.state().keys() == reference.optimizer.state().keys()
    for key, array in again.optimizer.state().items():
        np.testing.assert_array_equal(native.optimizer.state()[key], array)
    native.reset()
    reference.reset()
    for learner in (native, reference):
        learner.partial_fit(x[before + 1 :], target[before + 1 :])
        learner.step(x[0], target[0])
    check_close(native, reference, 1e-9)


def test_clipping_a_gradient_whose_squares_overflow():
    native, reference = learners(network(1), lambda: SGD(0.1), loss=SquaredError("sum"), clip=0.5)
    x, target, _ = stream(3, 1)
    target[1] *= 1e200
    before = native.network.theta.copy()
    native.partial_fit(x, target)
    reference.partial_fit(x, target)
    check_close(native, reference, 1e-9)
    assert 0.05 < np.linalg.norm(native.network.theta - before) <= 3 * 0.05 * (1 + 1e-9)


def test_a_gradient_within_the_bound_is_left_as_it_is():
    (free,) = learners(network(), lambda: Adam(0.01), ("native",))
    bound = Online(copy.deepcopy(free.network), "online", Adam(0.01), clip=1e6, backend="native")
    x, target, _ = stream(20, 1)
    np.testing.assert_array_equal(free.partial_fit(x, target), bound.partial_fit(x, target))
    check_same(free, bound)


def test_options_that_are_set_between_calls_are_seen():
    native, reference = learners(network(), lambda: SGD(0.05, momentum=0.9))
    x, target, _ = stream(12, 1)
    for t in range(12):
        for learner in (native, reference):
            own = learner.optimizer
            own.nesterov, own.weight_decay, own.lr = bool(t % 2), 0.1 * (t % 3), 0.05 / (1 + t)
            learner.network.params["head.W.y"][0, 0] += 0.5
            learner.step(x[t], target[t])
    check_close(native, reference, 1e-9)


def test_an_optimizer_of_ones_own_gets_the_gradient_of_each_step():
    class Signs(Optimizer):
        def _apply(self, theta, g, lr):
            theta -= lr * np.sign(g)

    class Slower(Adam):
        def _apply(self, theta, g, lr):
            super()._apply(theta, g, 0.5 * lr)

    for kind in (Signs, Slower):
        native, reference = learners(network(), lambda kind=kind: kind(0.01), batch=2)
        assert kind.__name__ in native.fallback
        x, target, known = stream(10, 2)
        native.partial_fit(x, target, known)
        reference.partial_fit(x, target, known)
        check_close(native, reference, 1e-9)


def test_buffers_that_do_not_fit_are_refused():
    x, target, _ = stream(2, 1)
    messages = []
    for learner in learners(network(), lambda: Adam(0.01)):
        learner.optimizer.load_state({"updates": 1, "mean": np.zeros(3), "mean_square": np.zeros(3)})
        before = learner.network.theta.copy()
        with pytest.raises(ArgumentError) as error:
            learner.partial_fit(x, target)
        messages.append(str(error.value))
        np.testing.assert_array_equal(learner.network.theta, before)
    assert messages[0] == messages[1]


def test_parameters_that_are_read_only_are_refused():
    x, target, _ = stream(2, 1)
    (learner,) = learners(network(), lambda: Adam(0.01), ("native",))
    learner.network.theta.flags.writeable = False
    with pytest.raises(ArgumentError, match="^theta: got an array that is read-only"):
        learner.step(x[0], target[0])


def test_the_number_of_threads_does_not_matter():
    one, other = learners(network(hidden=40), lambda: Adam(0.01), ("native", "native"), clip=0.1)
    x, target, _ = stream(20, 1)
    before = gated.get_num_threads()
    try:
        for learner, threads in ((one, 1), (other, 3)):
            gated.set_num_threads(threads)
            learner.partial_fit(x, target)
    finally:
        gated.set_num_threads(before)
    check_same(one, other)


def test_what_has_no_machine_code_says_why():
    rnn = Recurrent(ZOO["lstm"], D, D, dtype="float64")
    assert "layers share parameters" in Online(Network({"one": rnn, "again": rnn})).fallback
    ids = Network({"ids": Embedding(4, D, dtype="float64"), "rnn": Recurrent(ZOO["lstm"], D, D, dtype="float64")})
    assert "an Embedding" in Online(ids).fallback
    assert "without a recurrent layer" in Online(Network({"head": Dense(D, V, dtype="float64")})).fallback
    assert Online(network(), "rtrl").fallback == "algorithm 'rtrl'"
    assert Online(network(), backend="reference").fallback == "backend 'reference'"
    assert Online(network()).fallback is None


def test_a_network_of_the_reference_s_has_its_updates_made_there():
    own = {"dtype": "float64", "backend": "reference"}
    rnn, head = gated.LSTM(D, 5, **own), Dense(5, V, **own)
    learner = Online(Network({"rnn": rnn, "head": head}), "online", Adam(0.01))
    assert learner.fallback == "the updates, which are made by the network's backend 'reference'"
