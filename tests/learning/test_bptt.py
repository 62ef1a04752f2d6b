"""One update by full and by truncated backpropagation through time."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.errors import GatedError
from gated.learning import SGD, Sequences, full_step, truncated_step
from gated.losses import SoftmaxCrossEntropy
from gated.nn import Dense, Embedding, Network, Recurrent

V, T, N = 7, 6, 4


def _network(num_layers=1, dropout=0.0):
    return Network(
        {
            "embed": Embedding(V, 5, dtype="float64", seed=1),
            "rnn": Recurrent(gated.cells.lstm, 5, 6, num_layers, dropout=dropout, dtype="float64", seed=2),
            "head": Dense(6, V, dtype="float64", seed=3),
        }
    )


def _data(seed=0, steps=T):
    rng = np.random.default_rng(seed)
    return rng.integers(0, V, (steps, N)), rng.integers(0, V, (steps, N))


def _random_state(seed=5):
    rng = np.random.default_rng(seed)
    return {"rnn": tuple(rng.standard_normal((1, N, 6)) for _ in range(2))}


def _central_difference(network, value, picks):
    slopes = []
    for index in picks:
        kept = network.theta[index]
        network.theta[index] = kept + 1e-5
        above = value()
        network.theta[index] = kept - 1e-5
        slopes.append((above - value()) / 2e-5)
        network.theta[index] = kept
    return np.array(slopes)


def _mean_nats(y, target, mask=None):
    log_p = y - np.log(np.exp(y).sum(-1, keepdims=True))
    picked = np.take_along_axis(log_p, target[..., None], -1)[..., 0]
    return -(picked.mean() if mask is None else picked[mask].mean())


def test_full_step_moves_along_the_gradient_of_the_mean_loss():
    network, (x, target) = _network(), _data()
    lengths = np.array([6, 3, 5, 1])
    mask = np.arange(T)[:, None] < lengths
    picks = np.random.default_rng(0).choice(network.theta.size, 60, replace=False)

    def value():
        return _mean_nats(network.forward(x, None, lengths)[0], target, mask)

    wanted, slopes, before = value(), _central_difference(network, value, picks), network.theta.copy()
    loss, norm = full_step(network, SoftmaxCrossEntropy(), SGD(1.0), Sequences(x, target, lengths))
    moved = before - network.theta
    assert loss == pytest.approx(wanted, rel=1e-12)
    assert norm == pytest.approx(np.linalg.norm(moved), rel=1e-10)
    np.testing.assert_allclose(moved[picks], slopes, rtol=1e-6, atol=1e-9)


def test_full_step_does_not_look_beyond_a_sequence():
    lengths = np.array([6, 3, 5, 1])
    results = []
    for filling in (0, 4):
        network, (x, target) = _network(), _data()
        beyond = np.arange(T)[:, None] >= lengths
        x[beyond] = target[beyond] = filling
        results.append(
            (full_step(network, SoftmaxCrossEntropy(), SGD(0.5), Sequences(x, target, lengths)), network.theta)
        )
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_full_step_counts_only_what_the_mask_counts():
    network, (x, target) = _network(), _data()
    mask = np.zeros((T, N), bool)
    mask[-1] = True
    wanted = _mean_nats(network.forward(x)[0], target, mask)
    assert full_step(network, SoftmaxCrossEntropy(), SGD(0.1), Sequences(x, target, mask=mask))[0] == pytest.approx(
        wanted
    )


def test_truncated_step_takes_the_state_as_a_constant():
    network, window, state = _network(), _data(), _random_state()
    picks = np.random.default_rng(0).choice(network.theta.size, 60, replace=False)

    def value():
        return _mean_nats(network.forward(window[0], state)[0], window[1])

    wanted, slopes, before = value(), _central_difference(network, value, picks), network.theta.copy()
    last = network.forward(window[0], state)[1]
    loss, after, norm = truncated_step(network, SoftmaxCrossEntropy(), SGD(1.0), window, state)
    assert loss == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose((before - network.theta)[picks], slopes, rtol=1e-6, atol=1e-9)
    for ours, theirs in zip(after["rnn"], last["rnn"], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_two_windows_with_the_state_carried_see_what_one_long_one_sees():
    network, (x, target) = _network(), _data(steps=12)
    whole = _mean_nats(network.forward(x)[0], target)
    frozen = SGD(1e-300)  # the state must come from the same parameters for the comparison
    first, state, _ = truncated_step(network, SoftmaxCrossEntropy(), frozen, (x[:6], target[:6]), None)
    second, _, _ = truncated_step(network, SoftmaxCrossEntropy(), frozen, (x[6:], target[6:]), state)
    without, _, _ = truncated_step(network, SoftmaxCrossEntropy(), frozen, (x[6:], target[6:]), None)
    assert (first + second) / 2 == pytest.approx(whole, rel=1e-12)
    assert abs(without - second) > 1e-3, "the state must matter, else this test cannot fail"


def test_the_truncated_gradient_is_not_the_full_one():
    x, target = _data(steps=12)
    full, parts = _network(), _network()
    before = full.theta.copy()
    full_step(full, SoftmaxCrossEntropy(), SGD(2.0), Sequences(x, target))
    # both windows from the same parameters: their gradients summed leave out the paths across the edge
    moved, state = np.zeros_like(before), None
    for part in (slice(0, 6), slice(6, 12)):
        parts.theta[:] = before
        _, state, _ = truncated_step(parts, SoftmaxCrossEntropy(), SGD(1.0), (x[part], target[part]), state)
        moved += before - parts.theta
    difference = np.linalg.norm(moved - (before - full.theta)) / np.linalg.norm(moved)
    assert 1e-4 < difference < 0.5


def test_clipping_bounds_the_update():
    network, window = _network(), _data()
    before = network.theta.copy()
    _, _, norm = truncated_step(network, SoftmaxCrossEntropy(), SGD(1.0), window, None, clip=1e-3)
    assert norm > 1e-2, "the norm returned is that before clipping"
    assert np.linalg.norm(before - network.theta) == pytest.approx(1e-3, rel=1e-9)


def test_dropout_is_drawn_from_rng_alone():
    def loss(rng):
        return truncated_step(_network(2, 0.5), SoftmaxCrossEntropy(), SGD(0.1), _data(), None, rng=rng)[0]

    assert loss(np.random.default_rng(1)) == loss(np.random.default_rng(1))
    assert loss(np.random.default_rng(1)) != loss(np.random.default_rng(2))
    assert loss(None) == loss(None) != loss(np.random.default_rng(1))


def test_a_loss_that_is_not_finite_stops_before_the_update():
    network, window, optimizer = _network(), _data(), SGD(0.1)
    for value, why in (
        (np.nan, "the parameter head.b.y holds NaN at [0]"),
        (1e308, "a smaller learning rate or a smaller clip may help"),  # nothing that went in was not finite
    ):
        network.params["head.W.y"] = 0.0
        network.params["head.b.y"] = -1e308
        network.params["head.b.y"][0] = value
        before = network.theta.copy()
        with pytest.raises(GatedError) as caught:
            truncated_step(network, SoftmaxCrossEntropy(), optimizer, window, None)
        number = "nan" if np.isnan(value) else "inf"
        assert str(caught.value) == f"loss: got {number} at update 0, expected a finite number; {why}"
        np.testing.assert_array_equal(network.theta, before)
        assert optimizer.updates == 0


def test_windows_over_padded_sequences_lose_what_the_whole_loses():
    """With weights that stay, the losses of all windows, weighted by their steps that count, make up the whole loss."""
    network, (x, target) = _network(), _data(steps=9)
    lengths = np.array([9, 2, 7, 4])
    mask = (np.arange(9)[:, None] < lengths) & (np.random.default_rng(1).random((9, N)) < 0.6)
    frozen = SGD(1e-300)
    y, _, _ = network.forward(x, None, lengths)
    state, total = None, 0.0
    for start in range(0, 9, 3):
        part = slice(start, start + 3)
        within = np.clip(lengths - start, 0, 3)
        value, state, _ = truncated_step(
            network, SoftmaxCrossEntropy(), frozen, (x[part], target[part]), state, lengths=within, mask=mask[part]
        )
        total += value * mask[part].sum()
    np.testing.assert_allclose(total / mask.sum(), _mean_nats(y, target, mask), rtol=1e-12)


def test_without_a_mask_the_steps_beyond_the_lengths_do_not_count():
    network, (x, target) = _network(), _data()
    lengths = np.array([6, 3, 0, 1])
    y, _, _ = network.forward(x, None, lengths)
    value, _, _ = truncated_step(network, SoftmaxCrossEntropy(), SGD(0.1), (x, target), None, lengths=lengths)
    np.testing.assert_allclose(value, _mean_nats(y, target, np.arange(T)[:, None] < lengths), rtol=1e-12)
