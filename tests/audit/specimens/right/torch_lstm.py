"""LSTM step as a torch.autograd.Function."""

import torch


class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, h, c, W, U, b):
        a = x @ W.t() + h @ U.t() + b
        i, f, g, o = a.chunk(4, dim=1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        new_c = f * c + i * g
        ctx.save_for_backward(x, h, c, W, U, i, f, g, o, new_c)
        return o * new_c.tanh(), new_c

    @staticmethod
    def backward(ctx, dh, dc):
        x, h, c, W, U, i, f, g, o, new_c = ctx.saved_tensors
        tc = new_c.tanh()
        dc = dc + dh * o * (1 - tc**2)
        da = torch.cat((dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * tc * o * (1 - o)), 1)
        return da @ W, da @ U, dc * f, da.t() @ x, da.t() @ h, da.sum(0)
