"""GRU over time around a cell, gradients accumulated in the cell until zero_grad."""

import numpy as np


class GRUCell:
    def __init__(self, input_size, hidden_size):
        self.hidden_size = hidden_size
        k = 1 / np.sqrt(hidden_size)
        self.params = {
            "W_ih": np.random.uniform(-k, k, (3 * hidden_size, input_size)),
            "W_hh": np.random.uniform(-k, k, (3 * hidden_size, hidden_size)),
            "b_ih": np.random.uniform(-k, k, 3 * hidden_size),
            "b_hh": np.random.uniform(-k, k, 3 * hidden_size),
        }
        self.zero_grad()

    def zero_grad(self):
        self.grads = {k: np.zeros_like(v) for k, v in self.params.items()}

    def forward(self, x, h):
        p = self.params
        gi = x @ p["W_ih"].T + p["b_ih"]
        gh = h @ p["W_hh"].T + p["b_hh"]
        i_r, i_z, i_n = np.split(gi, 3, axis=1)
        h_r, h_z, h_n = np.split(gh, 3, axis=1)
        r = 1 / (1 + np.exp(-(i_r + h_r)))
        z = 1 / (1 + np.exp(-(i_z + h_z)))
        n = np.tanh(i_n + r * h_n)
        out = (1 - z) * n + z * h
        return out, (x, h, r, z, n, h_n)

    def backward(self, dout, cache):
        x, h, r, z, n, h_n = cache
        p, g = self.params, self.grads
        dn = dout * (1 - z) * (1 - n**2)
        dz = dout * (h - n) * z * (1 - z)
        dr = dn * h_n * r * (1 - r)
        dgi = np.concatenate([dr, dz, dn], axis=1)
        dgh = np.concatenate([dr, dz, dn * r], axis=1)
        g["W_ih"] += dgi.T @ x
        g["b_ih"] += dgi.sum(0)
        g["W_hh"] += dgh.T @ h
        g["b_hh"] += dgh.sum(0)
        return dgi @ p["W_ih"], dgh @ p["W_hh"] + dout * z


class GRU:
    def __init__(self, input_size, hidden_size):
        self.cell = GRUCell(input_size, hidden_size)
        self.hidden_size = hidden_size

    @property
    def params(self):
        return self.cell.params

    @property
    def grads(self):
        return self.cell.grads

    def zero_grad(self):
        self.cell.zero_grad()

    def forward(self, x, h0=None):
        B, T, _ = x.shape
        h = np.zeros((B, self.hidden_size)) if h0 is None else h0
        self.caches, outs = [], []
        for t in range(T):
            h, cache = self.cell.forward(x[:, t], h)
            self.caches.append(cache)
            outs.append(h)
        return np.stack(outs, axis=1), h

    def backward(self, d_outs, d_hn=None):
        dxs = []
        dh = 0.0 if d_hn is None else d_hn
        for t in reversed(range(len(self.caches))):
            dx, dh = self.cell.backward(d_outs[:, t] + dh, self.caches[t])
            dxs.append(dx)
        return np.stack(dxs[::-1], axis=1), dh
