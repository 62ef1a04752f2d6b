"""First values that a cell brings with it: each rule against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

import gated
from gated import Recurrent
from gated.errors import GatedError
from gated.language.first_values import WORDS
from gated.nn.initialisation import INITIALISERS, RULES, by_rule


def values(rule, *shape):
    return by_rule("p.a", rule, shape, 8, np.random.default_rng(0))


def test_the_language_knows_the_words_of_the_table():
    assert set(WORDS) == {*INITIALISERS, *RULES}


@pytest.mark.parametrize(("order", "theta"), [(1, 3.0), (6, 20.0), (13, 4.0)])
def test_legendre_is_the_delay_held_for_a_step(order, theta):
    """Of the continuous system a m + b u, u constant for a step: exp of both side by side."""
    a, b = np.zeros((order, order)), np.zeros(order)
    for i in range(order):
        b[i] = (2 * i + 1) * (-1) ** i / theta
        for j in range(order):
            a[i, j] = (2 * i + 1) / theta * (-1 if i < j else (-1) ** (i - j + 1))
    held = expm(np.block([[a, b[:, None]], [np.zeros((1, order + 1))]]))
    np.testing.assert_allclose(values(f"legendre({theta})", order, order), held[:order, :order], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(values(f"legendre({theta})", order), held[:order, order], rtol=1e-9, atol=1e-12)


def test_rules_by_their_definitions():
    found = values("spectral(0.9, 0.3)", 40, 40)
    assert np.abs(np.linalg.eigvals(found)).max() == pytest.approx(0.9) and 0.2 < (found != 0).mean() < 0.4
    assert not values("spectral(0.9, 0)", 3, 3).any()
    squares = np.exp(-np.exp(values("ring(0.9, 0.999)", 4000))) ** 2
    assert squares.min() >= 0.81 and squares.max() <= 0.999**2
    assert squares.mean() == pytest.approx((0.81 + 0.999**2) / 2, abs=0.005)
    times = values("log_uniform(1, 1000)", 4000)
    assert times.min() >= 1 and times.max() <= 1000 and np.log10(times).mean() == pytest.approx(1.5, abs=0.05)
    assert values("constant(-2.5e-1)", 2).tolist() == [-0.25] * 2 and values("ones", 2).tolist() == [1, 1]
    assert values("identity(3)", 2, 3).tolist() == [[3, 0, 0], [0, 3, 0]] and not values("zeros", 2, 2).any()
    assert values("normal(0.1)", 50, 50).std() == pytest.approx(0.1, rel=0.05)
    q = values("orthogonal", 5, 5)
    np.testing.assert_allclose(q @ q.T, np.eye(5), atol=1e-12)


def test_a_layer_begins_so_whatever_its_own_init_says():
    @gated.cell(init={"W.*": "constant(2)", "W.b": "zeros", "S.v": "uniform(3, 4)"})
    def own(x, h, *, W, U, S: gated.fixed):
        return gated.tanh(W.a @ x + W.b @ x + U.h @ (S.v * h) + S.w * h)

    assert own.graph.init == {"W.a": "constant(2)", "W.b": "zeros", "S.v": "uniform(3, 4)"}
    layer = Recurrent(own, 2, 3, 2, init="xavier", dtype="float64")
    for level in ("l0", "l1"):
        assert (layer.params[f"{level}.W.a"] == 2).all() and not layer.params[f"{level}.W.b"].any()
        assert (layer.fixed[f"{level}.S.v"] >= 3).all() and (layer.fixed[f"{level}.S.w"] == 1).all()
    assert (
        Recurrent(own, 2, 3, seed=1).fixed["l0.S.v"].tolist() != Recurrent(own, 2, 3, seed=2).fixed["l0.S.v"].tolist()
    )


def plain(x, h, *, W):
    return h + W.a @ x


@pytest.mark.parametrize(
    ("init", "part"),
    {
        "a": ([], "init is"),
        "b": ({"Q.a": "ones"}, "init names 'Q.a'; the parameters are W.a"),
        "c": ({3: "ones"}, "init names"),
        "d": ({"W.a": "twos"}, "init of W.a is 'twos'; a rule is one of pytorch"),
        "e": ({"W.a": 3}, "init of W.a is"),
        "f": ({"W.a": "uniform(0, 1"}, "init of W.a is"),
        "g": ({"W.a": "uniform(1)"}, "init of W.a: got 'uniform(1)', expected 2 number(s) for uniform"),
        "h": ({"W.a": "legendre(2)"}, "expected a square matrix or a vector"),
        "i": ({"W.a": "uniform(0, 1e999)"}, "finite"),
        "j": ({"W.a": "log_uniform(-1, 1)"}, "finite"),
        "k": ({"W.a": "xavier(1)"}, "W.a"),
    }.values(),
)
def test_rules_that_do_not_fit(init, part):
    with pytest.raises(GatedError) as caught:
        Recurrent(gated.cell(init=init)(plain), 3, 2)
    assert part in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_with_a_rule_that_nobody_knows_is_refused_where_it_is_used():
    data = gated.cell(init={"W.a": "ones"})(plain).to_json()
    data["init"] = {"W.a": "sorcery(3)"}
    with pytest.raises(GatedError, match="sorcery"):
        Recurrent(gated.Cell.from_json(data), 3, 2)
