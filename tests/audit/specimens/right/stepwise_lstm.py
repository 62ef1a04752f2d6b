"""LSTM as a layer that is fed step by step with columns, lists over time in the object."""

import numpy as np


class Sigmoid:
    def forward(self, v):
        return 1.0 / (1.0 + np.exp(-v))

    def backward(self, out):
        return out * (1 - out)


class Tanh:
    def forward(self, v):
        return np.tanh(v)

    def backward(self, out):
        return 1 - out * out


class Identity:
    def forward(self, v):
        return v

    def backward(self, out):
        return np.ones_like(out)


class Lstm:
    def __init__(self, input_width, state_width, learning_rate):
        self.state_width, self.rate = state_width, learning_rate
        self.gate, self.output = Sigmoid(), Tanh()
        for g in "fioc":
            setattr(self, f"W{g}h", np.random.uniform(-1e-4, 1e-4, (state_width, state_width)))
            setattr(self, f"W{g}x", np.random.uniform(-1e-4, 1e-4, (state_width, input_width)))
            setattr(self, f"b{g}", np.zeros((state_width, 1)))
        self.times = 0
        for name in ("h", "c", "f", "i", "o", "ct"):
            setattr(self, f"{name}_list", [np.zeros((state_width, 1))])
        self.x_list = [None]

    def net(self, g, x):
        return getattr(self, f"W{g}h") @ self.h_list[-1] + getattr(self, f"W{g}x") @ x + getattr(self, f"b{g}")

    def forward(self, x):
        self.times += 1
        f, i, o = (self.gate.forward(self.net(g, x)) for g in "fio")
        ct = self.output.forward(self.net("c", x))
        c = f * self.c_list[-1] + i * ct
        self.x_list.append(x)
        for name, value in (("f", f), ("i", i), ("o", o), ("ct", ct), ("c", c)):
            getattr(self, f"{name}_list").append(value)
        self.h_list.append(o * self.output.forward(c))

    def backward(self, x, delta_h, activator):
        self.delta_h_list = [None] * self.times + [delta_h]
        for g in "fioc":
            setattr(self, f"W{g}h_grad", 0.0)
            setattr(self, f"W{g}x_grad", 0.0)
            setattr(self, f"b{g}_grad", 0.0)
        dc_next = 0.0
        for k in range(self.times, 0, -1):
            dc_next = self.one_step(k, dc_next)
        self.delta_c_list = [dc_next] + [None] * self.times

    def one_step(self, k, dc_next):
        f, i, o, ct = self.f_list[k], self.i_list[k], self.o_list[k], self.ct_list[k]
        squashed, delta_h = self.output.forward(self.c_list[k]), self.delta_h_list[k]
        delta_c = delta_h * o * self.output.backward(squashed) + dc_next
        delta = {
            "o": delta_h * squashed * self.gate.backward(o),
            "f": delta_c * self.c_list[k - 1] * self.gate.backward(f),
            "i": delta_c * ct * self.gate.backward(i),
            "c": delta_c * i * self.output.backward(ct),
        }
        for g, d in delta.items():
            setattr(self, f"W{g}h_grad", getattr(self, f"W{g}h_grad") + d @ self.h_list[k - 1].T)
            setattr(self, f"W{g}x_grad", getattr(self, f"W{g}x_grad") + d @ self.x_list[k].T)
            setattr(self, f"b{g}_grad", getattr(self, f"b{g}_grad") + d)
        self.delta_h_list[k - 1] = sum(getattr(self, f"W{g}h").T @ d for g, d in delta.items())
        return delta_c * f
