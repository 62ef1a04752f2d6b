"""Clipping a gradient by its global norm (Pascanu, Mikolov & Bengio, 2013, algorithm 1)."""

from __future__ import annotations

import numpy as np

from gated.backends import Backend, default_backend
from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning.rules.option_checks import finite_gradient, vector_of
from gated.nn.parameters import ParameterVector
from gated.number_checks import above_zero


def global_norm(gradient: np.ndarray | ParameterVector) -> float:
    """The Euclidean norm of all entries together, summed in float64 whatever the dtype.

    NaN or inf in the gradient gives NaN or inf. Finite float64 entries whose squares overflow are
    scaled first, so that the norm of a finite gradient is finite whenever it can be represented.
    """
    return default_backend().norm(vector_of(gradient))


def clip_by_global_norm(gradient: np.ndarray | ParameterVector, max_norm: float) -> float:
    """Scale a gradient in place so that its norm is not above a bound.

    Args:
        gradient: one whose norm is within the bound is left as it is, to the bit.
        max_norm: the bound.

    Returns:
        the norm before.

    Raises:
        ArgumentError: NaN or inf in the gradient, which no scaling could repair; nothing is changed then.
    """
    limit, gradient = above_zero("max_norm", max_norm), vector_of(gradient)
    if not isinstance(gradient, np.ndarray) or isinstance(gradient, np.ma.MaskedArray) or gradient.dtype.kind != "f":
        raise ArgumentTypeError(f"gradient: got {_kind(gradient)}, expected an array of floating-point numbers")
    if not gradient.flags.writeable:
        raise ArgumentError("gradient: got an array that is read-only, expected one that can be scaled in place")
    norm = clipped(gradient, limit, default_backend())
    if not np.isfinite(norm):
        finite_gradient(gradient, default_backend())
        raise ArgumentError("gradient: got numbers too large for a norm, expected a finite norm")
    return norm


def clipped(gradient: np.ndarray, limit: float, backend: Backend) -> float:
    """`clip_by_global_norm` without its checks: one with NaN or inf is left as it is, and the norm tells."""
    norm = backend.norm(gradient)
    if np.isfinite(norm) and norm > limit:
        backend.scale(gradient, limit / norm)
    return norm


def _kind(value: object) -> str:
    if isinstance(value, np.ma.MaskedArray):
        return "a masked array"
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
