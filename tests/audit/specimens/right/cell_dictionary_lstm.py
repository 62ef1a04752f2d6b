"""One step of an LSTM with a dictionary of parameters, columns are sequences."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_cell_forward(xt, h_prev, c_prev, params):
    z = np.vstack((h_prev, xt))
    f = sigmoid(params["W_f"] @ z + params["b_f"])
    i = sigmoid(params["W_i"] @ z + params["b_i"])
    g = np.tanh(params["W_C"] @ z + params["b_C"])
    o = sigmoid(params["W_o"] @ z + params["b_o"])
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c, (z, f, i, g, o, c, c_prev, params)


def lstm_cell_backward(dh_next, dc_next, cache):
    z, f, i, g, o, c, c_prev, params = cache
    H = c.shape[0]
    do = dh_next * np.tanh(c) * o * (1 - o)
    dc = dc_next + dh_next * o * (1 - np.tanh(c) ** 2)
    d = {"f": dc * c_prev * f * (1 - f), "i": dc * g * i * (1 - i), "C": dc * i * (1 - g**2), "o": do}
    grads = {}
    dz = 0
    for k, v in d.items():
        grads["dW_" + k] = v @ z.T
        grads["db_" + k] = v.sum(1, keepdims=True)
        dz = dz + params["W_" + k].T @ v
    grads["dh_prev"] = dz[:H]
    grads["dx"] = dz[H:]
    grads["dc_prev"] = dc * f
    return grads
