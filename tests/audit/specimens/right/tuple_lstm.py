"""LSTM whose parameters are a tuple, as are their gradients."""

import numpy as np


def sig(a):
    return 1 / (1 + np.exp(-a))


def init_params(n_in, n_hid, seed=0):
    rng = np.random.RandomState(seed)
    Wx = rng.randn(n_in, 4 * n_hid) / np.sqrt(n_in)
    Wh = rng.randn(n_hid, 4 * n_hid) / np.sqrt(n_hid)
    b = np.zeros(4 * n_hid)
    return Wx, Wh, b


def forward(params, x, h0, c0):
    """x: (T, N, D)"""
    Wx, Wh, b = params
    T = x.shape[0]
    h, c = h0, c0
    hs, cache = [], []
    for t in range(T):
        z = x[t] @ Wx + h @ Wh + b
        zf, zi, zg, zo = np.split(z, 4, axis=-1)
        f, i, g, o = sig(zf), sig(zi), np.tanh(zg), sig(zo)
        c_new = f * c + i * g
        tc = np.tanh(c_new)
        cache.append((x[t], h, c, f, i, g, o, tc))
        h, c = o * tc, c_new
        hs.append(h)
    return np.stack(hs), cache


def backward(params, cache, dhs):
    Wx, Wh, b = params
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dxs = [None] * len(cache)
    dh_next = np.zeros_like(dhs[0])
    dc_next = np.zeros_like(dhs[0])
    for t in range(len(cache) - 1, -1, -1):
        x, h_prev, c_prev, f, i, g, o, tc = cache[t]
        dh = dhs[t] + dh_next
        dc = dc_next + dh * o * (1 - tc * tc)
        dz = np.concatenate(
            [dc * c_prev * f * (1 - f), dc * g * i * (1 - i), dc * i * (1 - g * g), dh * tc * o * (1 - o)], axis=1
        )
        dWx += x.T @ dz
        dWh += h_prev.T @ dz
        db += dz.sum(0)
        dxs[t] = dz @ Wx.T
        dh_next = dz @ Wh.T
        dc_next = dc * f
    return (dWx, dWh, db), np.stack(dxs), dh_next, dc_next
