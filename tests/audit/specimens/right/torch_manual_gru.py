"""GRU as a Module with a backward method of its own, which fills .grad."""

import torch
from torch import nn


class ManualGRU(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.W_r = nn.Parameter(torch.randn(hidden_size, input_size) * 0.3)
        self.U_r = nn.Parameter(torch.randn(hidden_size, hidden_size) * 0.3)
        self.b_r = nn.Parameter(torch.zeros(hidden_size))
        self.W_z = nn.Parameter(torch.randn(hidden_size, input_size) * 0.3)
        self.U_z = nn.Parameter(torch.randn(hidden_size, hidden_size) * 0.3)
        self.b_z = nn.Parameter(torch.zeros(hidden_size))
        self.W_n = nn.Parameter(torch.randn(hidden_size, input_size) * 0.3)
        self.U_n = nn.Parameter(torch.randn(hidden_size, hidden_size) * 0.3)
        self.b_n = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x, h0):
        # x (T, N, D)
        self.x = x
        self.cache = []
        h = h0
        out = []
        for xt in x:
            r = torch.sigmoid(xt @ self.W_r.T + h @ self.U_r.T + self.b_r)
            z = torch.sigmoid(xt @ self.W_z.T + h @ self.U_z.T + self.b_z)
            u = h @ self.U_n.T
            n = torch.tanh(xt @ self.W_n.T + r * u + self.b_n)
            self.cache.append((h, r, z, u, n))
            h = (1 - z) * n + z * h
            out.append(h)
        return torch.stack(out)

    @torch.no_grad()
    def backward(self, dout):
        for p in self.parameters():
            p.grad = torch.zeros_like(p)
        dx = torch.zeros_like(self.x)
        dh = torch.zeros_like(dout[0])
        for t in range(len(dout) - 1, -1, -1):
            h, r, z, u, n = self.cache[t]
            dh = dh + dout[t]
            da_n = dh * (1 - z) * (1 - n**2)
            da_z = dh * (h - n) * z * (1 - z)
            du = da_n * r
            da_r = da_n * u * r * (1 - r)
            self.W_r.grad += da_r.T @ self.x[t]
            self.U_r.grad += da_r.T @ h
            self.b_r.grad += da_r.sum(0)
            self.W_z.grad += da_z.T @ self.x[t]
            self.U_z.grad += da_z.T @ h
            self.b_z.grad += da_z.sum(0)
            self.W_n.grad += da_n.T @ self.x[t]
            self.U_n.grad += du.T @ h
            self.b_n.grad += da_n.sum(0)
            dx[t] = da_r @ self.W_r + da_z @ self.W_z + da_n @ self.W_n
            dh = dh * z + da_r @ self.U_r + da_z @ self.U_z + du @ self.U_n
        return dx, dh
