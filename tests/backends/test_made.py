"""Cells with matrices that are made of parameters: every pass against PyTorch and against the cell without them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import gated
from gated import abs, exp, fixed, number, sigmoid, tanh
from gated.backends import made
from gated.errors import ArgumentError
from gated.learning import Adam, full_step, gradients
from gated.learning.realtime.rtrl import RealTime
from gated.learning.realtime.traces import Traces
from gated.losses import SquaredError

Array = np.ndarray[Any, Any]
D, H, INNER = 5, 19, 7


@gated.cell
def mixed(x, h, c, *, W, U, S: fixed, A, B, b, p: number, k=0.6):
    """A skew matrix, a mask, a low rank, a scale, a transpose; U.h is used plainly too."""
    c = sigmoid((U.h - U.h.T) @ h + W.c @ x + b.c) * c + (S.m * W.g) @ x
    h = tanh(abs(U.h) @ c + U.h @ (h * b.h) + A.f @ B.f.T @ (exp(p.s) * W.h * k) @ h + W.t.T @ x)
    return h, c


def layer_of(backend: str = "native", cell: Any = mixed, **options: Any) -> gated.Recurrent:
    sizes = {"B.f": INNER} if cell is mixed else None
    made_layer = gated.Recurrent(cell, D, H, dtype="float64", seed=3, sizes=sizes, backend=backend, **options)
    rng = np.random.default_rng(4)
    made_layer.theta[:] = rng.normal(0, 0.3, made_layer.theta.size)
    for name in made_layer.fixed:
        made_layer.fixed[name] = rng.normal(size=made_layer.fixed[name].shape)
    return made_layer


def data(steps: int, batch: int = 4) -> tuple[Array, tuple[Array, Array], Array, tuple[Array, Array]]:
    rng = np.random.default_rng(5)
    x, dy = rng.normal(size=(steps, batch, D)), rng.normal(size=(steps, batch, H))
    state, dstate = ((rng.normal(size=(1, batch, H)), rng.normal(size=(1, batch, H))) for _ in range(2))
    return x, state, dy, dstate


def by_torch(layer: gated.Recurrent, x: Array, state: Any, dy: Array, dstate: Any) -> dict[str, Array]:
    w = {name.removeprefix("l0."): torch.tensor(v, requires_grad=True) for name, v in layer.params.items()}
    mask = torch.tensor(layer.fixed["l0.S.m"])
    xs, h, c = (torch.tensor(a, requires_grad=True) for a in (x, state[0][0], state[1][0]))
    first, loss = (h, c), 0.0
    for t in range(len(xs)):
        u, s = w["U.h"], w["p.s"]
        c = torch.sigmoid(h @ (u - u.T).T + xs[t] @ w["W.c"].T + w["b.c"]) * c + xs[t] @ (mask * w["W.g"]).T
        low = h @ (torch.exp(s) * w["W.h"] * 0.6).T @ w["B.f"] @ w["A.f"].T
        h = torch.tanh(c @ torch.abs(u).T + (h * w["b.h"]) @ u.T + low + xs[t] @ w["W.t"])
        loss = loss + (torch.tensor(dy[t]) * h).sum()
    loss = loss + sum((torch.tensor(d[0]) * s).sum() for d, s in zip(dstate, (h, c), strict=True))
    loss.backward()
    found = {f"d{name}": v.grad.numpy() for name, v in w.items()}
    return {
        "h": h.detach().numpy(),
        "dx": xs.grad.numpy(),
        "dh": first[0].grad.numpy(),
        "dc": first[1].grad.numpy(),
        **found,
    }


@pytest.mark.parametrize("steps", [1, 6])
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_against_pytorch(steps: int, backend: str) -> None:
    layer, (x, state, dy, dstate) = layer_of(backend), data(steps)
    y, _, tape = layer.forward(x, state)
    dx, first, grads = layer.backward(tape, dy, dstate)
    found = {"h": y[-1], "dx": dx, "dh": first[0][0], "dc": first[1][0]}
    found |= {f"d{name.removeprefix('l0.')}": grads[name] for name in grads}
    expected = by_torch(layer, x, state, dy, dstate)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-11, atol=1e-12, err_msg=name)


def test_check_cell() -> None:
    assert gated.check_cell(mixed).passed


def test_parameters_that_change() -> None:
    """Every pass sees the parameters as they are; a tape of others is refused, though the matrix is the same."""
    skew = gated.cell(lambda x, h, *, U: tanh((U.h - U.h.T) @ h + x))
    layer = gated.Recurrent(skew, 4, 4, dtype="float64", seed=0)
    x = np.random.default_rng(1).normal(size=(3, 2, 4))
    state = np.ones((1, 2, 4))
    stream = layer.stream(2, state)
    y, _, tape = layer.forward(x, state)
    assert np.array_equal(y, layer.infer(x, state)[0]) and np.array_equal(y[0], stream.step(x[0]))
    layer.params["l0.U.h"] += 1.0  # U - Uᵀ is what it was
    with pytest.raises(ArgumentError, match="parameters have changed"):
        layer.backward(tape, np.ones_like(y))
    layer.params["l0.U.h"][0, 1] += 1.0
    z = layer.forward(x, state)[0]
    assert not np.array_equal(z, y) and np.array_equal(layer.infer(x, state)[0], z)
    stream.refresh()
    stream.reset(state)
    assert np.array_equal(stream.step(x[0]), z[0])


def test_two_tapes_at_once_and_the_same_bits_twice() -> None:
    layer, (x, state, dy, dstate) = layer_of(), data(4)
    _, _, one = layer.forward(x, state)
    _, _, other = layer.forward(2 * x, state)
    first, second = layer.backward(one, dy, dstate)[2].vector, layer.backward(other, dy, dstate)[2].vector
    assert not np.array_equal(first, second)
    assert np.array_equal(layer.backward(one, dy, dstate)[2].vector, first)


def test_outputs_do_not_depend_on_the_threads() -> None:
    layer, (x, state, dy, dstate) = layer_of(), data(5, 9)
    found, before = [], gated.get_num_threads()
    try:
        for threads in (1, 2, 3):
            gated.set_num_threads(threads)
            y, last, tape = layer.forward(x, state)
            found.append([y, *last, layer.infer(x, state)[0], layer.backward(tape, dy, dstate)[0]])
    finally:
        gated.set_num_threads(before)
    for arrays in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], arrays, strict=True))


def test_many_threads_infer_at_once() -> None:
    layer, (x, state, *_) = layer_of(), data(5)
    expected, wrong = layer.infer(x, state)[0], []

    def work() -> None:
        for _ in range(20):
            if not np.array_equal(layer.infer(x, state)[0], expected):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


# networks


def network(backend: str, tied: bool = False, **options: Any) -> gated.Network:
    rnn = layer_of(backend, **options)
    layers = {"rnn": rnn, "head": gated.Dense(rnn.output_size, 2, seed=1, dtype="float64", backend=backend)}
    if tied:
        square = gated.Recurrent(
            gated.cells.antisymmetric_rnn, rnn.output_size, rnn.output_size, seed=2, dtype="float64", backend=backend
        )
        layers = {"rnn": rnn, "one": square, "two": square, "head": layers["head"]}
    return gated.Network(layers)


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"tied": True}], ids=str)
def test_whole_steps_of_training(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In one call of machine code, as layer by layer."""
    calls: list[Any] = []
    train = made.MadeBackend.train

    def spied(self: Any, *args: Any) -> Any:
        calls.append(train(self, *args))
        return calls[-1]

    monkeypatch.setattr(made.MadeBackend, "train", spied)
    x, _, dy, _ = data(6)
    batch = x, dy[:, :, :2], (6, 0, 4, 6)
    native, reference = network("native", **options), network("reference", **options)
    for net in (native, reference):
        optimizer = Adam(0.01)
        for _ in range(3):
            full_step(net, SquaredError(), optimizer, (batch[0], batch[1]), clip=0.5)
    assert len(calls) == 3 and all(found.updated for found in calls)
    np.testing.assert_allclose(native.theta, reference.theta, rtol=1e-9, atol=1e-11)
    mine, theirs = (gradients(net, SquaredError(), batch[:2]).grads.vector for net in (native, reference))
    np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-11)
    y, _ = native.infer(x)
    np.testing.assert_allclose(y, reference.forward(x)[0], rtol=1e-9, atol=1e-11)


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    net = network("native")
    x, _, dy, _ = data(3)
    x[1, 0, 0] = np.nan
    before = net.theta.copy()
    with pytest.raises(gated.errors.GatedError, match="expected a finite number"):
        full_step(net, SquaredError(), Adam(0.01), (x, dy[:, :, :2]))
    assert np.array_equal(net.theta, before)


def test_a_stream_of_a_network() -> None:
    net = network("native")
    x, *_ = data(4)
    stream = net.stream(4)
    np.testing.assert_allclose([stream.step(x_t) for x_t in x], net.forward(x)[0], rtol=1e-12)
    net.theta *= 0.5
    stream.refresh()
    stream.reset()
    np.testing.assert_allclose([stream.step(x_t) for x_t in x], net.forward(x)[0], rtol=1e-12)


# learning in real time


def test_real_time_recurrent_learning_is_backpropagation() -> None:
    net = network("native")
    x, _, dy, _ = data(4, 2)
    learner, target = RealTime(net, 2), dy[-1, :, :2]
    for x_t in x:
        y = learner.forward(x_t)
    adjoint = SquaredError()(y, target)[1]
    out, _, tape = net.forward(x)
    whole = np.zeros_like(out)
    whole[-1] = adjoint
    np.testing.assert_allclose(learner.gradient(adjoint), net.backward(tape, whole)[2].vector, rtol=1e-9, atol=1e-12)


def _traced(cell: Any, theta: Callable[[gated.Network], None], x: Array, dy: Array) -> gated.nn.ParameterVector:
    net = gated.Network({"rnn": gated.Recurrent(cell, D, H, dtype="float64", seed=0)})
    theta(net)
    learner = Traces(net, x.shape[1])
    for x_t in x:
        learner.forward(x_t)
    return net.params.like(learner.gradient(dy).copy())


def test_traces_are_those_of_the_matrix_itself() -> None:
    """With the recurrent matrices cut, as ever: dU = dM − dMᵀ, dS = dM ⊙ W."""
    with_maps = gated.cell(lambda x, h, *, U, S, W: 0.5 * h + tanh((U.h - U.h.T) @ h + (S.m * W.h) @ x))
    without = gated.cell(lambda x, h, *, U, W: 0.5 * h + tanh(U.h @ h + W.h @ x))
    x, _, dy, _ = data(5, 3)
    rng = np.random.default_rng(0)
    u, s, w = rng.normal(0, 0.3, (H, H)), rng.normal(size=(H, D)), rng.normal(size=(H, D))

    def mine(net: gated.Network) -> None:
        for name, value in (("U.h", u), ("S.m", s), ("W.h", w)):
            net.params[f"rnn.l0.{name}"] = value

    def theirs(net: gated.Network) -> None:
        net.params["rnn.l0.U.h"], net.params["rnn.l0.W.h"] = u - u.T, s * w

    got, plain = _traced(with_maps, mine, x, dy[-1]), _traced(without, theirs, x, dy[-1])
    d_u, d_w = plain["rnn.l0.U.h"], plain["rnn.l0.W.h"]
    for name, value in (("U.h", d_u - d_u.T), ("S.m", d_w * w), ("W.h", d_w * s)):
        np.testing.assert_allclose(got[f"rnn.l0.{name}"], value, rtol=1e-12, atol=1e-13, err_msg=name)


def test_online_says_why_it_is_no_machine_code(tmp_path: Any) -> None:
    rnn = gated.Recurrent(gated.cells.gated_antisymmetric_rnn, D, H, seed=0, dtype="float64")
    net = gated.Network({"rnn": rnn, "head": gated.Dense(H, 2, seed=1, dtype="float64")})
    learner = gated.learning.Online(net, batch=2)
    x, _, dy, _ = data(4, 2)
    learner.partial_fit(x, dy[:, :, :2])
    assert learner.fallback == "a cell with matrices that are made of parameters"
    learner.save(tmp_path / "learner.safetensors")
