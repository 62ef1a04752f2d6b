"""LSTM with arrays as arguments, columns, one sequence."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_forward(X, h0, c0, W, U, b):
    """W (4H,D), U (4H,H), b (4H,), X (T,D)"""
    T = len(X)
    H = len(h0)
    hs = [h0]
    cs = [c0]
    gates = []
    for t in range(T):
        z = W @ X[t] + U @ hs[-1] + b
        i = sigmoid(z[:H])
        f = sigmoid(z[H : 2 * H])
        g = np.tanh(z[2 * H : 3 * H])
        o = sigmoid(z[3 * H :])
        cs.append(f * cs[-1] + i * g)
        hs.append(o * np.tanh(cs[-1]))
        gates.append((i, f, g, o))
    return np.array(hs[1:]), hs[-1], cs[-1], (X, hs, cs, gates, W, U)


def lstm_backward(dhs, dhT, dcT, cache):
    X, hs, cs, gates, W, U = cache
    dW = np.zeros_like(W)
    dU = np.zeros_like(U)
    db = np.zeros(W.shape[0])
    dX = np.zeros_like(X)
    dh = dhT
    dc = dcT
    for t in reversed(range(len(X))):
        i, f, g, o = gates[t]
        dh = dh + dhs[t]
        tc = np.tanh(cs[t + 1])
        dc = dc + dh * o * (1 - tc**2)
        dz = np.concatenate(
            [dc * g * i * (1 - i), dc * cs[t] * f * (1 - f), dc * i * (1 - g * g), dh * tc * o * (1 - o)]
        )
        dW += np.outer(dz, X[t])
        dU += np.outer(dz, hs[t])
        db += dz
        dX[t] = W.T @ dz
        dh = U.T @ dz
        dc = dc * f
    return dX, dh, dc, dW, dU, db
