"""LSTM with an axis of gates; einsum."""

import numpy as np


def _logistic(a):
    return 1.0 / (1.0 + np.exp(-a))


def lstm_forward(inputs, h_init, c_init, W_ih, W_hh, bias):
    """inputs (batch, time, dim); weights (4, H, dim) and (4, H, H), bias (4, H): i, f, g, o."""
    B, T, _ = inputs.shape
    h, c = h_init, c_init
    hs, cache = [], []
    for t in range(T):
        pre = np.einsum("bd,ghd->gbh", inputs[:, t], W_ih) + np.einsum("bk,ghk->gbh", h, W_hh) + bias[:, None, :]
        i, f, o = _logistic(pre[0]), _logistic(pre[1]), _logistic(pre[3])
        g = np.tanh(pre[2])
        c_next = f * c + i * g
        cache.append((h, c, i, f, g, o, c_next))
        h, c = o * np.tanh(c_next), c_next
        hs.append(h)
    return np.stack(hs, 1), (inputs, W_ih, W_hh, cache)


def lstm_backward(d_hs, saved):
    inputs, W_ih, W_hh, cache = saved
    d_W_ih, d_W_hh = np.zeros_like(W_ih), np.zeros_like(W_hh)
    d_bias = np.zeros(W_hh.shape[:2])
    d_inputs = np.zeros_like(inputs)
    dh = np.zeros_like(cache[0][0])
    dc = np.zeros_like(dh)
    for t in range(len(cache) - 1, -1, -1):
        h, c, i, f, g, o, c_next = cache[t]
        dh = dh + d_hs[:, t]
        tc = np.tanh(c_next)
        dc = dc + dh * o * (1 - tc**2)
        pre = np.stack([dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * tc * o * (1 - o)])
        d_W_ih += np.einsum("gbh,bd->ghd", pre, inputs[:, t])
        d_W_hh += np.einsum("gbh,bk->ghk", pre, h)
        d_bias += pre.sum(axis=1)
        d_inputs[:, t] = np.einsum("gbh,ghd->bd", pre, W_ih)
        dh = np.einsum("gbh,ghk->bk", pre, W_hh)
        dc = dc * f
    return d_inputs, dh, dc, d_W_ih, d_W_hh, d_bias
