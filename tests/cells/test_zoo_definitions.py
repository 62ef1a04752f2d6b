"""Cells of the zoo against one step written by hand from their papers, independent of the language.

The others are compared in tests/oracles.

The steps take rows: x (N, D), states (N, size), `w` the parameters of one layer by name ("W.i").
"""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracles.test_by_hand import STEPS as BY_HAND
from tests.oracles.test_torchrecurrent import PEERS

from gated import Recurrent
from gated.cells import FAMILIES, ZOO

N, D, H, P, T = 4, 3, 5, 2, 6

GATES = {
    "rnn": "h",
    "projected_rnn": "s",
    "indrnn": "h",
    "lstm_1997": "igo",
    "lstm_no_input_gate": "fgo",
    "lstm_no_forget_gate": "igo",
    "lstm_no_output_gate": "ifg",
    "lstm_coupled_gates": "igo",
    "gru": "rzn",
    "gru_reset_after": "rzn",
    "projected_gru": "rzn",
    "projected_gru_reset_after": "rzn",
    "mgu": "fn",
    "slstm": "ifzo",
}
PEEPHOLES = {
    "peephole_lstm": "ifo",
    "gers_lstm": "ifo",
    "projected_peephole_lstm": "ifo",
    "lstm_no_input_gate": "fo",
    "lstm_no_forget_gate": "io",
    "lstm_no_output_gate": "if",
    "lstm_no_input_activation": "ifo",
    "lstm_no_output_activation": "ifo",
    "lstm_coupled_gates": "io",
    "lstm_full_gate_recurrence": "ifo",
}
STATES = {
    **dict.fromkeys(["rnn", "projected_rnn", "indrnn", "gru", "gru_reset_after", "mgu"], ("h",)),
    **dict.fromkeys(["projected_gru", "projected_gru_reset_after"], ("h", "s")),
    "slstm": ("h", "c", "n", "m"),
    "lstm_full_gate_recurrence": ("h", "c", "i", "f", "o"),
}


def expected_shapes(name):
    """The parameters that a cell must have, from the tables above: name -> shape."""
    gates = GATES.get(name, "ifgo")
    h_size = P if name.startswith("projected") else H
    units = dict.fromkeys(gates, H)
    if name == "projected_gru":
        units["r"] = P  # which acts on h before the matrix
    shapes = {f"W.{gate}": (size, D) for gate, size in units.items()}
    shapes |= {"u.h": (H,)} if name == "indrnn" else {f"U.{gate}": (size, h_size) for gate, size in units.items()}
    shapes |= {f"b.{gate}": (size,) for gate, size in units.items()}
    shapes |= {f"p.{gate}": (H,) for gate in PEEPHOLES.get(name, "")}
    if name.startswith("projected"):
        shapes["P.h"] = (P, H)
    if name.endswith("gru_reset_after"):
        shapes["b.hn"] = (H,)
    if name == "lstm_full_gate_recurrence":
        shapes |= {f"R.{source}_{target}": (H, H) for source in "ifo" for target in "ifo"}
    return shapes


def logistic(a):
    # the textbook's formula, not the library's
    return 0.5 * (1.0 + np.tanh(0.5 * a))


def net(w, gate, x, h):
    return x @ w[f"W.{gate}"].T + h @ w[f"U.{gate}"].T + w[f"b.{gate}"]


def elman_step(w, x, h):
    return (np.tanh(net(w, "h", x, h)),)


def indrnn_step(w, x, h):
    return (np.maximum(0.0, x @ w["W.h"].T + h * w["u.h"] + w["b.h"]),)


def lstm_1997_step(w, x, h, c):
    c = c + logistic(net(w, "i", x, h)) * np.tanh(net(w, "g", x, h))
    return logistic(net(w, "o", x, h)) * np.tanh(c), c


def lahore_step(w, x, h, c):
    """The formulas of the public Java program: "CEC" is the cell, CEC2 = f * CEC1, CEC3 = CEC2 + i * z."""
    cec1 = c
    cec2 = logistic(net(w, "f", x, h) + w["p.f"] * cec1) * cec1
    cec3 = cec2 + logistic(net(w, "i", x, h) + w["p.i"] * cec2) * np.tanh(net(w, "g", x, h))
    return logistic(net(w, "o", x, h) + w["p.o"] * cec3) * cec3, cec3


def projected_step(w, x, r, c):
    """Sak et al.: m = o * tanh(c), r = W_rm m."""
    c = logistic(net(w, "f", x, r)) * c + logistic(net(w, "i", x, r)) * np.tanh(net(w, "g", x, r))
    m = logistic(net(w, "o", x, r)) * np.tanh(c)
    return m @ w["P.h"].T, c


def projected_peephole_step(w, x, r, c):
    """Sak et al., equations 7 to 11, with r for r_{t-1}."""
    i = logistic(net(w, "i", x, r) + w["p.i"] * c)
    c = logistic(net(w, "f", x, r) + w["p.f"] * c) * c + i * np.tanh(net(w, "g", x, r))
    m = logistic(net(w, "o", x, r) + w["p.o"] * c) * np.tanh(c)
    return m @ w["P.h"].T, c


def projected_elman_step(w, x, r):
    return (np.tanh(net(w, "s", x, r)) @ w["P.h"].T,)


def projected_gru_step(w, x, r, s):
    """The step of the GRU on the units' state, with the projection r wherever a matrix looks at the state."""
    gate, z = logistic(net(w, "r", x, r)), logistic(net(w, "z", x, r))
    s = s + z * (np.tanh(net(w, "n", x, gate * r)) - s)
    return s @ w["P.h"].T, s


def projected_gru_reset_after_step(w, x, r, s):
    gate, z = logistic(net(w, "r", x, r)), logistic(net(w, "z", x, r))
    n = np.tanh(x @ w["W.n"].T + w["b.n"] + gate * (r @ w["U.n"].T + w["b.hn"]))
    s = n + z * (s - n)
    return s @ w["P.h"].T, s


def odyssey_step(without=(), g=np.tanh, h=np.tanh, coupled=False, peepholes=True):
    """The vanilla LSTM of Greff et al. in their letters (z block input, y output), with the variants' switches."""

    def step(w, x, y, c_old):
        def gate(name, cell):
            if name in without:
                return 1.0
            return logistic(net(w, name, x, y) + (w[f"p.{name}"] * cell if peepholes else 0.0))

        i = gate("i", c_old)
        f = 1.0 - i if coupled else gate("f", c_old)
        c = g(net(w, "g", x, y)) * i + c_old * f
        return h(c) * gate("o", c), c

    return step


def full_gate_recurrence_step(w, x, y, c_old, *gates_old):
    i_old, f_old, o_old = gates_old

    def gate(name, cell):
        recurrent = sum(
            old @ w[f"R.{source}_{name}"].T for source, old in zip("ifo", (i_old, f_old, o_old), strict=True)
        )
        return logistic(net(w, name, x, y) + w[f"p.{name}"] * cell + recurrent)

    i, f = gate("i", c_old), gate("f", c_old)
    c = np.tanh(net(w, "g", x, y)) * i + c_old * f
    o = gate("o", c)
    return np.tanh(c) * o, c, i, f, o


def gru_step(w, x, h):
    """Chung et al.: h_t = (1 - z) h_{t-1} + z candidate."""
    r, z = logistic(net(w, "r", x, h)), logistic(net(w, "z", x, h))
    return (h + z * (np.tanh(net(w, "n", x, r * h)) - h),)


def gru_reset_after_step(w, x, h):
    """torch.nn.GRU: h_t = (1 - z) n + z h_{t-1}."""
    r, z = logistic(net(w, "r", x, h)), logistic(net(w, "z", x, h))
    n = np.tanh(x @ w["W.n"].T + w["b.n"] + r * (h @ w["U.n"].T + w["b.hn"]))
    return (n + z * (h - n),)


def mgu_step(w, x, h):
    f = logistic(net(w, "f", x, h))
    return (h + f * (np.tanh(net(w, "n", x, f * h)) - h),)


def slstm_step(w, x, h, c, n, m):
    """Beck et al. without the stabiliser: the true cell and normaliser are exp(m) times the stabilised ones."""
    i, f = np.exp(net(w, "i", x, h)), logistic(net(w, "f", x, h))
    c_true = f * (c * np.exp(m)) + i * np.tanh(net(w, "z", x, h))
    n_true = f * (n * np.exp(m)) + i
    m = np.maximum(np.log(f) + m, np.log(i))
    return logistic(net(w, "o", x, h)) * c_true / n_true, c_true / np.exp(m), n_true / np.exp(m), m


def identity(a):
    return a


STEPS = {
    "rnn": elman_step,
    "indrnn": indrnn_step,
    "lstm_1997": lstm_1997_step,
    "lstm": odyssey_step(peepholes=False),
    "peephole_lstm": odyssey_step(),
    "gers_lstm": lahore_step,
    "projected_lstm": projected_step,
    "projected_peephole_lstm": projected_peephole_step,
    "projected_rnn": projected_elman_step,
    "projected_gru": projected_gru_step,
    "projected_gru_reset_after": projected_gru_reset_after_step,
    "lstm_no_input_gate": odyssey_step(without="i"),
    "lstm_no_forget_gate": odyssey_step(without="f"),
    "lstm_no_output_gate": odyssey_step(without="o"),
    "lstm_no_input_activation": odyssey_step(g=identity),
    "lstm_no_output_activation": odyssey_step(h=identity),
    "lstm_coupled_gates": odyssey_step(coupled=True),
    "lstm_no_peepholes": odyssey_step(peepholes=False),
    "lstm_full_gate_recurrence": full_gate_recurrence_step,
    "gru": gru_step,
    "gru_reset_after": gru_reset_after_step,
    "mgu": mgu_step,
    "slstm": slstm_step,
}


def build(name, seed):
    sizes = {ZOO[name].graph.dims["h"]: P} if name.startswith("projected") else None
    layer = Recurrent(ZOO[name], input_size=D, hidden_size=H, dtype="float64", backend="reference", sizes=sizes)
    random = np.random.default_rng(seed)
    layer.theta[:] = random.normal(0.0, 0.5, layer.theta.size)
    return layer, random


def random_state(name, random):
    size = {"h": P} if name.startswith("projected") else {}
    state = {s: random.normal(0.0, 0.7, (1, N, size.get(s, H))) for s in STATES.get(name, ("h", "c"))}
    if name == "slstm":
        state["n"] = np.exp(state["n"])  # a normaliser is positive
    return tuple(state.values())


def test_every_cell_has_a_definition_here_or_an_oracle():
    assert {*ZOO} == {*STEPS, *PEERS, *BY_HAND}
    assert list(ZOO) == [cell.name for cells in FAMILIES.values() for cell in cells]


@pytest.mark.parametrize("name", STEPS)
def test_names_and_shapes(name):
    cell = ZOO[name]
    assert cell.name == name
    assert tuple(cell.states) == STATES.get(name, ("h", "c"))
    layer, _ = build(name, 0)
    found = {key.removeprefix("l0."): value.shape for key, value in layer.params.items()}
    assert found == expected_shapes(name)


@pytest.mark.parametrize("name", STEPS)
def test_gates_come_in_the_order_of_the_equations(name):
    layer, _ = build(name, 0)
    order = "".join(key.removeprefix("l0.W.") for key in layer.params if key.startswith("l0.W."))
    # the input gate of gers_lstm needs the forget gate
    assert order == ("figo" if name == "gers_lstm" else GATES.get(name, "ifgo"))


def test_each_says_where_it_comes_from():
    for cell in ZOO.values():
        assert any(str(year) in cell.doc for year in range(1990, 2027)), cell.doc


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("seed", range(3))
def test_steps_are_those_of_the_paper(name, seed):
    layer, random = build(name, seed)
    x = random.normal(size=(T, N, D))
    state = random_state(name, random)
    y, final, _ = layer.forward(x, state)
    weights = {key.removeprefix("l0."): value for key, value in layer.params.items()}
    expected = tuple(value[0] for value in state)
    for t in range(T):
        expected = STEPS[name](weights, x[t], *expected)
        np.testing.assert_allclose(y[t], expected[0], rtol=1e-13, atol=1e-14, err_msg=f"{name}, y at step {t}")
    for symbol, ours, theirs in zip(ZOO[name].states, final, expected, strict=True):
        np.testing.assert_allclose(ours[0], theirs, rtol=1e-13, atol=1e-14, err_msg=f"{name}, final {symbol}")


def test_lstm_without_peepholes_is_the_lstm():
    layers = [build(name, 5)[0] for name in ("lstm", "lstm_no_peepholes")]
    x = np.random.default_rng(6).normal(size=(T, N, D))
    (y, *_), (z, *_) = (layer.forward(x) for layer in layers)
    np.testing.assert_array_equal(y, z)


def test_slstm_survives_gates_that_would_overflow():
    layer, random = build("slstm", 7)
    layer.params["l0.b.i"][:] = 800.0  # exp(800) is not a float64
    y, final, _ = layer.forward(random.normal(size=(T, N, D)))
    assert np.isfinite(y).all() and all(np.isfinite(value).all() for value in final)
    assert np.abs(y).max() <= 1.0  # |c / n| is an average of tanh
