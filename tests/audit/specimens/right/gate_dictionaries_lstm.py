"""LSTM with one dictionary for each kind of weight, by gate; one sequence, lists."""

import numpy as np


class Lstm:
    def __init__(self, in_size, size):
        r = np.random.default_rng(3)
        self.W = {k: r.standard_normal((in_size, size)) * 0.2 for k in "ifoc"}
        self.U = {k: r.standard_normal((size, size)) * 0.2 for k in "ifoc"}
        self.b = {k: np.zeros(size) for k in "ifoc"}
        self.size = size

    def forward(self, xs):
        act = {"i": self.sig, "f": self.sig, "o": self.sig, "c": np.tanh}
        h, c = np.zeros(self.size), np.zeros(self.size)
        self.steps, hs = [], []
        for x in xs:
            g = {k: act[k](x @ self.W[k] + h @ self.U[k] + self.b[k]) for k in "ifoc"}
            old_c, old_h = c, h
            c = g["f"] * c + g["i"] * g["c"]
            h = g["o"] * np.tanh(c)
            self.steps.append((x, old_h, old_c, g, c))
            hs.append(h)
        return hs

    def sig(self, a):
        return 1 / (1 + np.exp(-a))

    def backward(self, dhs):
        self.dW = {k: np.zeros_like(v) for k, v in self.W.items()}
        self.dU = {k: np.zeros_like(v) for k, v in self.U.items()}
        self.db = {k: np.zeros_like(v) for k, v in self.b.items()}
        dh, dc, dxs = 0, 0, []
        for (x, old_h, old_c, g, c), d in zip(self.steps[::-1], dhs[::-1], strict=False):
            dh = dh + d
            tc = np.tanh(c)
            dc = dc + dh * g["o"] * (1 - tc**2)
            da = {
                "i": dc * g["c"] * g["i"] * (1 - g["i"]),
                "f": dc * old_c * g["f"] * (1 - g["f"]),
                "o": dh * tc * g["o"] * (1 - g["o"]),
                "c": dc * g["i"] * (1 - g["c"] ** 2),
            }
            for k in "ifoc":
                self.dW[k] += np.outer(x, da[k])
                self.dU[k] += np.outer(old_h, da[k])
                self.db[k] += da[k]
            dxs.append(sum(da[k] @ self.W[k].T for k in "ifoc"))
            dh = sum(da[k] @ self.U[k].T for k in "ifoc")
            dc = dc * g["f"]
        return dxs[::-1]
