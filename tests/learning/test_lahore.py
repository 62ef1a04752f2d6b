"""The preset for the public Java class: its printed figures, and what it leaves out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning import LahoreLSTM

FIGURES = json.loads((Path(__file__).parent / "data" / "lahore.json").read_text(encoding="utf-8"))
TOLERANCE = FIGURES["tolerance"]
CASES = FIGURES["cases"]


def _net(case):
    net = LahoreLSTM(case["inputs"], len(case["outputs"][0]), case["cells"], learning_rate=FIGURES["learning_rate"])
    k = np.arange(case["n_params"])
    net.parameters = case["pa"] * np.sin(case["pb"] * k + case["pc"])
    return net


def _step(net, case, t):
    if t in case["reset_before_steps"]:
        net.reset()
    x = np.sin(0.3 * t + 1.1 * np.arange(case["inputs"]))
    target = 0.5 * np.cos(0.2 * t + 0.9 * np.arange(len(case["outputs"][0])))
    return net.next(x, target if t % case["mod"] == case["rem"] else None)


@pytest.mark.parametrize("name", CASES)
def test_outputs_hidden_units_and_parameters_are_those_of_the_class(name):
    case = CASES[name]
    net = _net(case)
    assert net.parameters.shape == (case["n_params"],)
    seen = 0
    for t in range(case["steps"]):
        y = _step(net, case, t)
        np.testing.assert_allclose(y, case["outputs"][t], rtol=TOLERANCE, atol=TOLERANCE)
        np.testing.assert_allclose(net.hidden, case["hidden_after_step"][t], rtol=TOLERANCE, atol=TOLERANCE)
        if str(t) in case["params_after_step"]:
            seen += 1
            stored = case["params_after_step"][str(t)]
            np.testing.assert_allclose(net.parameters, stored, rtol=TOLERANCE, atol=TOLERANCE)
    assert seen == len(case["params_after_step"]) > 3
    np.testing.assert_allclose(net.parameters, case["params_final"], rtol=TOLERANCE, atol=TOLERANCE)


def _by_hand(parameters, sizes, xs, targets, rate):
    """The class's rule in words, written out by hand: an oracle for other sizes than the stored ones."""
    inputs, outputs, cells = sizes
    width = inputs + cells + 1
    split = 4 * width + 3
    own = parameters[: cells * split].reshape(cells, split).copy()
    gates, (pi, pf, po) = own[:, :-3].reshape(cells, width, 4), own[:, -3:].T
    head = parameters[cells * split :].reshape(cells + 1, outputs).T.copy()
    wz, wi, wf, wo = (gates[:, :, k] for k in range(4))
    h, c = np.zeros(cells), np.zeros(cells)
    tz, ti, tf = (np.zeros((cells, width)) for _ in range(3))
    ys = []
    for x, d in zip(xs, targets, strict=True):
        u = np.concatenate([x, h, [1.0]])
        z = np.tanh(wz @ u)
        f = 1 / (1 + np.exp(-(wf @ u + pf * c)))
        kept = f * c
        i = 1 / (1 + np.exp(-(wi @ u + pi * kept)))
        new = kept + i * z
        o = 1 / (1 + np.exp(-(wo @ u + po * new)))
        ti = f[:, None] * ti + np.outer(i * (1 - i) * z, u)
        tf = f[:, None] * tf + np.outer(f * (1 - f) * c, u)
        tz = f[:, None] * tz + np.outer((1 - z * z) * i, u)
        h = o * new
        ys.append(head @ np.append(h, 1.0))
        if d is not None:
            e = d - ys[-1]
            dh = head[:, :cells].T @ e
            head += rate * np.outer(e, np.append(h, 1.0))
            do, ds = dh * new * o * (1 - o), dh * o
            wo += rate * np.outer(do, u)
            po += rate * do * new
            pi += rate * ds * z * i * (1 - i) * kept
            pf += rate * ds * c * f * (1 - f) * c
            for w, trace in ((wi, ti), (wf, tf), (wz, tz)):
                w += rate * ds[:, None] * trace
        c = new
    return np.array(ys), np.concatenate([own.ravel(), head.T.ravel()])


@pytest.mark.parametrize("sizes", [(1, 1, 1), (7, 7, 15), (3, 2, 9)])
def test_other_sizes_against_the_rule_written_by_hand(sizes):
    rng = np.random.default_rng(0)
    net = LahoreLSTM(*sizes, learning_rate=0.2)
    net.parameters = start = rng.standard_normal(net.parameters.size)
    xs = rng.standard_normal((60, sizes[0]))
    targets = [rng.standard_normal(sizes[1]) if t % 4 else None for t in range(60)]
    ys, parameters = _by_hand(start, sizes, xs, targets, 0.2)
    own = np.stack([net.next(x, d) for x, d in zip(xs, targets, strict=True)])
    np.testing.assert_allclose(own, ys, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(net.parameters, parameters, rtol=1e-10, atol=1e-11)


def test_reset_forgets_and_keeps_the_parameters():
    case = next(iter(CASES.values()))
    net = _net(case)
    first = _step(net, case, 0)
    parameters = net.parameters
    assert net.hidden.any()
    net.reset()
    assert not net.hidden.any()
    np.testing.assert_array_equal(net.parameters, parameters)
    np.testing.assert_array_equal(net.next(np.sin(1.1 * np.arange(case["inputs"]))), first)


def test_seed_and_learning_rate_change_something():
    x, d = np.ones(2), np.zeros(1)
    same, other = LahoreLSTM(2, 1, 3, seed=1), LahoreLSTM(2, 1, 3, seed=2)
    np.testing.assert_array_equal(same.parameters, LahoreLSTM(2, 1, 3, seed=1).parameters)
    assert (same.parameters != other.parameters).all() and (np.abs(same.parameters) <= 0.1).all()
    slow, fast = LahoreLSTM(2, 1, 3, 0.01), LahoreLSTM(2, 1, 3, 0.1)
    start = slow.parameters
    slow.next(x, d)
    fast.next(x, d)
    np.testing.assert_allclose(fast.parameters - start, 10 * (slow.parameters - start), rtol=1e-9, atol=1e-15)
    assert (fast.parameters != start).any()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: LahoreLSTM(0, 1, 1), ArgumentError, "inputs: got 0, expected a positive whole number"),
        (lambda: LahoreLSTM(1, 1.5, 1), ArgumentTypeError, "outputs: got float 1.5, expected a positive whole number"),
        (lambda: LahoreLSTM(1, 1, -2), ArgumentError, "cells: got -2, expected a positive whole number"),
        (lambda: LahoreLSTM(1, 1, 1, 0), ArgumentError, "learning_rate: got 0, expected a finite number above 0"),
        (lambda: LahoreLSTM(1, 1, 1, seed=-1), ArgumentError, "seed: got -1, expected a whole number >= 0"),
    ],
)
def test_sizes_that_cannot_be_used(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == message


def test_parameters_that_cannot_be_used():
    net = LahoreLSTM(2, 1, 3)
    before = net.parameters
    with pytest.raises(ArgumentError, match=r"^parameters: got an array of shape \(3,\) .* expected shape \(85,\)$"):
        net.parameters = np.zeros(3)
    with pytest.raises(ArgumentError, match="^parameters: got NaN or inf, expected finite numbers$"):
        net.parameters = np.full(85, np.nan)
    with pytest.raises(ArgumentError, match=r"^x_t: got an array of shape \(3,\)"):
        net.next(np.zeros(3))
    with pytest.raises(ArgumentError, match=r"^target: got an array of shape \(2,\) .* expected y's shape \(1,\)$"):
        net.next(np.zeros(2), np.zeros(2))
    np.testing.assert_array_equal(net.parameters, before)
