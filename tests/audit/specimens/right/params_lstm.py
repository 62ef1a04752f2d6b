"""LSTM with one dictionary of parameters; xs (T, N, D)."""

import numpy as np


def sigma(v):
    return 1 / (1 + np.exp(-v))


def forward(params, xs, h0, c0):
    p, h, c = params, h0, c0
    hs, cache = [], []
    for x in xs:
        i = sigma(x @ p["Wi"] + h @ p["Ui"] + p["bi"])
        f = sigma(x @ p["Wf"] + h @ p["Uf"] + p["bf"])
        g = np.tanh(x @ p["Wg"] + h @ p["Ug"] + p["bg"])
        o = sigma(x @ p["Wo"] + h @ p["Uo"] + p["bo"])
        new = f * c + i * g
        cache.append((x, h, c, i, f, g, o, new))
        h, c = o * np.tanh(new), new
        hs.append(h)
    return np.array(hs), cache


def backward(params, cache, dhs):
    p = params
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    dxs = np.zeros((len(cache), *cache[0][0].shape))
    dh = np.zeros_like(dhs[0])
    dc = np.zeros_like(dhs[0])
    for t in range(len(cache) - 1, -1, -1):
        x, h, c, i, f, g, o, new = cache[t]
        dh = dh + dhs[t]
        tc = np.tanh(new)
        do = dh * tc * o * (1 - o)
        dc = dc + dh * o * (1 - tc**2)
        di = dc * g * i * (1 - i)
        df = dc * c * f * (1 - f)
        dg = dc * i * (1 - g**2)
        for gate, d in (("i", di), ("f", df), ("g", dg), ("o", do)):
            grads["W" + gate] += x.T @ d
            grads["U" + gate] += h.T @ d
            grads["b" + gate] += d.sum(0)
        dxs[t] = di @ p["Wi"].T + df @ p["Wf"].T + dg @ p["Wg"].T + do @ p["Wo"].T
        dh = di @ p["Ui"].T + df @ p["Uf"].T + dg @ p["Ug"].T + do @ p["Uo"].T
        dc = dc * f
    grads["xs"] = dxs
    grads["h0"] = dh
    grads["c0"] = dc
    return grads
