"""Clipping a gradient by its global norm (Pascanu, Mikolov & Bengio, 2013, algorithm 1)."""

from __future__ import annotations

import numpy as np

from gated.errors import ArgumentTypeError
from gated.learning.checks import above_zero


def global_norm(gradient: np.ndarray) -> float:
    """The Euclidean norm of all entries together, summed in float64 whatever the dtype.

    NaN or inf in the gradient gives NaN or inf. Finite float64 entries whose squares overflow are
    scaled first, so that the norm of a finite gradient is finite whenever it can be represented.
    """
    with np.errstate(over="ignore"):
        norm = float(np.sqrt(np.sum(np.square(gradient, dtype=np.float64))))
    if not np.isinf(norm):
        return norm
    peak = float(np.max(np.abs(gradient)))
    if np.isinf(peak):
        return peak
    return peak * float(np.sqrt(np.sum(np.square(gradient / peak, dtype=np.float64))))


def clip_by_global_norm(gradient: np.ndarray, max_norm: float) -> float:
    """Scale ``gradient`` in place so that its norm is at most ``max_norm``; returns the norm before.

    A gradient whose norm is within the bound is left as it is, to the bit, and so is one that holds
    NaN or inf: the returned norm tells, and scaling could not repair it.
    """
    limit = above_zero("max_norm", max_norm)
    if not isinstance(gradient, np.ndarray) or gradient.dtype.kind != "f":
        raise ArgumentTypeError(f"gradient: got {_kind(gradient)}, expected an array of floating-point numbers")
    norm = global_norm(gradient)
    if np.isfinite(norm) and norm > limit:
        gradient *= limit / norm
    return norm


def _kind(value: object) -> str:
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
