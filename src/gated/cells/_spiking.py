# mypy: disallow-untyped-defs=False
# (a cell is equations, read as data: its arguments are symbols and carry no Python types)
"""Units that spike: 0 or 1, with the gradient of something smooth."""

from __future__ import annotations

from gated.language import cell, hold, sigmoid, where


@cell
def lif(x, s, v, *, W, U, b, decay=0.9, slope=5.0):
    """Leaky integrate-and-fire units: the potential v leaks, a spike s comes where it is above 1 and takes 1 from it.

    Source: E. O. Neftci, H. Mostafa, F. Zenke (2019), Surrogate gradient learning in spiking neural networks, IEEE
    Signal Processing Magazine 36(6), 51-63, eqs. 4 to 6 in their discrete form, with the reset by subtraction; without
    their second, synaptic state.

    The gradient is that of a logistic function of this slope in the place of the step (a surrogate gradient).
    """
    v = decay * v + W.s @ x + U.s @ s + b.s - s
    soft = sigmoid(slope * (v - 1))
    s = hold(where(v > 1, 1, 0) - soft) + soft
    return s, v
