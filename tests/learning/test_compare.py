"""How far approximate gradients are from the exact one."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning import GradientDifference, compare_gradients
from gated.learning.realtime.compare import _difference
from gated.losses import SigmoidSquaredError, SoftmaxCrossEntropy
from gated.nn import Dense, Network, Recurrent

T, N = 7, 3


def _network(cell=gated.cells.gers_lstm):
    rng = np.random.default_rng(4)
    network = Network({"rnn": Recurrent(cell, 3, 5, dtype="float64"), "head": Dense(5, 2, dtype="float64")})
    network.theta[:] = 0.6 * rng.standard_normal(network.theta.size)
    return network, rng.standard_normal((T, N, 3)), rng.standard_normal((T, N, 2))


def _by_group(rows):
    return {row.group: row for row in rows}


def test_without_recurrent_weights_the_online_gradient_is_the_exact_one():
    network, x, target = _network()
    before = network.theta.copy()
    rows = compare_gradients(network, x, target, without=("U",))
    assert [row.group for row in rows] == [*network.params, "all"]
    assert max(row.relative_error for row in rows) < 1e-12
    assert max(row.angle for row in rows) < 1e-6
    assert min(row.norm for row in rows) > 0
    np.testing.assert_array_equal(network.theta, before)


def test_with_recurrent_weights_only_the_head_is_exact():
    network, x, target = _network()
    rows = _by_group(compare_gradients(network, x, target))
    assert rows["head.W.y"].relative_error < 1e-12
    assert all(row.relative_error > 0.01 for name, row in rows.items() if name.startswith("rnn"))
    assert all(0.5 < row.angle < 90 for name, row in rows.items() if name.startswith("rnn"))


def test_what_the_preset_leaves_out_of_the_peepholes():
    network, x, target = _network()
    cut = _by_group(compare_gradients(network, x, target, peepholes=False, without=("U",)))
    # the output gate has no trace, and no peephole stands between it and the output
    for name in ("W.o", "U.o", "b.o", "p.o"):
        assert cut[f"rnn.l0.{name}"].relative_error < 1e-12
    for name in ("W.i", "W.f", "W.g", "p.i", "p.f"):
        assert cut[f"rnn.l0.{name}"].relative_error > 0.01
    both = _by_group(compare_gradients(network, x, target, peepholes=False, without=("U", "p")))
    wrong = {name for name, row in both.items() if row.relative_error > 1e-12}
    assert wrong == {"rnn.l0.p.i", "rnn.l0.p.f", "all"}  # of the peepholes' own weights, the past is missing


def test_exact_is_exact_with_masks_states_and_other_losses():
    network, x, _ = _network(gated.cells.gru)
    rng = np.random.default_rng(0)
    mask = np.arange(T)[:, None] < np.array([7, 2, 5])
    state = {"rnn": (rng.standard_normal((1, N, 5)),)}
    classes = rng.integers(0, 2, (T, N))
    rows = compare_gradients(network, x, classes, SoftmaxCrossEntropy(), algorithm="rtrl", mask=mask, state=state)
    assert max(row.relative_error for row in rows) < 1e-10
    other = compare_gradients(network, x, classes, SoftmaxCrossEntropy(), algorithm="rtrl", mask=mask)
    third = compare_gradients(network, x, classes, SoftmaxCrossEntropy(), algorithm="rtrl", state=state)
    fourth = compare_gradients(network, x, np.eye(2)[classes], SigmoidSquaredError(), algorithm="rtrl", state=state)
    assert len({rows[-1].norm, other[-1].norm, third[-1].norm, fourth[-1].norm}) == 4


def test_the_figures_of_a_difference():
    row = _difference("g", np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    assert row == GradientDifference("g", math.sqrt(2) / 2, pytest.approx(45.0), 2.0)
    assert _difference("g", np.zeros(2), np.zeros(2)) == ("g", 0.0, 0.0, 0.0)
    assert _difference("g", np.zeros(2), np.ones(2)) == ("g", 1.0, 90.0, pytest.approx(math.sqrt(2)))
    assert _difference("g", np.ones(2), np.zeros(2)) == ("g", math.inf, 90.0, 0.0)
    tiny = _difference("g", np.array([1.0, 1e-10]), np.array([1.0, 0.0]))
    assert tiny.angle == pytest.approx(math.degrees(1e-10), rel=1e-6)
    assert _difference("g", np.array([-3.0]), np.array([1.0])).angle == pytest.approx(180.0)


def test_arguments_that_cannot_be_used():
    network, x, target = _network()
    with pytest.raises(ArgumentError, match=r"^without: got 'R', expected families of the cells: W, U, p, b$"):
        compare_gradients(network, x, target, without=("R",))
    with pytest.raises(ArgumentTypeError, match=r"^without: got str 'U', expected a collection of families"):
        compare_gradients(network, x, target, without="U")
    with pytest.raises(ArgumentError, match=r"^x: got an array of shape \(7,\)"):
        compare_gradients(network, np.zeros(7), target)
    other = Network({"a": gated.LSTM(3, 4, batch_first=True, dtype="float64")})
    with pytest.raises(ArgumentError, match=r"^layers\['a'\]: got batch_first=True, expected batch_first=False"):
        compare_gradients(other, x, target)
    with pytest.raises(ArgumentTypeError, match="^network: got int 7, expected a gated.Network"):
        compare_gradients(7, x, target)
    before = network.theta.copy()
    with pytest.raises(ArgumentError, match="^target: "):
        compare_gradients(network, x, target[:2], without=("U",))
    np.testing.assert_array_equal(network.theta, before)
