"""Polynomials that stand for functions: nearly the best ones, made when they are first needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def interpolated(function: Callable[[float], float], degree: int, low: float, high: float) -> tuple[float, ...]:
    """The powers, highest first, of the polynomial that meets a function at the zeros of a Chebyshev polynomial.

    On [low, high] this is nearly the best one of its degree (Trefethen 2013, Approximation theory and approximation
    practice, ch. 16).
    """
    series = np.polynomial.chebyshev.Chebyshev.interpolate(np.vectorize(function), degree, domain=[low, high])
    powers = series.convert(kind=np.polynomial.polynomial.Polynomial, domain=[-1, 1])
    return tuple(float(c) for c in powers.coef[::-1])
