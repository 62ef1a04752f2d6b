"""Checks of what learning is given; those of numbers are `gated.number_checks`."""

from __future__ import annotations

import functools
import sys
from types import FunctionType

import numpy as np

from gated.backends import Backend
from gated.errors import ArgumentError, ArgumentTypeError
from gated.nn.parameters import ParameterVector


def vector_of(value: np.ndarray | ParameterVector) -> np.ndarray:
    """All numbers of parameters by name, as `network.backward` gives gradients; anything else as it is."""
    return value.vector if isinstance(value, ParameterVector) else value


def finite_gradient(gradient: np.ndarray, backend: Backend) -> None:
    """Nothing if every entry is finite; else ArgumentError with the first place that is not."""
    if not backend.all_finite(gradient):
        place = int(np.argmin(np.isfinite(gradient)))
        value = gradient.reshape(-1)[place]
        raise ArgumentError(f"gradient: got {value} at entry {place} of {gradient.size}, expected finite numbers")


def nameable(name: str, function: object, instead: str) -> None:
    """Nothing if a pickle can name `function`; else ArgumentTypeError that says what to use `instead`.

    A pickle holds a function as the name of its module and its own: a lambda, or one made inside another, has none.
    What is no function is left to pickle itself.
    """
    while isinstance(function, functools.partial):
        function = function.func
    if not isinstance(function, FunctionType):
        return
    found: object = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is not function:
        called = f"the function {function.__qualname__}"
        raise ArgumentTypeError(f"{name}: got {called}, which a pickle cannot name, expected {instead}")
