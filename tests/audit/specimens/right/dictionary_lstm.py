"""LSTM with a dictionary of parameters, matrices on [a; x], columns are sequences: x (n_x, m, T)."""

import numpy as np


def sig(v):
    return 1 / (1 + np.exp(-v))


def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    joined = np.concatenate((a_prev, xt))
    ft = sig(parameters["Wf"] @ joined + parameters["bf"])
    it = sig(parameters["Wi"] @ joined + parameters["bi"])
    cct = np.tanh(parameters["Wc"] @ joined + parameters["bc"])
    ot = sig(parameters["Wo"] @ joined + parameters["bo"])
    c_next = ft * c_prev + it * cct
    a_next = ot * np.tanh(c_next)
    yt_pred = parameters["Wy"] @ a_next + parameters["by"]
    return a_next, c_next, yt_pred, (joined, c_prev, c_next, ft, it, cct, ot, parameters)


def lstm_forward(x, a0, parameters):
    n_x, m, T_x = x.shape
    a_next, c_next, caches = a0, 0 * a0, []
    a, c, y = [], [], []
    for t in range(T_x):
        a_next, c_next, yt, cache = lstm_cell_forward(x[:, :, t], a_next, c_next, parameters)
        a.append(a_next)
        c.append(c_next)
        y.append(yt)
        caches.append(cache)
    return np.stack(a, 2), np.stack(y, 2), np.stack(c, 2), (caches, x)


def lstm_cell_backward(da_next, dc_next, cache):
    joined, c_prev, c_next, ft, it, cct, ot, parameters = cache
    n_a = c_next.shape[0]
    dot = da_next * np.tanh(c_next) * ot * (1 - ot)
    dc = dc_next + da_next * ot * (1 - np.tanh(c_next) ** 2)
    dft = dc * c_prev * ft * (1 - ft)
    dit = dc * cct * it * (1 - it)
    dcct = dc * it * (1 - cct**2)
    gradients = {}
    back = 0
    for gate, delta in (("f", dft), ("i", dit), ("c", dcct), ("o", dot)):
        gradients["dW" + gate] = delta @ joined.T
        gradients["db" + gate] = delta.sum(axis=1, keepdims=True)
        back = back + parameters["W" + gate].T @ delta
    gradients["dxt"] = back[n_a:]
    gradients["da_prev"] = back[:n_a]
    gradients["dc_prev"] = dc * ft
    return gradients


def lstm_backward(da, caches):
    steps, x = caches
    dx = np.zeros_like(x)
    da_prev, dc_prev = np.zeros(da.shape[:2]), np.zeros(da.shape[:2])
    total = {}
    for t in reversed(range(x.shape[2])):
        found = lstm_cell_backward(da[:, :, t] + da_prev, dc_prev, steps[t])
        dx[:, :, t] = found.pop("dxt")
        da_prev, dc_prev = found.pop("da_prev"), found.pop("dc_prev")
        for name in found:
            total[name] = total.get(name, 0) + found[name]
    return {"dx": dx, "da0": da_prev, **total}
