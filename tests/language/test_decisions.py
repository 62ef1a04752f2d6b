"""What is decided by values, and what is held: the branch that is not taken counts for nothing, be it NaN."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import gated
from gated import hold, log, sigmoid, sqrt, tanh, where
from gated.calculus.influence import notes_on
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError


@gated.cell
def guarded(x, h, *, p, b):
    """Where a <= 0 the branch that is not taken is NaN or infinite, and so is its slope."""
    a = p.a * x
    root = sqrt(a)
    h = where(a > 0, log(a) + root * a**-1, 0.5 * b.h) + 0.25 * h
    return h


@gated.cell
def spiking(x, s, v, *, W, U, b):
    """Leaky integrate and fire, with the slope of a sigmoid in the place of that of a step."""
    v = 0.9 * v * (1 - s) + W.v @ x + U.v @ s + b.v
    soft = sigmoid(4 * (v - 1))
    fire = v > 1
    s = hold(where(fire, 1, 0) - soft) + soft
    return s, v


X = np.array([[[2.0, 0.0, -1.0, np.nan, 0.5]], [[np.inf, -np.inf, 0.0, 1.0, np.nan]], [[-2.0, 3.0, np.nan, -0.0, 1.5]]])


@pytest.mark.parametrize("backend", ["reference", "native"])
def test_what_is_not_taken_survives_neither_in_values_nor_in_gradients(backend: str) -> None:
    layer = gated.Recurrent(guarded, 5, 5, dtype="float64", backend=backend)
    layer.params["l0.p.a"][...], layer.params["l0.b.h"][...] = 1.5, -0.5
    x = np.where(np.isinf(X), 1.0, X)
    y, (last,), tape = layer.forward(x)
    dx, _, grads = layer.backward(tape, np.ones_like(y), (np.ones_like(last),))
    state, expected, slope, p_slope, b_slope = 0.0, [], [], np.zeros(5), np.zeros(5)
    taken = 1.5 * x > 0
    with np.errstate(all="ignore"):
        for t in range(3):
            a = 1.5 * x[t, 0]
            state = np.where(taken[t, 0], np.log(a) + np.sqrt(a) / a, -0.25) + 0.25 * state
            expected.append(state)
            adjoint = sum(0.25**k for k in range(3 - t)) + 0.25 ** (2 - t)
            own = np.where(taken[t, 0], adjoint * (1 / a - 0.5 * a**-1.5), 0.0)
            slope.append(1.5 * own)
            p_slope += np.where(taken[t, 0], own * x[t, 0], 0.0)
            b_slope += np.where(taken[t, 0], 0.0, 0.5 * adjoint)
    np.testing.assert_allclose(y[:, 0], expected, rtol=1e-14)
    np.testing.assert_allclose(dx[:, 0], slope, rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(grads["l0.p.a"], p_slope, rtol=1e-13)
    np.testing.assert_allclose(grads["l0.b.h"], b_slope, rtol=1e-13)


@pytest.mark.parametrize("cell", [guarded, spiking], ids=lambda cell: cell.name)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_derivation_as_a_program_computes_what_the_layer_computes(cell: gated.Cell, lang: str) -> None:
    scope: dict[str, object] = {}
    exec(cell.derive("numpy", lang), scope)  # our own text
    assert all(cell.derive(form, lang) for form in ("text", "markdown", "latex"))
    layer = gated.Recurrent(cell, 5, 5, dtype="float64", seed=3, backend="reference")
    rng = np.random.default_rng(0)
    x = np.where(np.isfinite(X) | (cell is guarded), X, 0.3)
    state = tuple(rng.standard_normal((1, 1, 5)) for _ in cell.states)
    dstate = tuple(rng.standard_normal((1, 1, 5)) for _ in cell.states)
    y, _, tape = layer.forward(x, state)
    dy = rng.standard_normal(y.shape)
    dx, first, grads = layer.backward(tape, dy, dstate)
    params = {name[3:]: value for name, value in layer.params.items()}
    with np.errstate(all="ignore"):
        got = scope[cell.name](x, tuple(s[0] for s in state), params, dy, tuple(d[0] for d in dstate))  # type: ignore[operator]
    np.testing.assert_allclose(got[0], y, rtol=1e-12)
    np.testing.assert_allclose(got[2], dx, rtol=1e-11, atol=1e-14)
    for name, value in grads.items():
        np.testing.assert_allclose(got[4][name[3:]], value, rtol=1e-11, atol=1e-14)
    for own, other in zip(got[3], first, strict=True):
        np.testing.assert_allclose(own, other[0], rtol=1e-11, atol=1e-14)


def test_a_comparison_that_has_a_name_is_on_the_tape() -> None:
    layer = gated.Recurrent(spiking, 3, 4, dtype="float32", seed=0)
    _, _, tape = layer.forward(3 * np.random.default_rng(0).standard_normal((6, 2, 3)).astype("f4"))
    np.testing.assert_array_equal(tape["fire"], tape["v"] > 1)
    assert 0 < tape["fire"].mean() < 1
    np.testing.assert_allclose(tape["s"], tape["fire"], atol=1e-6)


def test_they_are_printed_as_they_were_written() -> None:
    @gated.cell
    def written(x, h, *, W, b):
        a = W.a @ x
        return where(a <= b.k - 1, (a + 1) ** 2, a**-0.5) ** 3 - where(a >= h, 1, h**-2)

    assert written.equations() == [
        "aₜ = W_a xₜ",
        "hₜ = where(aₜ ≤ b_k − 1, (aₜ + 1)², aₜ^(−0.5))³ − where(aₜ ≥ hₜ₋₁, 1, hₜ₋₁⁻²)",
    ]
    assert written.equations("latex")[1] == (
        r"h_{t} = \mathrm{where}(a_{t} \leq b_{k} - 1, \left(a_{t} + 1\right)^{2}, a_{t}^{-0.5})^{3} - "
        r"\mathrm{where}(a_{t} \geq h_{t-1}, 1, h_{t-1}^{-2})"
    )
    assert written.equations("numpy")[1] == (
        "h = np.where(a <= b_k - 1.0, (a + 1.0) ** 2, a ** (-0.5)) ** 3 - np.where(a >= h_prev, 1.0, h_prev ** -2)"
    )


def test_what_only_decides_is_told() -> None:
    @gated.cell
    def threshold(x, h, c, *, W, b):
        c = hold(tanh(W.c @ x))
        h = where(h > b.t, 0.5 * h, c) + x
        return h, c

    held = "only through values that are held, rounded or compared: no derivative passes there"
    assert notes_on(threshold.graph) == [
        "the state c is never read: no equation uses what it was at the step before",
        f"the parameter W.c reaches the output h {held}",
        f"the parameter b.t reaches the output h {held}",
    ]
    assert gated.check_cell(threshold, backend="reference").passed


def test_a_decision_of_numbers_is_made_where_a_family_is_left_out() -> None:
    @gated.cell
    def cell(x, h, *, W, b):
        return where(b.t > -1, tanh(W.h @ x), h) + b.s**2

    assert cell.without("b").equations() == ["hₜ = tanh(W_h xₜ)"]


def test_on_numbers_and_arrays() -> None:
    a = np.array([-2.0, 0.5, np.nan])
    np.testing.assert_array_equal(where(a > 0, a, 1.0), [1.0, 0.5, 1.0])
    np.testing.assert_array_equal(gated.clip(a, -1, 0.25), [-1.0, 0.25, np.nan])
    assert where(True, 2, 3) == 2 and hold(0.5) == 0.5
    with pytest.raises(ArgumentTypeError, match=r"where\(\)"):
        where(a, 1.0, 2.0)
    with pytest.raises(ArgumentError, match="the low end is above the high one"):
        gated.clip(a, 1, 0)


def test_what_is_known_before_is_decided_before() -> None:
    def cell(x, h, *, W, deep):
        return where(np.bool_(True), tanh(W.h @ x), h) + where(False, x, deep.v)

    assert gated.cell(cell).equations() == ["hₜ = tanh(W_h xₜ) + deep_v"]


def _changed(change):  # type: ignore[no-untyped-def]
    @gated.cell
    def small(x, h, *, W, b):
        return where(h > 0.5, W.h @ x, gated.clip(b.h, -1, 1)) ** 2

    data = copy.deepcopy(small.to_json())
    nodes = {node[1]: node for node in data["nodes"] if isinstance(node[1], str)}
    change(data, nodes)
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, n: n["where"][3].__setitem__(0, n["where"][3][1]), "where is given no comparison in place 1"),
        (lambda d, n: n["where"][3].__setitem__(1, n["where"][3][0]), "where is given a comparison in place 2"),
        (lambda d, n: n["power"][3].__setitem__(0, n["where"][3][0]), "power is given a comparison in place 1"),
        (lambda d, n: n["power"][3].__setitem__(1, n["power"][3][0]), "raises to a power that is no plain number"),
        (lambda d, n: n["clip"][3].insert(1, n["clip"][3].pop()), "clips between 1.0 and -1.0: the low end is above"),
        (lambda d, n: d.update(outputs=[n["where"][3][0]]), "state h is a comparison"),
        (lambda d, n: n["where"].__setitem__(1, "_within"), "unknown function '_within'"),
    ],
)
def test_a_file_says_the_same_or_is_refused(change, message) -> None:  # type: ignore[no-untyped-def]
    gated.Cell.from_json(_changed(lambda d, n: None))
    with pytest.raises(FileFormatError) as caught:
        gated.Cell.from_json(_changed(change))
    assert message in str(caught.value)
