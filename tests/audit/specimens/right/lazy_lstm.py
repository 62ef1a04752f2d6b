"""LSTM that makes its weights when it sees its first inputs."""

import numpy as np


class LSTM:
    """Keras-like: number of inputs is found at the first call."""

    def __init__(self, units):
        self.units = units
        self.kernel = None
        self.is_initialized = False

    def build(self, n_in):
        H = self.units
        self.kernel = np.random.uniform(-0.1, 0.1, (n_in, 4 * H))
        self.recurrent_kernel = np.random.uniform(-0.1, 0.1, (H, 4 * H))
        self.bias = np.zeros(4 * H)
        self.is_initialized = True

    def forward(self, X):
        if not self.is_initialized:
            self.build(X.shape[2])
        N, T, D = X.shape
        H = self.units
        self.X, self.cache = X, []
        h = c = np.zeros((N, H))
        hs = []
        for t in range(T):
            a = X[:, t] @ self.kernel + h @ self.recurrent_kernel + self.bias
            i, f, g, o = a[:, :H], a[:, H : 2 * H], a[:, 2 * H : 3 * H], a[:, 3 * H :]
            i, f, o = [1 / (1 + np.exp(-v)) for v in (i, f, o)]
            g = np.tanh(g)
            c2 = f * c + i * g
            h2 = o * np.tanh(c2)
            self.cache.append((h, c, i, f, g, o, c2))
            h, c = h2, c2
            hs.append(h)
        return np.stack(hs, axis=1)

    def backward(self, dA):
        N, T, D = self.X.shape
        self.d_kernel = np.zeros_like(self.kernel)
        self.d_recurrent_kernel = np.zeros_like(self.recurrent_kernel)
        self.d_bias = np.zeros_like(self.bias)
        dX = np.zeros_like(self.X)
        dh = dc = 0
        for t in reversed(range(T)):
            h, c, i, f, g, o, c2 = self.cache[t]
            dh = dh + dA[:, t]
            tc = np.tanh(c2)
            dc = dc + dh * o * (1 - tc**2)
            da = np.concatenate(
                [dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * tc * o * (1 - o)], -1
            )
            self.d_kernel += self.X[:, t].T @ da
            self.d_recurrent_kernel += h.T @ da
            self.d_bias += da.sum(0)
            dX[:, t] = da @ self.kernel.T
            dh = da @ self.recurrent_kernel.T
            dc = dc * f
        return dX
