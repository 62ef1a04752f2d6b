"""Functions that are made of others: on a symbol they write their equations, on numbers and NumPy arrays they compute.

Values and derivatives, at the kinks too, are those of torch.nn.functional with its defaults; NaN in gives NaN out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gated.errors import CellError
from gated.language.elementwise import WRITTEN, numbers_of, stands_in_equations
from gated.language.functions import COMPOSED
from gated.language.refusals import place
from gated.language.symbols import number

abs, erf, exp, sigmoid, where = (WRITTEN[name] for name in ("abs", "erf", "exp", "sigmoid", "where"))


def hard_sigmoid(x: Any) -> Any:
    """x/6 + 1/2 between -3 and 3, 0 below, 1 above; the derivative is 0 at both ends."""
    x = _operand("hard_sigmoid", x)
    return where(x <= -3, 0.0, where(x >= 3, 1.0, x / 6 + 0.5))


def hard_tanh(x: Any) -> Any:
    """x between -1 and 1, -1 below, 1 above; the derivative is 0 at both ends. (That of clip is 1 there.)"""
    x = _operand("hard_tanh", x)
    return where(x <= -1, -1.0, where(x >= 1, 1.0, x))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha (exp(x) - 1) from 0 down."""
    x, alpha = _operand("elu", x), _plain("elu", "alpha", alpha)
    with np.errstate(over="ignore"):  # in the branch that is not taken
        return where(x > 0, x, alpha * (exp(x) - 1))


def silu(x: Any) -> Any:
    """x sigmoid(x)."""
    x = _operand("silu", x)
    return x * sigmoid(x)


def gelu(x: Any) -> Any:
    """x (1 + erf(x / √2)) / 2."""
    x = _operand("gelu", x)
    return x * (0.5 * (1 + erf(x * math.sqrt(0.5))))


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x above 0, negative_slope x from 0 down."""
    x, slope = _operand("leaky_relu", x), _plain("leaky_relu", "negative_slope", negative_slope)
    return where(x > 0, x, slope * x)


def softsign(x: Any) -> Any:
    """x / (1 + |x|)."""
    x = _operand("softsign", x)
    return x / (1 + abs(x))


def _operand(name: str, x: Any) -> Any:
    return x if stands_in_equations(x) else numbers_of(name, [x])[0]


def _plain(name: str, argument: str, value: Any) -> float:
    plain = number(value)
    if plain is None or not math.isfinite(plain):
        raise CellError(f"{place()}: {name}() takes a plain number as {argument}, got {value!r}")
    return plain


_own: dict[str, Callable[..., Any]] = {name: globals()[name] for name in COMPOSED}
WRITTEN.update(_own)
