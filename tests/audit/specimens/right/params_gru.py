"""GRU, reset before the matrix, with one dictionary of parameters and columns: one sequence, xs (T, D)."""

import numpy as np


def sigma(v):
    return 1 / (1 + np.exp(-v))


def gru_forward(params, xs, h0):
    p, h, hs, cache = params, h0, [], []
    for x in xs:
        z = sigma(p["Wz"] @ x + p["Uz"] @ h + p["bz"])
        r = sigma(p["Wr"] @ x + p["Ur"] @ h + p["br"])
        n = np.tanh(p["Wn"] @ x + p["Un"] @ (r * h) + p["bn"])
        cache.append((x, h, z, r, n))
        h = (1 - z) * h + z * n
        hs.append(h)
    return np.array(hs), cache


def gru_backward(params, cache, dhs):
    p = params
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    dxs = np.zeros((len(cache), len(cache[0][0])))
    dh = np.zeros_like(dhs[0])
    for t in reversed(range(len(cache))):
        x, h, z, r, n = cache[t]
        dh = dh + dhs[t]
        dz = dh * (n - h) * z * (1 - z)
        dn = dh * z * (1 - n**2)
        back = p["Un"].T @ dn
        dr = back * h * r * (1 - r)
        grads["Wz"] += np.outer(dz, x)
        grads["Wr"] += np.outer(dr, x)
        grads["Wn"] += np.outer(dn, x)
        grads["Uz"] += np.outer(dz, h)
        grads["Ur"] += np.outer(dr, h)
        grads["Un"] += np.outer(dn, r * h)
        grads["bz"] += dz
        grads["br"] += dr
        grads["bn"] += dn
        dxs[t] = p["Wz"].T @ dz + p["Wr"].T @ dr + p["Wn"].T @ dn
        dh = dh * (1 - z) + back * r + p["Uz"].T @ dz + p["Ur"].T @ dr
    return grads, dxs, dh
