"""The forum question's cell, with the gradient of what it says: one weight for x and c, no h; units by themselves.

c of the step before stands where the question has c of a step that is not there yet.
"""

import numpy as np


def sig(v):
    return 1 / (1 + np.exp(-v))


def forward(params, xs, h0, c0):
    p, c, hs, cache = params, c0, [], []
    for x in xs:
        i = sig(p["i_w"] * (x + c) + p["i_b"])
        f = sig(p["f_w"] * (x + c) + p["f_b"])
        cell_gate = np.tanh(p["c_w"] * x + p["c_b"])
        new = f * c + i * cell_gate
        o = sig(p["o_w"] * (x + new) + p["o_b"])
        cache.append((x, c, i, f, cell_gate, o, new))
        c = new
        hs.append(o * np.tanh(c))
    return np.array(hs), cache


def backward(params, cache, dhs):
    p = params
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    dxs = np.zeros((len(cache), *cache[0][0].shape))
    dc = np.zeros_like(cache[0][1])
    for t in reversed(range(len(cache))):
        x, c, i, f, cell_gate, o, new = cache[t]
        e = dhs[t]
        o_e = e * np.tanh(new) * o * (1 - o)
        dc = dc + e * o * (1 - np.tanh(new) ** 2) + o_e * p["o_w"]
        i_e = dc * cell_gate * i * (1 - i)
        f_e = dc * c * f * (1 - f)
        c_e = dc * i * (1 - cell_gate**2)
        grads["o_w"] += ((x + new) * o_e).sum(0)
        grads["i_w"] += ((x + c) * i_e).sum(0)
        grads["f_w"] += ((x + c) * f_e).sum(0)
        grads["c_w"] += (x * c_e).sum(0)
        grads["o_b"] += o_e.sum(0)
        grads["i_b"] += i_e.sum(0)
        grads["f_b"] += f_e.sum(0)
        grads["c_b"] += c_e.sum(0)
        dxs[t] = o_e * p["o_w"] + i_e * p["i_w"] + f_e * p["f_w"] + c_e * p["c_w"]
        dc = dc * f + i_e * p["i_w"] + f_e * p["f_w"]
    return {**grads, "xs": dxs, "h0": np.zeros_like(dc), "c0": dc}
