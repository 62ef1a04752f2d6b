"""The public functions: on a symbol they write an equation, on numbers and NumPy arrays they compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gated.errors import CellError, as_array, describe, wrong, wrong_type
from gated.language.functions import PUBLIC
from gated.language.operations import Elementwise
from gated.language.refusals import place, refuse
from gated.language.symbols import Symbol, apply, lift, number


def array_of(name: str, value: Any) -> np.ndarray[Any, Any]:
    """As NumPy has it, but for whole numbers of more digits than NumPy's have.

    Raises:
        TypeError: it holds no numbers.
    """
    plain = number(value) if isinstance(value, int) and not -(2**63) < value < 2**63 else None
    array = as_array(name, value if plain is None else plain)
    if array.dtype.kind not in "fiuc":
        raise wrong_type(name, describe(value), "symbols, numbers or NumPy arrays")
    return array


def stands_in_equations(value: Any) -> bool:
    return hasattr(type(value), "_as_symbol")


def numbers_of(name: str, values: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    """The arguments of a function that is called on numbers and arrays.

    Raises:
        ArgumentTypeError: one is neither.
    """
    return [array_of(f"{name}()", value) for value in values]


def _public(row: Elementwise) -> Any:
    name = row.name

    def function(*values: Any) -> Any:
        if len(values) != row.arity:
            usage = f": write {row.usage}" if row.usage else ""
            raise CellError(f"{place()}: {name}() takes {row.arity} argument(s), got {len(values)}{usage}")
        if row.branches:
            return _chosen(row, *values)
        if any(map(stands_in_equations, values)):
            return apply(name, *values)
        arrays = numbers_of(name, values)
        fault = row.fault([float(a) if a.ndim == 0 and a.dtype.kind != "c" else None for a in arrays])
        if fault is not None:
            raise wrong(f"{name}()", fault, row.usage)
        return row.numpy(*arrays)[()]

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{row.public} Elementwise, on a symbol in the equations of a cell or on numbers and NumPy arrays."
    )
    return function


def _chosen(row: Elementwise, condition: Any, *branches: Any) -> Any:
    """A choice: by a comparison of the equations, or by truths that are known already."""
    if getattr(condition, "_compares", False):
        return apply(row.name, condition, *branches)
    if stands_in_equations(condition):
        refuse(f"the condition of {row.name} is a vector, expected a comparison: write {row.usage}")
    truths = as_array(f"{row.name}()", condition)
    if any(map(stands_in_equations, branches)):
        if truths.dtype.kind != "b" or truths.ndim:
            refuse(f"the condition of {row.name} is {describe(condition)}, expected a comparison: write {row.usage}")
        chosen: Symbol = lift(branches[0 if truths else 1])
        return chosen
    if truths.dtype.kind != "b":
        raise wrong_type(f"{row.name}()", describe(condition), f"a comparison first: {row.usage}")
    p, q = numbers_of(row.name, branches)
    return np.where(truths, p, q)[()]


WRITTEN: dict[str, Any] = {name: _public(row) for name, row in PUBLIC.items()}
globals().update(WRITTEN)  # a pickle of a function names this module
