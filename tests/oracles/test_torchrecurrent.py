"""The zoo against torchrecurrent in float64: outputs, final states and every gradient.

Where our cell follows its paper and theirs does not, theirs is a cell here, and ours is in `test_by_hand.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
import torchrecurrent

import gated
from gated import maximum, minimum, relu, sigmoid, softplus, tanh
from gated.cells import ZOO

from .comparing import D, H, Problem, assert_same


def one_state(cell, x, h):
    return (cell(x, h),)


def two_states(cell, x, h, c):
    return cell(x, (h, c))


@dataclass
class Peer:
    """A cell of theirs.

    `tensors`: theirs -> our parameters, as rows lie there; "-" and tensors that are not named have no place in our
    equations, and are zero.
    """

    theirs: str
    tensors: dict[str, str]
    step: Any = one_state
    options: dict[str, Any] = field(default_factory=dict)
    units: int = H


def peer(theirs, step=one_state, options=None, units=H, **tensors):
    return Peer(f"{theirs}Cell", tensors, step, options or {}, units)


def three(input_rows, state_rows, biases):
    """The usual three tensors."""
    return {"weight_ih": input_rows, "weight_hh": state_rows, "bias_ih": biases}


def of(members):
    """ "ab" -> the rows W.a W.b, U.a U.b, b.a b.b."""
    return three(*(" ".join(f"{family}.{member}" for member in members.split()) for family in "WUb"))


@gated.cell
def lem_with_old_z(x, h, z, *, W, U, V, b):
    d = sigmoid(W.d @ x + U.d @ h + b.d)
    e = sigmoid(W.e @ x + U.e @ h + b.e)
    n = tanh(W.h @ x + V.h @ z + b.h)
    z = (1 - d) * z + d * tanh(W.z @ x + U.z @ h + b.z)
    h = (1 - e) * h + e * n
    return h, z


@gated.cell
def nas_without_product(x, h, c, *, W, U, b):
    k0, k2 = sigmoid(W.k0 @ x + U.k0 @ h + b.k0), sigmoid(W.k2 @ x + U.k2 @ h + b.k2)
    k1, k3 = relu(W.k1 @ x + U.k1 @ h + b.k1), relu(W.k3 @ x + U.k3 @ h + b.k3)
    k4, k6 = tanh(W.k4 @ x + U.k4 @ h + b.k4), tanh(W.k6 @ x + U.k6 @ h + b.k6)
    k5, k7 = sigmoid(W.k5 @ x + U.k5 @ h + b.k5), sigmoid(W.k7 @ x + U.k7 @ h + b.k7)
    c = tanh(tanh(k0 * k1) + c) * tanh(k2 + k3)
    h = tanh(c * tanh(tanh(k4 * k5) + sigmoid(k6 + k7)))
    return h, c


@gated.cell
def scrn_with_output_back(x, y, s, *, W, U, V, b):
    s = 0.05 * (W.s @ x) + 0.95 * s
    h = sigmoid(W.h @ x + U.h @ y + V.h @ s + b.h)
    y = tanh(U.y @ h + V.y @ s + b.y)
    return y, s


@gated.cell
def sgu_with_another_slope(x, h, *, W, U, b):
    k = tanh(U.k @ ((W.g @ x + b.g) * h))
    z = maximum(0, minimum(1, (W.z @ x + U.z @ h + b.z) / 6 + 0.5))
    h = (1 - z) * h + z * softplus(k * h)
    return h


@gated.cell
def dsgu_with_another_slope(x, h, *, W, U, b):
    k = tanh(U.k @ ((W.g @ x + b.g) * h))
    z = maximum(0, minimum(1, (W.z @ x + U.z @ h + b.z) / 6 + 0.5))
    h = (1 - z) * h + z * sigmoid(U.n @ (k * h))
    return h


@gated.cell
def fastgrnn_with_tanh(x, h, *, W, U, b, s: gated.number):
    both = W.h @ x + U.h @ h
    z = tanh(both + b.z)
    h = (sigmoid(s.zeta) * (1 - z) + sigmoid(s.nu)) * tanh(both + b.n) + z * h
    return h


THEIR_EQUATIONS = {
    "fastgrnn": fastgrnn_with_tanh,
    "lem": lem_with_old_z,
    "nas": nas_without_product,
    "scrn": scrn_with_output_back,
    "sgu": sgu_with_another_slope,
    "dsgu": dsgu_with_another_slope,
}
PEERS = {
    "atr": peer("ATR", weight_ih="W.p", weight_hh="U.q", bias_ih="b.p", bias_hh="b.q"),
    "br": peer("BR", **three("W.a W.c W.h", "u.a u.c", "b.a b.c b.h")),
    "antisymmetric_rnn": peer(
        "AntisymmetricRNN", options={"epsilon": 0.1, "gamma": 0.01}, **three("W.h", "U.h", "b.h")
    ),
    "gated_antisymmetric_rnn": peer(
        "GatedAntisymmetricRNN", options={"epsilon": 0.1, "gamma": 0.01}, **three("W.z W.h", "U.h", "b.z b.h")
    ),
    "nbr": peer("NBR", **three("W.a W.c W.h", "U.a U.c", "b.a b.c b.h")),
    "cfn": peer("CFN", **three("W.f W.i W.g", "U.f U.i", "b.f b.i b.g")),
    "cornn": peer("coRNN", two_states, **of("z"), weight_ch="V.z"),
    "fastrnn": peer("FastRNN", **of("h"), alpha="s.alpha", beta="s.beta"),
    "fastgrnn": peer("FastGRNN", **three("W.h", "U.h", "b.z b.n"), zeta="s.zeta", nu="s.nu"),
    "indrnn": peer("IndRNN", options={"nonlinearity": "relu"}, weight_ih="W.h", vector_u="u.h", bias_ih="b.h"),
    "intersection_rnn": peer("IntersectionRNN", lambda cell, x, y, h: cell(x, h), units=D, **of("n m g k")),
    "janet": peer("JANET", lambda cell, x, h: cell(x, (h, h))[:1], **of("f n")),
    "lem": peer("LEM", two_states, **three("W.e W.d W.z W.h", "U.e U.d U.z", "b.e b.d b.z b.h"), weight_ch="V.h"),
    "li_gru": peer("LiGRU", **of("z n")),
    "lightru": peer("LightRU", **three("W.n W.f", "U.f", "b.n b.f")),
    "lstm_1997": peer("OriginalLSTM", two_states, **of("i g o")),
    "memory_controller_lstm": peer(
        "MCLSTM", lambda cell, x, h, v, c: ((out := cell(x, (v, c)))[0], *out[1]), **of("f i o m g")
    ),
    "mgu": peer("MGU", **of("f n")),
    "minimalrnn": peer("MinimalRNN", weight_ih="W.z", weight_hh="U.u", weight_mm="V.u", bias_ih="b.z", bias_hh="b.u"),
    "miru1": peer("MiRU1", **of("r n")),
    "miru2": peer("MiRU2", **of("n")),
    "multiplicative_lstm": peer(
        "MultiplicativeLSTM",
        two_states,
        **three("W.m W.i W.f W.g W.o", "U.m", "- b.i b.f b.g b.o"),
        weight_mh="V.i V.f V.g V.o",
    ),
    "mut1": peer("MUT1", **three("W.z W.r W.n", "U.r U.n", "b.z b.r -"), bias_hh="- b.n"),
    "mut2": peer("MUT2", **of("z r n")),
    "mut3": peer("MUT3", **of("z r n")),
    "nas": peer("NAS", two_states, **of("k0 k1 k2 k3 k4 k5 k6 k7")),
    "peephole_lstm": peer("PeepholeLSTM", two_states, **of("i f g o"), weight_ph="p.i p.f p.o"),
    "ran": peer("RAN", two_states, **three("W.g W.i W.f", "U.i U.f", "b.i b.f")),
    "residual_lstm": peer(
        "ResLSTM", two_states, **of("i f g o"), weight_ph="p.i p.f p.o", weight_proj="P.h", weight_res="W.s"
    ),
    "scrn": peer(
        "SCRN",
        two_states,
        {"alpha": 0.95},
        **three("W.s W.h", "U.h U.y", "- b.h"),
        weight_ch="V.h V.y",
        bias_hh="- b.y",
    ),
    "sgrn": peer("SGRN", weight_ih="W.h", weight_hh="U.f", bias_ih="b.h", bias_hh="b.u"),
    "sgu": peer("SGU", **three("W.g W.z", "U.k U.z", "b.g b.z")),
    "dsgu": peer("DSGU", **three("W.g W.z", "U.k U.z", "b.g b.z"), weight_ho="U.n"),
    "star": peer("STAR", **three("W.z W.k", "U.k", "b.z b.k")),
    "tau_gru": peer("tauGRU", lambda cell, x, h, q: (cell(x, h, q), h), **of("u z g a")),
    "typed_gru": peer("TGRU", two_states, **three("W.z W.f W.o", "V.z V.f V.o", "b.z b.f b.o")),
    "typed_lstm": peer(
        "TLSTM",
        lambda cell, x, h, c, q: ((out := cell(x, (c, q)))[0], *out[1]),
        **three("W.z W.f W.o", "V.z V.f V.o", "b.z b.f b.o"),
    ),
    "typed_rnn": peer("TRNN", weight_ih="W.z W.f", bias_ih="b.z b.f"),
    "ugrnn": peer("UGRNN", **of("n g")),
    "unicornn": peer(
        "UnICORNN", two_states, {"alpha": 1.0}, weight_ih="W.z", weight_hh="u.z", weight_ch="a.z", bias_ih="b.z"
    ),
    "working_memory_lstm": peer("WMCLSTM", two_states, **of("i f g o"), weight_mh="V.i V.f V.o"),
}


@pytest.mark.parametrize("name", PEERS)
def test_same_numbers(name):
    cell, their = THEIR_EQUATIONS.get(name, ZOO[name]), PEERS[name]
    for steps in (1, 5):
        problem = Problem.of(cell, steps, their.units)
        module = getattr(torchrecurrent, their.theirs)(D, their.units, **their.options).double()
        weights = problem.weights
        assert {*weights} == {name for rows in their.tensors.values() for name in rows.split()} - {"-"}
        tensors = dict(module.named_parameters())
        for key, tensor in tensors.items():
            if key in their.options:  # a single number, which came through float32
                tensor.data.fill_(their.options[key])
            elif tensor.ndim:
                tensor.data[:] = torch.tensor(_together(their.tensors.get(key, ""), weights, tensor.shape))
        theirs = problem.theirs(lambda x, *state, module=module: their.step(module, x, *state))
        for key, names in their.tensors.items():
            theirs |= _apart(names, tensors[key].grad.numpy())
        # (PyTorch's backward pass of the hard sigmoid has its 1/6 in float32)
        assert_same(problem.ours(), theirs, 1e-7 if "sgu" in name else 1e-10)


def _together(names, weights, shape):
    """Our parameters as the rows of one tensor of theirs."""
    if not names:
        return np.zeros(shape)
    return np.concatenate([np.zeros(H) if name == "-" else weights[name] for name in names.split()])


def _apart(names, gradient):
    """The gradients of our parameters, out of that of a tensor of theirs."""
    parts = np.split(gradient, len(names.split()))
    return {f"d {name}": part for name, part in zip(names.split(), parts, strict=True) if name != "-"}


def test_every_cell_of_theirs_has_one_of_ours():
    cells = {name for name in torchrecurrent.__all__ if name.endswith("Cell")}
    assert cells == {their.theirs for their in PEERS.values()}
