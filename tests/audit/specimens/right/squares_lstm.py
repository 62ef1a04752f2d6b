"""LSTM with the squares against targets: one function gives the loss and its gradients."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def init_params(n_in, n_hidden):
    return {
        "Wx": 0.1 * np.random.randn(n_in, 4 * n_hidden),
        "Wh": 0.1 * np.random.randn(n_hidden, 4 * n_hidden),
        "b": np.zeros(4 * n_hidden),
    }


def forward(params, x):
    T, D = x.shape
    H = params["Wh"].shape[0]
    h, c = np.zeros(H), np.zeros(H)
    hs, cache = [], []
    for t in range(T):
        a = x[t] @ params["Wx"] + h @ params["Wh"] + params["b"]
        i, f, o = sigmoid(a[:H]), sigmoid(a[H : 2 * H]), sigmoid(a[2 * H : 3 * H])
        g = np.tanh(a[3 * H :])
        c_new = f * c + i * g
        cache.append((h, c, i, f, o, g, c_new))
        h, c = o * np.tanh(c_new), c_new
        hs.append(h)
    return np.array(hs), cache


def loss_and_grad(params, x, target):
    hs, cache = forward(params, x)
    loss = 0.5 * np.sum((hs - target) ** 2)
    dhs = hs - target
    grads = {k: np.zeros_like(v) for k, v in params.items()}
    H = hs.shape[1]
    dh, dc = np.zeros(H), np.zeros(H)
    for t in range(len(x) - 1, -1, -1):
        h, c, i, f, o, g, c_new = cache[t]
        dh = dh + dhs[t]
        tc = np.tanh(c_new)
        dc = dc + dh * o * (1 - tc**2)
        da = np.concatenate([dc * g * i * (1 - i), dc * c * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - g**2)])
        grads["Wx"] += np.outer(x[t], da)
        grads["Wh"] += np.outer(h, da)
        grads["b"] += da
        dh = params["Wh"] @ da
        dc = dc * f
    return loss, grads
