"""The public functions: on a symbol they write an equation, on numbers and NumPy arrays they compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.errors import CellError, as_array, describe, wrong_type
from gated.language.functions import PUBLIC
from gated.language.operations import Elementwise
from gated.language.refusals import place
from gated.language.symbols import apply, number


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


def _public(row: Elementwise) -> Any:
    name = row.name

    def function(*values: Any) -> Any:
        if len(values) != row.arity:
            raise CellError(f"{place()}: {name}() takes {row.arity} argument(s), got {len(values)}")
        if any(hasattr(type(value), "_as_symbol") for value in values):
            return apply(name, *values)
        return row.numpy(*(array_of(f"{name}()", value) for value in values))[()]

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{row.public} Elementwise, on a symbol in the equations of a cell or on numbers and NumPy arrays."
    )
    return function


WRITTEN: dict[str, Any] = {name: _public(row) for name, row in PUBLIC.items()}
globals().update(WRITTEN)  # a pickle of a function names this module
