"""JSON that comes back as it was written: values are checked before the text is made, and text is read strictly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.errors import ArgumentError, describe, shown

DEEPEST = 100  # lists and objects within each other; readers go deeper, but how deep depends on who calls them
BITS = 10_000  # of a whole number; Python reads no more than 4,300 digits


def to_text(name: str, value: Any, indent: int | None = None) -> str:
    """`value` as JSON. NumPy's numbers become plain ones, tuples lists.

    Raises ArgumentError, which names the place in `value` behind `name`, for what JSON has no word for (arrays,
    NaN, keys that are no texts) or no reader takes.
    """
    return json.dumps(_plain(name, value, 0), allow_nan=False, indent=indent)


def from_text(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for anything else, NaN and numbers beyond float64 among them."""
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("lists or objects nested too deeply") from None


def _plain(place: str, value: Any, depth: int) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and value.bit_length() <= BITS:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (Mapping, list, tuple)) and depth < DEEPEST:
        if not isinstance(value, Mapping):
            return [_plain(f"{place}[{i}]", item, depth + 1) for i, item in enumerate(value)]
        for key in value:
            if not isinstance(key, str):
                raise ArgumentError(f"{shown(place)}: got the key {describe(key)}, expected texts as keys")
        return {key: _plain(f"{place}[{shown(key, 40)!r}]", item, depth + 1) for key, item in value.items()}
    raise ArgumentError(f"{shown(place)}: got {_came(value)}, expected a value that JSON can hold: {EXPECTED}")


EXPECTED = "None, True, False, finite numbers, texts, lists and dicts of these"


def _came(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        return f"more than {DEEPEST} lists or dicts within each other"
    if isinstance(value, int):
        return f"a whole number of {value.bit_length()} bits"
    return describe(value)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {shown(digits, 30)} is too large")
    return number
