"""LSTM that returns the last output alone, and takes its adjoint."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def forward(params, x):
    """x: (N, T, D)"""
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    N, T, _ = x.shape
    H = Wh.shape[0]
    h = np.zeros((N, H))
    c = np.zeros((N, H))
    cache = []
    for t in range(T):
        a = x[:, t] @ Wx + h @ Wh + b
        i, f, o, g = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 2 * H : 3 * H]), np.tanh(a[:, 3 * H :])
        cn = f * c + i * g
        cache.append((x[:, t], h, c, i, f, o, g, cn))
        h, c = o * np.tanh(cn), cn
    return h, cache


def backward(params, cache, dh):
    Wx, Wh = params["Wx"], params["Wh"]
    grads = {k: np.zeros_like(v) for k, v in params.items()}
    N, H = dh.shape
    dx = np.zeros((N, len(cache), Wx.shape[0]))
    dc = np.zeros((N, H))
    for t in reversed(range(len(cache))):
        x, h, c, i, f, o, g, cn = cache[t]
        tc = np.tanh(cn)
        dc = dc + dh * o * (1 - tc**2)
        da = np.concatenate(
            [dc * g * i * (1 - i), dc * c * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - g**2)], axis=1
        )
        grads["Wx"] += x.T @ da
        grads["Wh"] += h.T @ da
        grads["b"] += da.sum(0)
        dx[:, t] = da @ Wx.T
        dh = da @ Wh.T
        dc = dc * f
    grads["x"] = dx
    return grads
