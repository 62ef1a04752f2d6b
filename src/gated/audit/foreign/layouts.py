"""Where time, sequences and units stand in somebody's arrays.

A layout is the letters of the axes in order: "TND", "NTD", "DNT", "TD", "TDn" (n: an axis of length 1), "ND", "D";
a leading "*" is a list over the first axis; after a bar stand the axes of a state, where they are not those of x.
One without T is one step, one without N is one sequence.
Canonical are x (T, N, D), states (N, H), y (T, N, H).
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

SEQUENCES = ("NTD", "TND", "DNT", "TD", "*TD", "*TDn", "TDn", "*TnD", "*TND", "DT")
MORE_SEQUENCES = ("TDN", "*TDN", "NDT", "TD|Dn", "TD|nD", "DT|Dn")  # rarer ones
STEPS = ("ND", "DN", "D", "Dn", "nD")


def to_theirs(array: Array, layout: str, canonical: str) -> Any:
    """An array whose axes are `canonical` ("TND" or "ND") in their layout; a lost T or N must have length 1."""
    axes, letters = canonical, layout.split("|")[0].lstrip("*")
    for letter in canonical:
        if letter not in letters:
            array = array.take(0, axis=axes.index(letter))
            axes = axes.replace(letter, "")
    kept = letters.replace("n", "")
    array = array.transpose([axes.index(letter) for letter in kept])
    for position, letter in enumerate(letters):
        if letter == "n":
            array = np.expand_dims(array, position)
    array = np.array(array)  # of its own: they may write into it
    return [np.array(part) for part in array] if layout.startswith("*") else array


def from_theirs(value: Any, layout: str, canonical: str, sizes: dict[str, int]) -> Array:
    """The reverse.

    Raises:
        ValueError: its shape is another.
    """
    letters = layout.split("|")[0].lstrip("*")
    array = np.stack([np.asarray(part) for part in value]) if layout.startswith("*") else np.asarray(value)
    expected = tuple(1 if letter == "n" else sizes[letter] for letter in letters)
    if array.shape != expected:
        raise ValueError(f"shape {array.shape}, expected {expected}")
    array = array.reshape([size for size, letter in zip(expected, letters, strict=True) if letter != "n"])
    kept = letters.replace("n", "")
    array = array.transpose([kept.index(letter) for letter in canonical if letter in kept])
    for position, letter in enumerate(canonical):
        if letter not in kept:
            array = np.expand_dims(array, position)
    return array


def state_layout(layout: str) -> str:
    """The layout of a state that goes with that of an input."""
    return layout.split("|")[-1].replace("T", "").lstrip("*")
