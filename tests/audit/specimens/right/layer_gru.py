"""GRU as a layer with attributes, one sequence; z keeps the old state."""

import numpy as np


class GRU:
    def __init__(self, n_in, n_hidden):
        self.n_in = n_in
        self.n_hidden = n_hidden
        r = np.random.randn
        self.Wz = r(n_hidden, n_in)
        self.Uz = r(n_hidden, n_hidden)
        self.bz = np.zeros(n_hidden)
        self.Wr = r(n_hidden, n_in)
        self.Ur = r(n_hidden, n_hidden)
        self.br = np.zeros(n_hidden)
        self.Wh = r(n_hidden, n_in)
        self.Uh = r(n_hidden, n_hidden)
        self.bh = np.zeros(n_hidden)

    def sigmoid(self, v):
        return 1 / (1 + np.exp(-v))

    def forward(self, x, h0=None):
        s = self.sigmoid
        h = np.zeros(self.n_hidden) if h0 is None else h0
        self.cache = []
        out = []
        for xt in x:
            z = s(self.Wz @ xt + self.Uz @ h + self.bz)
            r = s(self.Wr @ xt + self.Ur @ h + self.br)
            n = np.tanh(self.Wh @ xt + self.Uh @ (r * h) + self.bh)
            self.cache.append((xt, h, z, r, n))
            h = z * h + (1 - z) * n
            out.append(h)
        return np.array(out)

    def backward(self, dout):
        for n in ("Wz", "Uz", "bz", "Wr", "Ur", "br", "Wh", "Uh", "bh"):
            setattr(self, "d" + n, np.zeros_like(getattr(self, n)))
        dh = np.zeros(self.n_hidden)
        dx = [None] * len(dout)
        for t in reversed(range(len(dout))):
            xt, h, z, r, n = self.cache[t]
            dh = dh + dout[t]
            dz = dh * (h - n) * z * (1 - z)
            dn = dh * (1 - z) * (1 - n * n)
            back = self.Uh.T @ dn
            dr = back * h * r * (1 - r)
            self.dWz += np.outer(dz, xt)
            self.dUz += np.outer(dz, h)
            self.dbz += dz
            self.dWr += np.outer(dr, xt)
            self.dUr += np.outer(dr, h)
            self.dbr += dr
            self.dWh += np.outer(dn, xt)
            self.dUh += np.outer(dn, r * h)
            self.dbh += dn
            dx[t] = self.Wz.T @ dz + self.Wr.T @ dr + self.Wh.T @ dn
            dh = dh * z + back * r + self.Uz.T @ dz + self.Ur.T @ dr
        return np.array(dx), dh
