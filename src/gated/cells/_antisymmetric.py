# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""The recurrent networks whose recurrent matrix is antisymmetric: what they remember neither grows nor dies away."""

from __future__ import annotations

from gated.language import cell, sigmoid, tanh

STEP = 0.1  # ε, of the differential equation that the network goes through
DIFFUSION = 0.01  # γ, which keeps that on the stable side


@cell
def antisymmetric_rnn(x, h, *, W, U, b):
    """Antisymmetric RNN, with ε = 0.1 and γ = 0.01: (U − Uᵀ − γ I) has no eigenvalue that moves h away or to rest.

    Source: B. Chang, M. Chen, E. Haber, E. H. Chi (2019), AntisymmetricRNN: a dynamical system view on recurrent neural
    networks, ICLR.
    """
    h = h + STEP * tanh((U.h - U.h.T) @ h - DIFFUSION * h + W.h @ x + b.h)
    return h


@cell
def gated_antisymmetric_rnn(x, h, *, W, U, b):
    """Antisymmetric RNN with an input gate, which sees the past through the same matrix.

    Source: B. Chang, M. Chen, E. Haber, E. H. Chi (2019), AntisymmetricRNN: a dynamical system view on recurrent neural
    networks, ICLR.
    """
    v = (U.h - U.h.T) @ h - DIFFUSION * h
    z = sigmoid(v + W.z @ x + b.z)
    h = h + STEP * z * tanh(v + W.h @ x + b.h)
    return h
