"""GRU, reset after the matrix, z keeps the old state; xs (T, N, D)."""

import numpy as np


def sigma(v):
    return 1 / (1 + np.exp(-v))


def forward(params, xs, h0):
    p, h, hs, cache = params, h0, [], []
    for x in xs:
        r = sigma(x @ p["Wr"] + h @ p["Ur"] + p["br"])
        z = sigma(x @ p["Wz"] + h @ p["Uz"] + p["bz"])
        a = h @ p["Un"] + p["cn"]
        n = np.tanh(x @ p["Wn"] + r * a + p["bn"])
        cache.append((x, h, r, z, a, n))
        h = (1 - z) * n + z * h
        hs.append(h)
    return np.array(hs), cache


def backward(params, cache, dhs):
    p = params
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    dxs = np.zeros((len(cache), *cache[0][0].shape))
    dh = np.zeros_like(dhs[0])
    for t in reversed(range(len(cache))):
        x, h, r, z, a, n = cache[t]
        dh = dh + dhs[t]
        dz = dh * (h - n) * z * (1 - z)
        dn = dh * (1 - z) * (1 - n**2)
        dr = dn * a * r * (1 - r)
        da = dn * r
        for gate, d in (("r", dr), ("z", dz), ("n", dn)):
            grads["W" + gate] += x.T @ d
            grads["b" + gate] += d.sum(0)
        grads["Ur"] += h.T @ dr
        grads["Uz"] += h.T @ dz
        grads["Un"] += h.T @ da
        grads["cn"] += da.sum(0)
        dxs[t] = dr @ p["Wr"].T + dz @ p["Wz"].T + dn @ p["Wn"].T
        dh = dh * z + da @ p["Un"].T + dr @ p["Ur"].T + dz @ p["Uz"].T
    return {**grads, "xs": dxs, "h0": dh}
