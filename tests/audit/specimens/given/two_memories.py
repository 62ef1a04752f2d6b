"""A cell of the tester's own, whose second state is m; the audit is told its equations."""

import numpy as np


def sig(v):
    return 1 / (1 + np.exp(-v))


def forward(P, xs, h0, m0):
    h, m, hs, cache = h0, m0, [], []
    for x in xs:
        k = sig(x @ P["W_k"].T + h @ P["U_k"].T + P["b_k"])
        a = sig(x @ P["W_a"].T + h @ P["U_a"].T + P["p_a"] * m + P["b_a"])
        u = h @ P["U_n"].T
        n = np.tanh(x @ P["W_n"].T + k * u + P["b_n"])
        new = a * m + (1 - a) * n
        out = k * np.tanh(new) + (1 - k) * n
        cache.append((x, h, m, k, a, u, n, new))
        h, m = out, new
        hs.append(h)
    return np.stack(hs), cache


def backward(P, cache, dhs):
    g = {name: np.zeros_like(v) for name, v in P.items()}
    dxs = np.zeros((len(cache),) + cache[0][0].shape)
    dh = np.zeros_like(cache[0][1])
    dm = np.zeros_like(dh)
    for t in reversed(range(len(cache))):
        x, h, m, k, a, u, n, new = cache[t]
        dh = dh + dhs[t]
        dm = dm + dh * k * (1 - np.tanh(new) ** 2)
        dn = dh * (1 - k) + dm * (1 - a)
        dan = dn * (1 - n**2)
        dk = (dh * (np.tanh(new) - n) + dan * u) * k * (1 - k)
        da = dm * (m - n) * a * (1 - a)
        du = dan * k
        for gate, d, r in (("k", dk, dk), ("a", da, da), ("n", dan, du)):
            g["W_" + gate] += d.T @ x
            g["U_" + gate] += r.T @ h
            g["b_" + gate] += d.sum(0)
        g["p_a"] += (da * m).sum(0)
        dxs[t] = dk @ P["W_k"] + da @ P["W_a"] + dan @ P["W_n"]
        dh = dk @ P["U_k"] + da @ P["U_a"] + du @ P["U_n"]
        dm = dm * a + da * P["p_a"]
    g["xs"], g["h0"], g["m0"] = dxs, dh, dm
    return g
