"""Peephole LSTM that is called, attributes made by setattr."""

import numpy as np


class PeepholeLSTM:
    def __init__(self, nb_in, nb_hid):
        self.nb_in, self.nb_hid = nb_in, nb_hid
        for g in "ifoz":
            setattr(self, "W" + g, np.random.normal(0, 0.1, (nb_hid, nb_in)))
            setattr(self, "R" + g, np.random.normal(0, 0.1, (nb_hid, nb_hid)))
            setattr(self, "b" + g, np.zeros(nb_hid))
        for g in "ifo":
            setattr(self, "p" + g, np.random.normal(0, 0.1, nb_hid))

    def __call__(self, x):
        def s(v):
            return 1 / (1 + np.exp(-v))

        B, T, _ = x.shape
        self.x = x
        y, c = np.zeros((B, self.nb_hid)), np.zeros((B, self.nb_hid))
        self.mem, out = [], []
        for t in range(T):
            xt = x[:, t]
            z = np.tanh(xt @ self.Wz.T + y @ self.Rz.T + self.bz)
            i = s(xt @ self.Wi.T + y @ self.Ri.T + self.pi * c + self.bi)
            f = s(xt @ self.Wf.T + y @ self.Rf.T + self.pf * c + self.bf)
            c_new = z * i + c * f
            o = s(xt @ self.Wo.T + y @ self.Ro.T + self.po * c_new + self.bo)
            self.mem.append((xt, y, c, z, i, f, o, c_new))
            c = c_new
            y = np.tanh(c) * o
            out.append(y)
        return np.stack(out, axis=1)

    def backward(self, delta):
        B, T, _ = self.x.shape
        for n in [k for k in vars(self) if k[0] in "WRbp" and len(k) == 2]:
            setattr(self, "d" + n, np.zeros_like(getattr(self, n)))
        dx = np.zeros_like(self.x)
        dy_rec = np.zeros((B, self.nb_hid))
        dc_rec = np.zeros((B, self.nb_hid))
        for t in range(T - 1, -1, -1):
            xt, y, c, z, i, f, o, c_new = self.mem[t]
            dy = delta[:, t] + dy_rec
            do = dy * np.tanh(c_new) * o * (1 - o)
            dc = dy * o * (1 - np.tanh(c_new) ** 2) + self.po * do + dc_rec
            df = dc * c * f * (1 - f)
            di = dc * z * i * (1 - i)
            dz = dc * i * (1 - z**2)
            for g, d in zip("ifoz", (di, df, do, dz), strict=False):
                getattr(self, "dW" + g).__iadd__(d.T @ xt)
                getattr(self, "dR" + g).__iadd__(d.T @ y)
                getattr(self, "db" + g).__iadd__(d.sum(0))
            self.dpi += (di * c).sum(0)
            self.dpf += (df * c).sum(0)
            self.dpo += (do * c_new).sum(0)
            dx[:, t] = di @ self.Wi + df @ self.Wf + do @ self.Wo + dz @ self.Wz
            dy_rec = di @ self.Ri + df @ self.Rf + do @ self.Ro + dz @ self.Rz
            dc_rec = dc * f + self.pi * di + self.pf * df
        return dx
