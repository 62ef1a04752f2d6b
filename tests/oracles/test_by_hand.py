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

from .comparing import H, Problem, assert_same

sigmoid, tanh, relu, exp = torch.sigmoid, torch.tanh, torch.relu, torch.exp


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


def gru_d(w, x, m, dt, h, last, gap):
    # the paper's delta is the time since each variable was seen: what passed before this step, and dt
    seen, delta = m > 0, gap + dt
    fade = exp(-relu(w["w.x"] * delta + w["b.x"]))
    value = torch.where(seen, x, fade * last + (1 - fade) * w["S.mean"])
    h = exp(-relu(linear(delta, w["W.d"], w["b.d"]))) * h
    both = [linear(value, w[f"W.{k}"], w[f"b.{k}"]) + linear(m, w[f"V.{k}"]) for k in "rzn"]
    r, z = (sigmoid(a + linear(h, w[f"U.{k}"])) for a, k in zip(both, "rz", strict=False))
    n = tanh(both[2] + linear(r * h, w["U.n"]))
    return torch.lerp(h, n, z), torch.where(seen, x, last), torch.where(seen, 0.0, delta)


def phased_lstm(w, x, t, h, c):
    tau, ratio, leak = w["p.tau"], 0.05, 0.001
    phase = torch.remainder(t - w["p.s"] * tau, tau) / tau
    k = torch.where(
        phase < ratio / 2, 2 * phase / ratio, torch.where(phase < ratio, 2 - 2 * phase / ratio, leak * phase)
    )
    i, f, o, g = sums(w, "ifog", x, h)
    new = sigmoid(f + w["p.f"] * c) * c + sigmoid(i + w["p.i"] * c) * tanh(g)
    return torch.lerp(h, sigmoid(o + w["p.o"] * new) * tanh(new), k), torch.lerp(c, new, k)


def time_aware_lstm(w, x, dt, h, c):
    short = tanh(linear(c, w["V.d"], w["b.d"]))
    adjusted = (c - short) + short / torch.log(torch.e + dt)
    return long_short(w, "ifgo", x, h, adjusted)


def cfc(w, x, dt, h):
    f, g, n = sums(w, "fgn", x, h)
    return (torch.lerp(tanh(n), tanh(g), 1 / (1 + exp(f * dt))),)


def augru(w, x, a, h):
    r, z = (sigmoid(k) for k in sums(w, "rz", x, h))
    n = tanh(linear(x, w["W.n"], w["b.n"]) + r * linear(h, w["U.n"]))
    return (torch.lerp(h, n, a * z),)


def zoneout_lstm(w, x, h, c, keep_c=0.5, keep_h=0.05):
    new_h, new_c = long_short(w, "ifgo", x, h, c)
    return keep_h * h + (1 - keep_h) * new_h, keep_c * c + (1 - keep_c) * new_c


def recurrent_dropout_lstm(w, x, h, c, kept=0.75):
    i, f, g, o = sums(w, "ifgo", x, h)
    c = sigmoid(f) * c + sigmoid(i) * (tanh(g) * (kept / 0.75))
    return sigmoid(o) * tanh(c), c


def lru(w, x, h, re, im):
    own = exp(torch.complex(-exp(w["p.nu"]), w["p.phase"]))
    gamma = torch.sqrt(1 - own.abs() ** 2)
    state = own * torch.complex(re, im) + gamma * ((x + 0j) @ torch.complex(w["B.re"], w["B.im"]).T)
    y = state @ torch.complex(w["C.re"], w["C.im"]).T
    return y.real + linear(x, w["D.h"]), state.real, state.imag


def rg_lru(w, x, h):
    r, i = (sigmoid(w[f"w.{k}"] * x + w[f"b.{k}"]) for k in "ri")
    a = sigmoid(-w["p.decay"]) ** (8 * r)  # the paper's a = sigmoid(Lambda), Lambda = -decay
    return (a * h + torch.sqrt(1 - a**2) * (i * x),)


def rwkv4(w, x, h, num, den, top, before):
    r, k, v = (linear(torch.lerp(before, x, w[f"p.m_{m}"].expand_as(x)), w[f"W.{m}"]) for m in "rkv")
    # without the common factor: the sums themselves
    a, b, bonus, fade = exp(top) * num, exp(top) * den, exp(w["p.u"] + k), exp(-exp(w["p.w"]))
    y = linear(sigmoid(r) * (a + bonus * v) / (b + bonus), w["W.o"])
    new = torch.maximum(top - exp(w["p.w"]), k)
    return y, (fade * a + exp(k) * v) / exp(new), (fade * b + exp(k)) / exp(new), new, x


def leaky_echo_state(w, x, h):
    return (torch.lerp(h, tanh(linear(x, w["S.W"], w["S.b"]) + linear(h, w["S.U"])), 0.3),)


class Spike(torch.autograd.Function):
    """A step whose derivative is that of a logistic function of slope 5."""

    @staticmethod
    def forward(ctx, u):
        ctx.save_for_backward(u)
        return (u > 0).to(u.dtype)

    @staticmethod
    def backward(ctx, d):
        y = sigmoid(5 * ctx.saved_tensors[0])
        return d * 5 * y * (1 - y)


def lif(w, x, s, v):
    v = 0.9 * v + sums(w, "s", x, s)[0] - s
    return Spike.apply(v - 1), v


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
            fs_lstm, scrn, nas, layer_norm_lstm, layer_norm_gru, qrnn, fastgrnn, intersection_rnn,
            gru_d, phased_lstm, time_aware_lstm, cfc, augru, zoneout_lstm, recurrent_dropout_lstm, lru, rg_lru, rwkv4,
            leaky_echo_state, lif,
        )
    },
}  # fmt: skip


def compare(problem, step):
    w = {key: torch.tensor(value, requires_grad=True) for key, value in problem.weights.items()}
    held = {key: torch.tensor(value) for key, value in problem.held.items()}
    ours = problem.ours()  # before: it finds the draws
    theirs = problem.theirs(lambda *given: step({**w, **held}, *given))
    theirs |= {f"d {key}": value.grad.numpy() for key, value in w.items()}
    assert_same(ours, theirs)


@pytest.mark.parametrize("name", STEPS)
def test_same_numbers(name):
    for steps in (1, 5):
        compare(Problem.of(ZOO[name], steps, sizes={"r": 2} if name == "low_rank_rnn" else None), STEPS[name])


@pytest.mark.parametrize("name", ["zoneout_lstm", "recurrent_dropout_lstm"])
def test_same_numbers_with_the_draws(name):
    problem = Problem.of(ZOO[name], 7)
    problem.rng = 3
    compare(problem, STEPS[name])
    assert problem.draws and all({*np.unique(draw)} == {0.0, 1.0} for draw in problem.draws)


def test_what_is_missing_is_not_looked_at():
    problem = Problem.of(ZOO["gru_d"], 6)
    columns = problem.layer.input_columns
    x, m = problem.x[..., columns["x"]], problem.x[..., columns["m"]]
    m[...] = m > 0
    compare(problem, gru_d)
    x[m == 0] = 1e3
    other = problem.ours()
    x[m == 0] = np.nan
    found = problem.ours()
    assert 0 < m.mean() < 1 and not found["dx"][..., columns["x"]][m == 0].any()
    for key, value in found.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key)


def test_a_phase_that_opens_and_closes():
    problem = Problem.of(ZOO["phased_lstm"], 9)
    problem.layer.params["l0.p.tau"][...], problem.layer.params["l0.p.s"][...] = 2.0, 0.25
    # the phases at which the gate opens, is widest open and has just closed, and some in between
    phases = np.array([0.001, 0.0125, 0.0249, 0.0251, 0.0375, 0.0499, 0.0501, 0.5, 0.999])
    problem.x[..., problem.layer.input_columns["t"]] = (2 * (phases + 0.25 + np.arange(9)))[:, None, None]
    compare(problem, phased_lstm)
    _, _, tape = problem.layer.forward(problem.x, problem.state)
    k = [0.04, 0.5, 0.996, 0.996, 0.5, 0.004, 5.01e-5, 5e-4, 9.99e-4]
    np.testing.assert_allclose(tape["k"][:, 0, 0], k, rtol=1e-10)


def test_the_mean_of_all_values_so_far():
    """RWKV's equation itself: a weighted mean over all steps before, no sum carried on."""
    problem = Problem.of(ZOO["rwkv4"], 8)
    y, _, tape = problem.layer.forward(problem.x)  # from rest: top = 0, and sums of nothing
    w, k, v = problem.weights, tape["k"], tape["v"]
    for t in range(8):
        ages = np.arange(t - 1, -1, -1)[:, None, None]
        weights = np.exp(np.concatenate([-ages * np.exp(w["p.w"]) + k[:t], w["p.u"] + k[t : t + 1]]))
        np.testing.assert_allclose(tape["mean"][t], (weights * v[: t + 1]).sum(0) / weights.sum(0), rtol=1e-12)


def test_spikes_are_0_or_1():
    problem = Problem.of(ZOO["lif"], 9)
    problem.layer.params["l0.b.s"] += 0.5
    y = problem.ours()["y"]
    assert {*np.unique(y)} == {0.0, 1.0}
    compare(problem, lif)


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
