"""GRU over a whole sequence as a torch.autograd.Function."""

import torch
from torch.autograd import Function


class GRUSeq(Function):
    @staticmethod
    def forward(ctx, seq, w, u, b):
        B, T, D = seq.size()
        H = u.size(1)
        h = torch.zeros(B, H)
        outs, zs, rs, ns = [], [], [], []
        for t in range(T):
            xz, xr, xn = (seq[:, t] @ w.t() + b).chunk(3, 1)
            uz, ur, un = u.chunk(3, 0)
            z = torch.sigmoid(xz + h @ uz.t())
            r = torch.sigmoid(xr + h @ ur.t())
            n = torch.tanh(xn + (r * h) @ un.t())
            zs.append(z)
            rs.append(r)
            ns.append(n)
            h = z * h + (1 - z) * n
            outs.append(h)
        out = torch.stack(outs, 1)
        ctx.save_for_backward(seq, w, u, out, torch.stack(zs, 1), torch.stack(rs, 1), torch.stack(ns, 1))
        return out

    @staticmethod
    def backward(ctx, grad_output):
        seq, w, u, out, zs, rs, ns = ctx.saved_tensors
        B, T, D = seq.size()
        H = u.size(1)
        uz, ur, un = u.chunk(3, 0)
        gw, gu, gb = torch.zeros_like(w), torch.zeros_like(u), torch.zeros(3 * H)
        gx = torch.zeros_like(seq)
        gh = torch.zeros(B, H)
        for t in reversed(range(T)):
            z, r, n = zs[:, t], rs[:, t], ns[:, t]
            hp = out[:, t - 1] if t > 0 else torch.zeros(B, H)
            gh = gh + grad_output[:, t]
            gn = gh * (1 - z) * (1 - n * n)
            gz = gh * (hp - n) * z * (1 - z)
            grh = gn @ un
            gr = grh * hp * r * (1 - r)
            ga = torch.cat([gz, gr, gn], 1)
            gw += ga.t() @ seq[:, t]
            gu += torch.cat([gz.t() @ hp, gr.t() @ hp, gn.t() @ (r * hp)], 0)
            gb += ga.sum(0)
            gx[:, t] = ga @ w
            gh = gh * z + grh * r + gz @ uz + gr @ ur
        return gx, gw, gu, gb
