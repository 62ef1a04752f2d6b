"""Cells that no library has, or that it has otherwise, against a few lines of PyTorch in float64: every gradient.

Each function is one step: the parameters by name, x, the states. Letters of the equations, in the words of PyTorch.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import conv1d, layer_norm, linear, softplus

import gated
from gated import tanh as tanh_of
from gated.cells import ZOO

from .comparing import D, H, Problem, assert_same

sigmoid, tanh, relu = torch.sigmoid, torch.tanh, torch.relu


def sums(w, members, x, h):
    """W x + U h + b of each member."""
    return [linear(x, w[f"W.{m}"]) + linear(h, w[f"U.{m}"], w[f"b.{m}"]) for m in members]


def minimal_unit(gate):
    def step(w, x, h):
        f = sigmoid(gate(w, h))
        return (torch.lerp(h, tanh(linear(x, w["W.n"], w["b.n"]) + linear(f * h, w["U.n"])), f),)

    return step


def low_rank_rnn(w, x, h):
    return (0.8 * h + 0.2 * (linear(linear(tanh(h), w["N.h"]), w["M.h"]) + linear(x, w["W.h"])),)


def ctrnn(w, x, h):
    return (torch.lerp(h, linear(tanh(h + w["b.h"]), w["U.h"]) + linear(x, w["W.h"]), sigmoid(w["a.h"]).expand_as(h)),)


def lem(w, x, h, z):
    d, e = map(sigmoid, sums(w, "de", x, h))
    z = torch.lerp(z, tanh(*sums(w, "z", x, h)), d)
    return torch.lerp(h, tanh(linear(x, w["W.h"], w["b.h"]) + linear(z, w["V.h"])), e), z


def multiplicative_rnn(w, x, h):
    # the recurrent matrix that x chooses, written out
    chosen = w["V.h"] @ torch.diag_embed(linear(x, w["W.m"])) @ w["U.m"]
    return (tanh(linear(x, w["W.h"], w["b.h"]) + torch.einsum("nij,nj->ni", chosen, h)),)


def integrated(w, m, x, h):
    wx, uh = linear(x, w[f"W.{m}"]), linear(h, w[f"U.{m}"])
    return w[f"a.{m}"] * wx * uh + w[f"u.{m}"] * uh + w[f"w.{m}"] * wx + w[f"b.{m}"]


def mi_rnn(w, x, h):
    return (tanh(integrated(w, "h", x, h)),)


def mi_gru(w, x, h):
    r, z = (sigmoid(integrated(w, m, x, h)) for m in "rz")
    return (torch.lerp(h, tanh(integrated(w, "n", x, r * h)), z),)


def mi_lstm(w, x, h, c):
    i, f, g, o = (integrated(w, m, x, h) for m in "ifgo")
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def sru(w, x, h, c):
    f, r = (sigmoid(linear(x, w[f"W.{m}"], w[f"b.{m}"]) + w[f"p.{m}"] * c) for m in "fr")
    c = torch.lerp(linear(x, w["W.c"]), c, f)
    return torch.lerp(linear(x, w["W.s"]), c, r), c


def mingru(w, x, h):
    z, n = (linear(x, w[f"W.{m}"], w[f"b.{m}"]) for m in "zn")
    return (torch.lerp(h, n, sigmoid(z)),)


def minlstm(w, x, h):
    f, i, n = (linear(x, w[f"W.{m}"], w[f"b.{m}"]) for m in "fin")
    f, i = sigmoid(f), sigmoid(i)
    return (f / (f + i) * h + i / (f + i) * n,)


def elstm(w, x, h, c):
    f, g = (linear(x, w[f"W.{m}"], w[f"b.{m}"]) + w[f"p.{m}"] * c for m in "fg")
    c = torch.lerp(tanh(g), c, sigmoid(f))
    return sigmoid(linear(x, w["W.o"], w["b.o"]) + linear(c, w["U.o"])) * c, c


def qrnn(w, x, h, c, q):
    # a convolution of width 2
    window = torch.stack([q, x], -1)
    kernel = torch.cat([torch.stack([w[f"V.{m}"], w[f"W.{m}"]], -1) for m in "zfo"])
    z, f, o = conv1d(window, kernel, torch.cat([w[f"b.{m}"] for m in "zfo"]))[..., 0].chunk(3, 1)
    c = torch.lerp(tanh(z), c, sigmoid(f))
    return sigmoid(o) * c, c, x


def fastgrnn(w, x, h):
    both = linear(x, w["W.h"]) + linear(h, w["U.h"])
    z = sigmoid(both + w["b.z"])
    return ((sigmoid(w["s.zeta"]) * (1 - z) + sigmoid(w["s.nu"])) * tanh(both + w["b.n"]) + z * h,)


def intersection_rnn(w, x, y, h):
    n, m, g, k = sums(w, "nmgk", x, h)
    return torch.lerp(relu(n), x, sigmoid(g)), torch.lerp(tanh(m), h, sigmoid(k))


def lru(w, x, h, re, im):
    turned = torch.exp(torch.complex(-torch.exp(w["p.nu"]), w["p.phase"]))
    b, c = (torch.complex(w[f"{family}.re"], w[f"{family}.im"]) for family in "BC")
    z = turned * torch.complex(re, im) + torch.sqrt(1 - turned.abs() ** 2) * (x.to(b.dtype) @ b.T)
    return (z @ c.T).real + linear(x, w["D.h"]), z.real, z.imag


def rg_lru(w, x, h):
    r, i = (sigmoid(w[f"w.{m}"] * x + w[f"b.{m}"]) for m in "ri")
    kept = sigmoid(-w["p.decay"]) ** (8 * r)
    return (kept * h + torch.sqrt(1 - kept**2) * (i * x),)


def rwkv4(w, x, h, num, den, top, before):
    # sums that are not divided by exp(top)
    r, k, v = (linear(torch.lerp(before, x, w[f"p.m_{m}"]), w[f"W.{m}"]) for m in "rkv")
    num, den = torch.exp(top) * num, torch.exp(top) * den
    now = torch.exp(w["p.u"] + k)
    h = linear(sigmoid(r) * (num + now * v) / (den + now), w["W.o"])
    top = torch.maximum(top - torch.exp(w["p.w"]), k)
    fade = torch.exp(-torch.exp(w["p.w"]))
    num, den = (fade * a + torch.exp(k) * n for a, n in ((num, v), (den, 1)))
    return h, num * torch.exp(-top), den * torch.exp(-top), top, x


def rhn(w, x, s):
    for layer in "012":
        h, t = (linear(s, w[f"R.{m}{layer}"], w[f"b.{m}{layer}"]) for m in "ht")
        if layer == "0":
            h, t = h + linear(x, w["W.h"]), t + linear(x, w["W.t"])
        s = torch.lerp(s, tanh(h), sigmoid(t))
    return (s,)


def long_short(w, gates, x, h, c):
    i, f, g, o = sums(w, gates, x, h)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def fs_lstm(w, x, h, c, s, m):
    h, c = long_short(w, ("i1", "f1", "g1", "o1"), x, h, c)
    s, m = long_short(w, ("si", "sf", "sg", "so"), h, s, m)
    return *long_short(w, ("i2", "f2", "g2", "o2"), s, h, c), s, m


def scrn(w, x, y, h, s):
    s = torch.lerp(linear(x, w["W.s"]), s, 0.95)
    h = sigmoid(sums(w, "h", x, h)[0] + linear(s, w["V.h"]))
    return linear(h, w["U.y"], w["b.y"]) + linear(s, w["V.y"]), h, s


def simple_gated_unit(new):
    def step(w, x, h):
        k = tanh(linear(linear(x, w["W.g"], w["b.g"]) * h, w["U.k"]))
        z = torch.clamp(0.2 * sums(w, "z", x, h)[0] + 0.5, 0, 1)
        return (torch.lerp(h, new(w, k * h), z),)

    return step


def nas(w, x, h, c):
    x, h = ([linear(v, w[f"{family}.k{k}"]) for k in range(8)] for v, family in ((x, "W"), (h, "U")))
    h = [h[k] + w[f"b.k{k}"] for k in range(8)]
    k = [a * b if n == 3 else a + b for n, (a, b) in enumerate(zip(x, h, strict=True))]
    k = [f(value) for f, value in zip((sigmoid, relu, sigmoid, relu, tanh, sigmoid, tanh, sigmoid), k, strict=True)]
    c = tanh(tanh(k[0] * k[1]) + c) * tanh(k[2] + k[3])
    return tanh(c * tanh(tanh(k[4] * k[5]) + sigmoid(k[6] + k[7]))), c


def normalised(w, family, members, v):
    """What layer normalisation makes of all products of a family together, one by one."""
    joint = torch.cat([linear(v, w[f"{family}.{m}"]) for m in members], -1)
    return torch.chunk(layer_norm(joint, joint.shape[-1:]), len(members), -1)


def layer_norm_lstm(w, x, h, c):
    xs, hs = (normalised(w, family, "ifgo", v) for family, v in (("W", x), ("U", h)))
    a = [w[f"g.x{m}"] * p + w[f"g.h{m}"] * q + w[f"b.{m}"] for m, p, q in zip("ifgo", xs, hs, strict=True)]
    c = sigmoid(a[1]) * c + sigmoid(a[0]) * tanh(a[2])
    return sigmoid(a[3]) * tanh(layer_norm(c, c.shape[-1:], w["g.c"], w["b.c"])), c


def layer_norm_gru(w, x, h):
    xs, hs = (normalised(w, family, "rz", v) for family, v in (("W", x), ("U", h)))
    r, z = (sigmoid(w[f"g.x{m}"] * p + w[f"g.h{m}"] * q + w[f"b.{m}"]) for m, p, q in zip("rz", xs, hs, strict=True))
    (xn,), (hn,) = normalised(w, "W", "n", x), normalised(w, "U", "n", h)
    n = tanh(w["g.xn"] * xn + w["b.n"] + r * (w["g.hn"] * hn + w["b.hn"]))
    return (torch.lerp(h, n, z),)


STEPS = {
    "mgu1": minimal_unit(lambda w, h: linear(h, w["U.f"], w["b.f"])),
    "mgu2": minimal_unit(lambda w, h: linear(h, w["U.f"])),
    "mgu3": minimal_unit(lambda w, h: w["b.f"].expand_as(h)),
    "sgu": simple_gated_unit(lambda w, v: softplus(v)),
    "dsgu": simple_gated_unit(lambda w, v: sigmoid(linear(v, w["U.n"]))),
    **{
        step.__name__: step
        for step in (
            low_rank_rnn, ctrnn, lem, multiplicative_rnn, mi_rnn, mi_gru, mi_lstm, sru, mingru, minlstm, elstm, rhn,
            fs_lstm, scrn, nas, layer_norm_lstm, layer_norm_gru, qrnn, fastgrnn, intersection_rnn, lru, rg_lru, rwkv4,
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_same_numbers(name):
    for steps in (1, 5):
        hidden = D if name in ("rg_lru", "rwkv4") else H
        problem = Problem.of(ZOO[name], steps, hidden, {"r": 2} if name == "low_rank_rnn" else None)
        w = {key: torch.tensor(value, requires_grad=True) for key, value in problem.weights.items()}
        theirs = problem.theirs(lambda *given, w=w: STEPS[name](w, *given))
        theirs |= {f"d {key}": value.grad.numpy() for key, value in w.items()}
        assert_same(problem.ours(), theirs)


@gated.cell
def all_reductions(x, h, *, W, U, b):
    """Of one vector, of several, and of several lengths."""
    a, s = gated.softmax(U.a @ h + b.a, x)
    n = gated.layer_norm(W.n @ x + U.n @ h, eps=1e-3) * gated.norm(x, h) - gated.max(h, x) * a
    h = tanh_of(n + gated.mean(h, x)) + gated.sum(s * x) * gated.dot(a, h)
    return h


def test_reductions_over_the_units():
    def step(w, x, h):
        joint = torch.softmax(torch.cat([linear(h, w["U.a"], w["b.a"]), x], -1), -1)
        a, s, whole = joint[:, :H], joint[:, H:], torch.cat([x, h], -1)
        n = layer_norm(linear(x, w["W.n"]) + linear(h, w["U.n"]), (H,), eps=1e-3)
        n = n * torch.linalg.vector_norm(whole, dim=-1, keepdim=True) - whole.amax(-1, keepdim=True) * a
        return (tanh(n + whole.mean(-1, keepdim=True)) + (s * x).sum(-1, True) * (a * h).sum(-1, True),)

    problem = Problem.of(all_reductions, 4)
    w = {key: torch.tensor(value, requires_grad=True) for key, value in problem.weights.items()}
    theirs = problem.theirs(lambda *given: step(w, *given))
    assert_same(problem.ours(), theirs | {f"d {key}": value.grad.numpy() for key, value in w.items()})


def test_where_reductions_have_a_convention():
    """A tie of max is shared evenly, a norm has derivative 0 at 0; a mean of 1e4 costs layer_norm no digits."""

    @gated.cell
    def shared(x, h):
        return gated.max(x, h) + gated.norm(h) + 0 * h

    layer = gated.Recurrent(shared, 2, 3, dtype="float64")
    x = np.array([[[1.0, 0.0]]])
    dx, dstate, _ = layer.backward(layer.forward(x, (np.array([[[1.0, 1.0, -1.0]]]),))[2], np.ones((1, 1, 3)))
    assert dx.tolist() == [[[1.0, 0.0]]]  # a third of 3
    y, _, tape = layer.forward(np.zeros((1, 1, 2)))
    _, dstate, _ = layer.backward(tape, np.ones((1, 1, 3)))
    np.testing.assert_allclose(dstate[0], np.full((1, 1, 3), 3 / 5))

    @gated.cell
    def normal(x, h, *, W):
        return gated.layer_norm(W.h @ x + 0 * h)

    x = np.random.default_rng(0).normal(1e4, 1.0, (1, 2, 40)).astype("float32")
    layer = gated.Recurrent(normal, 40, 40, dtype="float32")
    layer.params["l0.W.h"][:] = np.eye(40)
    expected = layer_norm(torch.tensor(x, dtype=torch.float64), (40,)).numpy()
    np.testing.assert_allclose(layer.infer(x)[0], expected, atol=2e-3)
