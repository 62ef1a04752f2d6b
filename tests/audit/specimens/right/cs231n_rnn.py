"""Simple recurrent network as functions with arrays."""

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    cache, h = [], []
    now = h0
    for t in range(x.shape[1]):
        now, kept = rnn_step_forward(x[:, t], now, Wx, Wh, b)
        h.append(now)
        cache.append(kept)
    return np.stack(h, 1), cache


def rnn_backward(dh, cache):
    x, h, Wx, Wh, _ = cache[0]
    dx = np.zeros((dh.shape[0], dh.shape[1], x.shape[1]))
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(h.shape[1])
    dh0 = np.zeros_like(h)
    for t in range(dh.shape[1] - 1, -1, -1):
        dx[:, t], dh0, a, r, s = rnn_step_backward(dh[:, t] + dh0, cache[t])
        dWx += a
        dWh += r
        db += s
    return dx, dh0, dWx, dWh, db
