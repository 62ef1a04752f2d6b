"""GRU with its two gates in one matrix and the candidate apart; the update gate keeps h."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def init_weights(D, H):
    rng = np.random.default_rng(1)
    return dict(
        Wg=rng.normal(size=(D, 2 * H)),
        Ug=rng.normal(size=(H, 2 * H)),
        bg=np.zeros(2 * H),
        Wc=rng.normal(size=(D, H)),
        Uc=rng.normal(size=(H, H)),
        bc=np.zeros(H),
    )


def forward(params, xs, h0):
    H = h0.shape[1]
    h, hs, cache = h0, [], []
    for x in xs:
        a = sigmoid(x @ params["Wg"] + h @ params["Ug"] + params["bg"])
        r, u = a[:, :H], a[:, H:]
        n = np.tanh(x @ params["Wc"] + (r * h) @ params["Uc"] + params["bc"])
        cache.append((x, h, r, u, n))
        h = u * h + (1 - u) * n
        hs.append(h)
    return np.array(hs), cache


def backward(params, cache, dhs):
    g = {k: np.zeros_like(v) for k, v in params.items()}
    dxs = np.zeros((len(cache),) + cache[0][0].shape)
    dh = np.zeros_like(dhs[0])
    for t in reversed(range(len(cache))):
        x, h, r, u, n = cache[t]
        dh = dh + dhs[t]
        du = dh * (h - n) * u * (1 - u)
        dn = dh * (1 - u) * (1 - n * n)
        drh = dn @ params["Uc"].T
        dr = drh * h * r * (1 - r)
        da = np.concatenate([dr, du], axis=1)
        g["Wg"] += x.T @ da
        g["Ug"] += h.T @ da
        g["bg"] += da.sum(0)
        g["Wc"] += x.T @ dn
        g["Uc"] += (r * h).T @ dn
        g["bc"] += dn.sum(0)
        dxs[t] = da @ params["Wg"].T + dn @ params["Wc"].T
        dh = dh * u + drh * r + da @ params["Ug"].T
    return g, dxs, dh
