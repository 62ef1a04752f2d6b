"""GRU with one dictionary per gate, columns in lists; z keeps h."""

import numpy as np


def sigmoid(v):
    return 1.0 / (1.0 + np.exp(-v))


def init_params(input_size, hidden_size):
    def gate():
        return {
            "W": np.random.randn(hidden_size, input_size) * 0.1,
            "U": np.random.randn(hidden_size, hidden_size) * 0.1,
            "b": np.zeros((hidden_size, 1)),
        }

    return {"update": gate(), "reset": gate(), "candidate": gate()}


def gru_forward(params, xs, h0):
    """xs: list of column vectors"""
    u, r, k = params["update"], params["reset"], params["candidate"]
    h = h0
    hs, cache = [], []
    for x in xs:
        zt = sigmoid(u["W"] @ x + u["U"] @ h + u["b"])
        rt = sigmoid(r["W"] @ x + r["U"] @ h + r["b"])
        ht = np.tanh(k["W"] @ x + k["U"] @ (rt * h) + k["b"])
        h_new = zt * h + (1 - zt) * ht
        cache.append((x, h, zt, rt, ht))
        h = h_new
        hs.append(h)
    return hs, cache


def gru_backward(params, cache, dhs):
    grads = {name: {k: np.zeros_like(v) for k, v in gate.items()} for name, gate in params.items()}
    dh_next = np.zeros_like(dhs[0])
    dxs = []
    for (x, h_prev, zt, rt, ht), dh in zip(reversed(cache), reversed(dhs), strict=True):
        dh = dh + dh_next
        dz = dh * (h_prev - ht) * zt * (1 - zt)
        dht = dh * (1 - zt) * (1 - ht**2)
        drh = params["candidate"]["U"].T @ dht
        dr = drh * h_prev * rt * (1 - rt)
        for name, d, hh in (("update", dz, h_prev), ("reset", dr, h_prev), ("candidate", dht, rt * h_prev)):
            grads[name]["W"] += d @ x.T
            grads[name]["U"] += d @ hh.T
            grads[name]["b"] += d
        dxs.append(params["update"]["W"].T @ dz + params["reset"]["W"].T @ dr + params["candidate"]["W"].T @ dht)
        dh_next = dh * zt + drh * rt + params["update"]["U"].T @ dz + params["reset"]["U"].T @ dr
    return grads, dxs[::-1], dh_next
