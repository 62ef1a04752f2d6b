"""LSTM with a matrix on [h, x] for each gate, as arguments; lists over time."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(x_seq, h_prev, c_prev, Wf, Wi, Wc, Wo, bf, bi, bc, bo):
    cache = []
    hs = []
    h, c = h_prev, c_prev
    for x in x_seq:
        z = np.concatenate([h, x])
        f = sigmoid(Wf.dot(z) + bf)
        i = sigmoid(Wi.dot(z) + bi)
        g = np.tanh(Wc.dot(z) + bc)
        o = sigmoid(Wo.dot(z) + bo)
        cn = f * c + i * g
        cache.append((z, c, f, i, g, o, cn))
        h, c = o * np.tanh(cn), cn
        hs.append(h)
    return hs, cache


def backward(dh_seq, cache, Wf, Wi, Wc, Wo):
    H = dh_seq[0].shape[0]
    dh = np.zeros_like(dh_seq[0])
    dc = np.zeros_like(dh)
    dWf = np.zeros_like(Wf)
    dWi = np.zeros_like(Wi)
    dWc = np.zeros_like(Wc)
    dWo = np.zeros_like(Wo)
    dbf = np.zeros_like(dh)
    dbi = np.zeros_like(dh)
    dbc = np.zeros_like(dh)
    dbo = np.zeros_like(dh)
    dxs = []
    for t in reversed(range(len(cache))):
        z, c, f, i, g, o, cn = cache[t]
        dh = dh + dh_seq[t]
        tc = np.tanh(cn)
        dc = dc + dh * o * (1 - tc**2)
        do = dh * tc * o * (1 - o)
        df = dc * c * f * (1 - f)
        di = dc * g * i * (1 - i)
        dg = dc * i * (1 - g * g)
        dWf += np.outer(df, z)
        dWi += np.outer(di, z)
        dWc += np.outer(dg, z)
        dWo += np.outer(do, z)
        dbf += df
        dbi += di
        dbc += dg
        dbo += do
        dz = Wf.T @ df + Wi.T @ di + Wc.T @ dg + Wo.T @ do
        dh = dz[:H]
        dxs.insert(0, dz[H:])
        dc = dc * f
    return {
        "dWf": dWf,
        "dWi": dWi,
        "dWc": dWc,
        "dWo": dWo,
        "dbf": dbf,
        "dbi": dbi,
        "dbc": dbc,
        "dbo": dbo,
        "dx_seq": dxs,
        "dh_prev": dh,
        "dc_prev": dc,
    }
