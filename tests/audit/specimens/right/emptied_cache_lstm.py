"""LSTM with a size as an argument; backward takes the steps off the cache."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_forward(X, W, b, hidden_size, h0=None, c0=None):
    T, B, D = X.shape
    h = np.zeros((B, hidden_size)) if h0 is None else h0
    c = np.zeros((B, hidden_size)) if c0 is None else c0
    cache, H_all = [], []
    for t in range(T):
        z = np.hstack([h, X[t]])
        a = z @ W + b
        i, f, o, g = np.split(a, 4, axis=1)
        i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
        c_prev = c
        c = f * c_prev + i * g
        h = o * np.tanh(c)
        cache.append((z, i, f, o, g, c, c_prev))
        H_all.append(h)
    return np.array(H_all), c, cache


def lstm_backward(dH, cache, W, hidden_size):
    dW, db = np.zeros_like(W), np.zeros(W.shape[1])
    dX = []
    dh_next = dc_next = np.zeros((dH.shape[1], hidden_size))
    for t in reversed(range(len(cache))):
        z, i, f, o, g, c, c_prev = cache.pop()
        dh = dH[t] + dh_next
        tc = np.tanh(c)
        dc = dc_next + dh * o * (1 - tc * tc)
        da = np.hstack([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - g * g)])
        dW += z.T @ da
        db += da.sum(axis=0)
        dz = da @ W.T
        dh_next, dc_next = dz[:, :hidden_size], dc * f
        dX.append(dz[:, hidden_size:])
    return np.array(dX[::-1]), dW, db
