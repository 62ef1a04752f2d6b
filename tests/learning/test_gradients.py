"""Gradients without an update: with an update behind them they are a whole step, in one process or in several."""

from __future__ import annotations

import math
import multiprocessing

import numpy as np
import pytest
from hypothesis import given, settings
from tests.learning import averaging
from tests.learning.networks_by_chance import LOSSES, RULES, Drawn, drawn

import gated
from gated.backends import backend_of
from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning import Adam, clip_by_global_norm, full_step, gradients, truncated_step
from gated.learning.rules.clipping import clipped
from gated.losses import SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Embedding, Network, Recurrent


def made(case: Drawn, dtype: str) -> tuple:
    """What both ways to an update begin with: network, loss, optimizer, batch, state."""
    network = case.network("native", dtype)
    loss = LOSSES[case.loss](case.reduction)
    return network, loss, RULES[case.rule](), case.batch(network, dtype), case.initial(network, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=50, deadline=None)
@given(case=drawn())
def test_with_an_update_they_are_a_whole_step_to_the_bit(dtype, case):
    """Clipping by hand finds the norm in NumPy, whose last bit may be another: here the network's backend finds it."""
    network, loss, rule, batch, state = made(case, dtype)
    other, _, theirs, _, _ = made(case, dtype)
    for _ in range(3):
        found = gradients(network, loss, batch, state, rng=case.rng())
        if case.clip is not None:
            by_hand = found.grads.like(found.grads.vector.copy())
            assert math.isclose(clip_by_global_norm(by_hand, case.clip), found.norm, rel_tol=1e-14)
            assert clipped(found.grads.vector, case.clip, backend_of(network)) == found.norm
            np.testing.assert_allclose(by_hand.vector, found.grads.vector, rtol=4 * np.finfo(dtype).eps)
        rule.update(network.theta, found.grads.vector)
        value, last, norm = truncated_step(other, loss, theirs, batch, state, clip=case.clip, rng=case.rng())
        assert (found.loss, found.norm) == (value, norm)
        assert found.state.keys() == last.keys()
        for name, arrays in last.items():
            for mine, expected in zip(found.state[name], arrays, strict=True):
                np.testing.assert_array_equal(mine, expected)
        np.testing.assert_array_equal(network.theta, other.theta)
    assert rule.updates == theirs.updates == 3
    for name, array in theirs.state().items():
        np.testing.assert_array_equal(rule.state()[name], array)


def language(**options):
    layers = {"e": Embedding(7, 4, **options), "r": Recurrent(gated.cells.lstm, 4, 6, **options)}
    return Network({**layers, "d": Dense(6, 7, **options)})


def batch(seed=0, shape=(5, 3)):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 7, shape), rng.integers(0, 7, shape)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_they_come_by_name_and_change_nothing(backend):
    network = language(dtype="float64", backend=backend)
    before = network.theta.copy()
    found, again = (gradients(network, SoftmaxCrossEntropy(), batch()) for _ in range(2))
    np.testing.assert_array_equal(network.theta, before)
    assert found.grads.shapes == network.params.shapes
    for name, gradient in found.grads.items():
        assert np.shares_memory(gradient, found.grads.vector)
        np.testing.assert_array_equal(gradient, again.grads[name])
    assert not np.shares_memory(found.grads.vector, again.grads.vector)
    assert abs(found.norm - np.linalg.norm(found.grads.vector)) < 1e-12
    full_step(network, SoftmaxCrossEntropy(), gated.learning.SGD(0.5), batch())
    np.testing.assert_allclose(network.theta, before - 0.5 * found.grads.vector, rtol=1e-12)


def test_a_loss_of_somebody_s_own():
    network, (x, target) = language(dtype="float64"), batch()
    calls = []

    def own(y, wanted, mask):
        calls.append((y.shape, mask))
        value, dy = SoftmaxCrossEntropy()(y, wanted, mask)
        return 3 * value, 3 * dy

    found, right = (gradients(network, loss, (x, target)) for loss in (own, SoftmaxCrossEntropy()))
    assert calls == [((5, 3, 7), None)]
    np.testing.assert_allclose(found.grads.vector, 3 * right.grads.vector, rtol=1e-10, atol=1e-14)
    assert math.isclose(found.loss, 3 * right.loss) and math.isclose(found.norm, 3 * right.norm)
    np.testing.assert_array_equal(found.state["r"][0], right.state["r"][0])


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_loss_that_is_not_finite_makes_a_gradient_that_no_update_takes(backend):
    network = language(dtype="float64", backend=backend)
    network.params["r.l0.U.f"][1, 2] = math.nan
    found = gradients(network, SoftmaxCrossEntropy(), batch())
    assert math.isnan(found.loss) and math.isnan(found.norm) and np.isnan(found.grads.vector).all()
    healthy = gradients(language(dtype="float64"), SoftmaxCrossEntropy(), batch())
    theta, rule = language(dtype="float64").theta, Adam(0.1)
    before = theta.copy()
    with pytest.raises(ArgumentError, match="gradient: got nan at entry 0"):
        rule.update(theta, (found.grads.vector + healthy.grads.vector) / 2)
    np.testing.assert_array_equal(theta, before)
    assert rule.updates == 0


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.filterwarnings("ignore:overflow")
def test_an_infinite_loss_beside_a_finite_gradient_is_no_exception(backend):
    network = Network({"d": Dense(1, 1, dtype="float64", bias=False, backend=backend)})
    found = gradients(network, SquaredError(), (np.zeros((1, 1, 1)), np.full((1, 1, 1), 1e200)))
    assert found.loss == math.inf and np.isnan(found.grads.vector).all()


def test_what_is_in_another_s_place_is_told():
    network, loss = language(), SoftmaxCrossEntropy()
    with pytest.raises(ArgumentTypeError, match=r"network: got .*the order is network, loss, batch"):
        gradients(loss, network, batch())
    with pytest.raises(ArgumentTypeError, match=r"loss: got .*the order is network, loss, batch"):
        gradients(network, batch(), loss)
    with pytest.raises(ArgumentTypeError, match=r"target: got None"):
        gradients(network, loss, (batch()[0], None))
    with pytest.raises(ArgumentError, match="x: got the id 9, expected ids from 0 to 6"):
        gradients(network, loss, (np.full((5, 3), 9), batch()[1]))


def test_two_processes_that_average_come_to_what_one_does_with_the_whole_batch():
    context = multiprocessing.get_context("spawn")
    ends = context.Pipe()
    workers, results = [], []
    for half in (0, 1):
        mine, theirs = context.Pipe()
        workers.append(context.Process(target=averaging.learn, args=(half, ends[half], theirs)))
        workers[-1].start()
        results.append(mine)
    found = []
    for result in results:
        assert result.poll(300), "a process gave no result"
        found.append(np.frombuffer(result.recv_bytes()))
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    network, rule, norms = averaging.network(), averaging.optimizer(), []
    for given_ in averaging.batches():
        norms.append(full_step(network, SquaredError(), rule, given_, clip=averaging.CLIP)[1])
    assert max(norms) > averaging.CLIP, "this test is about clipping too"
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], network.theta, rtol=0, atol=1e-12)
