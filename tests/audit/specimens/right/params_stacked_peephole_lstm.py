"""Peephole LSTM with stacked gates and stacked peepholes, parameters from a function."""

import numpy as np


def init_lstm(input_dim, hidden_dim, seed=0):
    rng = np.random.default_rng(seed)
    return dict(
        Wx=rng.normal(size=(4 * hidden_dim, input_dim)),
        Wh=rng.normal(size=(4 * hidden_dim, hidden_dim)),
        p=rng.normal(size=(3, hidden_dim)),
        b=np.zeros(4 * hidden_dim),
    )


def sg(v):
    return 1 / (1 + np.exp(-v))


def forward(params, x, h0, c0):
    H = h0.shape[1]
    h, c = h0, c0
    hs = []
    tape = []
    for t in range(x.shape[0]):
        a = x[t] @ params["Wx"].T + h @ params["Wh"].T + params["b"]
        i = sg(a[:, :H] + params["p"][0] * c)
        f = sg(a[:, H : 2 * H] + params["p"][1] * c)
        g = np.tanh(a[:, 2 * H : 3 * H])
        cn = f * c + i * g
        o = sg(a[:, 3 * H :] + params["p"][2] * cn)
        tape.append((x[t], h, c, i, f, g, o, cn))
        h, c = o * np.tanh(cn), cn
        hs.append(h)
    return np.stack(hs), (h, c), tape


def backward(params, tape, dhs):
    G = {k: np.zeros_like(v) for k, v in params.items()}
    dh = 0
    dc = 0
    dx = []
    for t in reversed(range(len(tape))):
        x, h, c, i, f, g, o, cn = tape[t]
        dh = dh + dhs[t]
        tc = np.tanh(cn)
        do = dh * tc * o * (1 - o)
        dc = dc + dh * o * (1 - tc**2) + do * params["p"][2]
        di = dc * g * i * (1 - i)
        df = dc * c * f * (1 - f)
        dg = dc * i * (1 - g * g)
        da = np.concatenate([di, df, dg, do], 1)
        G["Wx"] += da.T @ x
        G["Wh"] += da.T @ h
        G["b"] += da.sum(0)
        G["p"] += np.stack([(di * c).sum(0), (df * c).sum(0), (do * cn).sum(0)])
        dx.append(da @ params["Wx"])
        dh = da @ params["Wh"]
        dc = dc * f + di * params["p"][0] + df * params["p"][1]
    return G, np.stack(dx[::-1]), dh, dc
