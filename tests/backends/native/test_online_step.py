"""Online learning in machine code against the same in NumPy, step by step."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from tests.zoo import FEW_ONLINE

import gated
from gated.backends.native.machine.target import hosts
from gated.cells import ZOO
from gated.errors import GatedError
from gated.learning import SGD, Adam, Online
from gated.learning.rules import schedules
from gated.losses import SigmoidCrossEntropy, SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Network, Recurrent

LOSSES = {
    "squares": SquaredError(),
    "sum": SquaredError("sum"),
    "sigmoid": SigmoidSquaredError(),
    "entropy": SigmoidCrossEntropy(),
    "softmax": SoftmaxCrossEntropy(),
}
D, V = 5, 3


def _network(cell, hidden, dtype="float64", activation=None, bias=True):
    rng = np.random.default_rng(hidden)
    rnn = Recurrent(cell, D, hidden, dtype=dtype)
    network = Network({"rnn": rnn, "head": Dense(hidden, V, activation, bias=bias, dtype=dtype)})
    network.theta[:] = 0.5 * rng.standard_normal(network.theta.size)
    return network


def _pair(cell, hidden=9, options=None, optimizer=lambda: SGD(0.1), **layers):
    """(native, reference) learners of equal networks."""
    return tuple(
        Online(_network(cell, hidden, **layers), "online", optimizer(), backend=backend, **(options or {}))
        for backend in ("native", "reference")
    )


def _data(steps, batch, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((steps, batch, D)).astype(dtype), rng.random((steps, batch, V)).astype(dtype)


def _check_equal(one, other, tolerance):
    first, second = one.state(), other.state()
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.shape == second[name].shape and array.dtype == second[name].dtype, name
        scale = max(1.0, float(np.abs(second[name]).max(initial=0.0)))
        assert np.abs(array - second[name]).max(initial=0.0) <= tolerance * scale, name


@pytest.mark.parametrize("hidden", [1, 8, 15])
@pytest.mark.parametrize("name", FEW_ONLINE)
def test_the_zoo(name, hidden):
    native, reference = _pair(ZOO[name], hidden, {"batch": 2})
    x, target = _data(12, 2)
    y, same = native.partial_fit(x, target), reference.partial_fit(x, target)
    np.testing.assert_allclose(y, same, rtol=1e-11, atol=1e-12)
    _check_equal(native, reference, 1e-11)


@pytest.mark.parametrize("instructions", list(hosts()))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_width_of_vectors(instructions, dtype, monkeypatch):
    monkeypatch.setenv("GATED_CPU", instructions)
    native, reference = _pair(ZOO["gers_lstm"], 11, {"loss": SoftmaxCrossEntropy()}, dtype=dtype)
    x, target = _data(10, 1, dtype)
    tolerance = 1e-11 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(native.partial_fit(x, target), reference.partial_fit(x, target), atol=tolerance)
    _check_equal(native, reference, tolerance)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("activation", [None, "tanh", "softplus"])
def test_losses_and_activations(name, activation):
    native, reference = _pair(ZOO["peephole_lstm"], 6, {"loss": LOSSES[name], "batch": 3}, activation=activation)
    x, target = _data(9, 3)
    np.testing.assert_allclose(native.partial_fit(x, target), reference.partial_fit(x, target), rtol=1e-11, atol=1e-12)
    _check_equal(native, reference, 1e-11)


def test_classes_and_large_outputs_of_a_softmax():
    native, reference = _pair(ZOO["lstm"], 4, {"loss": SoftmaxCrossEntropy(), "batch": 2}, bias=False)
    x, _ = _data(6, 2)
    classes = np.random.default_rng(1).integers(0, V, (6, 2))
    for learner in (native, reference):
        learner.network.theta[-4 * V :] *= 3000.0  # exp of the outputs overflows
    np.testing.assert_allclose(native.partial_fit(x, classes), reference.partial_fit(x, classes), rtol=1e-9)
    assert np.abs(native.network.theta).max() > 1000 and np.isfinite(native.network.theta).all()
    _check_equal(native, reference, 1e-9)


def test_a_loss_on_the_cell_itself():
    learners = []
    for backend in ("native", "reference"):
        rnn = Recurrent(ZOO["peephole_lstm"], D, V, dtype="float64", seed=3)
        learners.append(Online(Network({"rnn": rnn}), batch=2, backend=backend))
    x, target = _data(9, 2)
    y, same = (learner.partial_fit(x, target) for learner in learners)
    np.testing.assert_allclose(y, same, rtol=1e-12)
    _check_equal(*learners, 1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_masks_steps_without_target_and_sequences_that_begin_anew(reduction):
    native, reference = _pair(ZOO["gers_lstm"], 7, {"loss": SquaredError(reduction), "batch": 4})
    x, target = _data(300, 4)
    mask = np.random.default_rng(2).random((300, 4)) < 0.3
    mask[::3] = False
    target[~mask] = np.nan  # not looked at
    for learner in (native, reference):
        learner.partial_fit(x[:280], target[:280], mask[:280])
        learner.reset(rows=[True, False, True, False])
        learner.partial_fit(x[280:290])
        for t in range(290, 300):
            learner.step(x[t], target[t] if t % 2 else None, mask[t])
    assert native.optimizer.updates == reference.optimizer.updates > 100
    _check_equal(native, reference, 1e-9)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: SGD(0.05, momentum=0.9),
        lambda: SGD(0.05, weight_decay=0.1),
        lambda: Adam(0.01),
        lambda: SGD(schedules.exponential_decay(0.5, 0.9, 3)),
    ],
)
def test_optimizers(optimizer):
    native, reference = _pair(ZOO["lstm"], 5, {"batch": 2}, optimizer)
    x, target = _data(20, 2)
    mask = np.ones((20, 2), bool)
    mask[5:9] = False
    native.partial_fit(x, target, mask)
    reference.partial_fit(x, target, mask)
    assert native.optimizer.updates == reference.optimizer.updates == 16
    _check_equal(native, reference, 1e-10)


def test_clipping():
    native, reference = _pair(ZOO["lstm"], 5, {"clip": 0.01})
    x, target = _data(20, 1)
    before = native.network.theta.copy()
    native.partial_fit(x, target)
    reference.partial_fit(x, target)
    _check_equal(native, reference, 1e-12)
    assert 0 < np.linalg.norm(native.network.theta - before) <= 20 * 0.1 * 0.01 * (1 + 1e-9)


def test_odd_cells():
    @gated.cell
    def odd(x, h, c, k, *, W, p, b):
        k_new = c  # handed on as it is
        f = gated.maximum(W.f @ x, p.f * h)
        c = 0.5 * c + f * k + p.c * c + b.c * x
        h = gated.tanh(c) + gated.minimum(h, gated.relu(W.f @ x))
        return h, c, k_new

    native, reference = _pair(odd, D)
    assert odd.graph.dims["h"] == "input"
    x, target = _data(8, 1)
    np.testing.assert_allclose(native.partial_fit(x, target), reference.partial_fit(x, target), rtol=1e-12)
    _check_equal(native, reference, 1e-12)


def test_cells_without_parameters_and_without_a_use_of_the_input():
    @gated.cell
    def bare(x, h):
        return gated.tanh(x + 0.5 * h)

    @gated.cell
    def deaf(x, h, *, b):
        return gated.tanh(b.h + 0.5 * h)

    x, target = _data(6, 1)
    for cell in (bare, deaf):
        native, reference = _pair(cell, D)
        np.testing.assert_allclose(native.partial_fit(x, target), reference.partial_fit(x, target), rtol=1e-12)
        _check_equal(native, reference, 1e-12)
    alone = [Online(Network({"rnn": Recurrent(bare, D, D)}), backend=backend) for backend in ("native", "reference")]
    x = x.astype("float32")
    y, same = (learner.partial_fit(x, x) for learner in alone)
    np.testing.assert_allclose(y, same, rtol=1e-5)


def test_parameters_that_are_set_between_calls_are_seen():
    native, reference = _pair(ZOO["lstm"])
    x, target = _data(6, 1)
    for t in range(6):
        for learner in (native, reference):
            learner.network.params["rnn.l0.b.f"] = 0.1 * t
            learner.network.params["head.W.y"][0, 0] += 1.0
        np.testing.assert_allclose(native.step(x[t], target[t]), reference.step(x[t], target[t]), rtol=1e-12)
    _check_equal(native, reference, 1e-12)


def test_a_state_to_begin_from():
    native, _ = _pair(ZOO["peephole_lstm"], options={"batch": 2})
    x, _ = _data(5, 2)
    state = {"rnn": tuple(np.random.default_rng(4).standard_normal((2, 1, 2, 9)))}
    y, last, _ = native.network.forward(x, state)
    native.partial_fit(x)
    native.reset(state)
    np.testing.assert_allclose(native.partial_fit(x), y, rtol=1e-12)
    for own, wanted in zip(native.network_state["rnn"], last["rnn"], strict=True):
        np.testing.assert_allclose(own, wanted, rtol=1e-12)


def test_many_steps_in_one_call_give_the_bits_of_single_steps():
    one, other = _pair(ZOO["peephole_lstm"])[0], _pair(ZOO["peephole_lstm"])[0]
    x, target = _data(600, 1)
    y = one.partial_fit(x, target)
    same = np.stack([other.step(x_t, d_t) for x_t, d_t in zip(x, target, strict=True)])
    np.testing.assert_array_equal(y, same)
    np.testing.assert_array_equal(one.network.theta, other.network.theta)


def test_a_checkpoint_of_one_backend_is_one_of_the_other(tmp_path):
    native, reference = _pair(ZOO["slstm"], options={"batch": 2})
    x, target = _data(20, 2)
    native.partial_fit(x[:10], target[:10])
    native.save(tmp_path / "learner.safetensors")
    reference.load(tmp_path / "learner.safetensors")
    y, same = native.partial_fit(x[10:], target[10:]), reference.partial_fit(x[10:], target[10:])
    np.testing.assert_allclose(y, same, rtol=1e-11)
    _check_equal(native, reference, 1e-11)


def test_a_gradient_that_is_not_finite_stops_before_the_weights():
    native, _ = _pair(ZOO["lstm"])
    x, target = _data(10, 1)
    target[6, 0, 1] = np.inf
    again, _ = _pair(ZOO["lstm"])
    again.partial_fit(x[:6], target[:6])
    with pytest.raises(GatedError, match="^gradient: got NaN or inf at update 6, expected finite numbers"):
        native.partial_fit(x, target)
    np.testing.assert_array_equal(native.network.theta, again.network.theta)
    assert native.optimizer.updates == 6
    native.reset()
    assert np.isfinite(native.partial_fit(x[7:], target[7:])).all()


def test_memory_does_not_grow_in_a_million_steps():
    learner = Online(_network(ZOO["lstm"], 2, "float32"), "online", SGD(0.001), backend="native")
    x, target = _data(1000, 1, "float32")
    tracemalloc.start()
    try:
        learner.partial_fit(x, target)
        first = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(999):
            learner.partial_fit(x, target)
        last, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert learner.optimizer.updates == 1_000_000
    assert last - first < 10_000 and peak - first < 1_000_000
