"""LSTM whose forward pass returns one dictionary of everything, which backward takes."""

import numpy as np


def sigmoid(t):
    return np.where(t >= 0, 1 / (1 + np.exp(-np.abs(t))), 1 - 1 / (1 + np.exp(-np.abs(t))))


def lstm_forward(x, params, h0, c0):
    W, U, b = params["W"], params["U"], params["b"]
    T, N, D = x.shape
    H = U.shape[0]
    out = {"x": x, "h": [h0], "c": [c0], "gates": []}
    for t in range(T):
        a = x[t] @ W + out["h"][-1] @ U + b
        i, f, g, o = sigmoid(a[:, 0:H]), sigmoid(a[:, H : 2 * H]), np.tanh(a[:, 2 * H : 3 * H]), sigmoid(a[:, 3 * H :])
        c = f * out["c"][-1] + i * g
        out["c"].append(c)
        out["h"].append(o * np.tanh(c))
        out["gates"].append((i, f, g, o))
    out["hs"] = np.stack(out["h"][1:])
    return out


def lstm_backward(dhs, out, params):
    W, U, b = params["W"], params["U"], params["b"]
    x = out["x"]
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    dx = np.zeros_like(x)
    dh, dc = np.zeros_like(dhs[0]), np.zeros_like(dhs[0])
    for t in reversed(range(len(x))):
        i, f, g, o = out["gates"][t]
        tc = np.tanh(out["c"][t + 1])
        dh = dh + dhs[t]
        dc = dc + dh * o * (1 - tc**2)
        da = np.concatenate(
            [dc * g * i * (1 - i), dc * out["c"][t] * f * (1 - f), dc * i * (1 - g**2), dh * tc * o * (1 - o)], axis=-1
        )
        dW += x[t].T @ da
        dU += out["h"][t].T @ da
        db += da.sum(axis=0)
        dx[t] = da @ W.T
        dh = da @ U.T
        dc = dc * f
    return {"dx": dx, "dW": dW, "dU": dU, "db": db, "dh0": dh, "dc0": dc}
