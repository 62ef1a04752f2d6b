"""One step of a GRU, reset after the matrix, with two biases; rows are sequences."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gru_step_forward(x, prev_h, Wx, Wh, bx, bh):
    H = prev_h.shape[1]
    ax = x @ Wx + bx
    ah = prev_h @ Wh + bh
    r = sigmoid(ax[:, :H] + ah[:, :H])
    z = sigmoid(ax[:, H : 2 * H] + ah[:, H : 2 * H])
    n = np.tanh(ax[:, 2 * H :] + r * ah[:, 2 * H :])
    return (1 - z) * n + z * prev_h, (x, prev_h, Wx, Wh, ah, r, z, n)


def gru_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, ah, r, z, n = cache
    H = prev_h.shape[1]
    dz = dnext_h * (prev_h - n) * z * (1 - z)
    dn = dnext_h * (1 - z) * (1 - n * n)
    dr = dn * ah[:, 2 * H :] * r * (1 - r)
    dax = np.concatenate([dr, dz, dn], 1)
    dah = np.concatenate([dr, dz, dn * r], 1)
    dx = dax @ Wx.T
    dprev_h = dah @ Wh.T + dnext_h * z
    dWx = x.T @ dax
    dWh = prev_h.T @ dah
    dbx = dax.sum(0)
    dbh = dah.sum(0)
    return dx, dprev_h, dWx, dWh, dbx, dbh
