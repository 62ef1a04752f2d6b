"""GRU with one dictionary of parameters, each matrix on [h, x], whose candidate is called h."""

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def forward(params, xs, h0):
    Wz, Wr, Wh = params["Wz"], params["Wr"], params["Wh"]
    bz, br, bh = params["bz"], params["br"], params["bh"]
    h = h0
    hs, cache = [], []
    for x in xs:
        hx = np.hstack([h, x])
        z = sigmoid(hx @ Wz + bz)
        r = sigmoid(hx @ Wr + br)
        rhx = np.hstack([r * h, x])
        hb = np.tanh(rhx @ Wh + bh)
        cache.append((hx, rhx, h, z, r, hb))
        h = (1 - z) * h + z * hb
        hs.append(h)
    return np.stack(hs), cache


def backward(params, cache, dys):
    Wz, Wr, Wh = params["Wz"], params["Wr"], params["Wh"]
    grads = {k: np.zeros_like(v) for k, v in params.items()}
    H = dys.shape[2]
    dxs = []
    dh_next = np.zeros(dys.shape[1:])
    for t in reversed(range(len(cache))):
        hx, rhx, h, z, r, hb = cache[t]
        dh = dys[t] + dh_next
        dhb = dh * z * (1 - hb**2)
        dz = dh * (hb - h) * z * (1 - z)
        drhx = dhb @ Wh.T
        dr = drhx[:, :H] * h * r * (1 - r)
        dhx = dz @ Wz.T + dr @ Wr.T
        grads["Wz"] += hx.T @ dz
        grads["Wr"] += hx.T @ dr
        grads["Wh"] += rhx.T @ dhb
        grads["bz"] += dz.sum(axis=0)
        grads["br"] += dr.sum(axis=0)
        grads["bh"] += dhb.sum(axis=0)
        dh_next = dh * (1 - z) + drhx[:, :H] * r + dhx[:, :H]
        dxs.insert(0, drhx[:, H:] + dhx[:, H:])
    return grads, np.stack(dxs), dh_next
