# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""The recurrent networks whose recurrent matrix is antisymmetric: what they remember neither grows nor dies away."""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh


@cell
def antisymmetric_rnn(x, h, *, W, U, b, eps=0.1, gamma=0.01):
    """Antisymmetric RNN: steps of length eps along an equation whose matrix, U − Uᵀ − gamma I, is stable.

    Source: B. Chang, M. Chen, E. Haber, E. H. Chi (2019), AntisymmetricRNN: a dynamical system view on recurrent neural
    networks, ICLR.
    """
    h = h + eps * tanh((U.h - U.h.T) @ h - gamma * h + W.h @ x + b.h)
    return h


@cell
def gated_antisymmetric_rnn(x, h, *, W, U, b, eps=0.1, gamma=0.01):
    """Antisymmetric RNN with an input gate, which sees the past through the same matrix.

    Source: B. Chang, M. Chen, E. Haber, E. H. Chi (2019), AntisymmetricRNN: a dynamical system view on recurrent neural
    networks, ICLR.
    """
    v = (U.h - U.h.T) @ h - gamma * h
    z = sigmoid(v + W.z @ x + b.z)
    h = h + eps * z * tanh(v + W.h @ x + b.h)
    return h
