"""Simple recurrent network with one dictionary of parameters, lists over time, one sequence."""

import numpy as np


def outputs(params, xs, h0):
    h, hs = h0, []
    for x in xs:
        h = np.tanh(params["Wxh"] @ x + params["Whh"] @ h + params["bh"])
        hs.append(h)
    return np.array(hs)


def gradients(params, xs, h0, dhs):
    hs = [h0, *outputs(params, xs, h0)]
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dxs = np.zeros_like(xs)
    dh = np.zeros_like(h0)
    for t in range(len(xs) - 1, -1, -1):
        dh = dh + dhs[t]
        da = dh * (1 - hs[t + 1] ** 2)
        grads["Wxh"] += np.outer(da, xs[t])
        grads["Whh"] += np.outer(da, hs[t])
        grads["bh"] += da
        dxs[t] = params["Wxh"].T @ da
        dh = params["Whh"].T @ da
    return {**grads, "xs": dxs, "h0": dh}
