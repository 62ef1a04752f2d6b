"""Sequences that begin anew in their midst: a layer whose cell has `resets` as an input more, over the same parameters.

The reverse direction comes from the other side, so it is cut at the same boundary one step later: what begins at step t
has nothing to do with what step t-1 is told.

Legend: T steps, N sequences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gated.errors import as_array, describe, wrong, wrong_type
from gated.language import Cell
from gated.language.resets import with_resets
from gated.nn.packing import Packing

if TYPE_CHECKING:
    from gated.nn.recurrent import Recurrent

Array = np.ndarray[Any, Any]


def cutting(layer: Recurrent) -> Recurrent:
    """The layer with resets as its cell's last input; its parameters are those of the layer, not copies."""
    graph, _ = with_resets(layer.cell.graph)
    twin: Recurrent = type(layer).__new__(type(layer))
    vars(twin).update(vars(layer), cell=Cell(graph), cuts=True)
    twin._plan()
    return twin


def beside(x: Array, resets: Any) -> Array:
    """x (T, N, width) with the resets, (T, N) booleans, as numbers behind it; both orders of the axes will do.

    Raises:
        ArgumentError, ArgumentTypeError: they are no booleans, or of another shape.
    """
    given = as_array("resets", resets)
    if given.dtype.kind != "b":
        raise wrong_type("resets", describe(given if given.ndim else resets), "booleans")
    if given.shape != x.shape[:2]:
        raise wrong("resets", describe(given), f"shape ({x.shape[0]}, {x.shape[1]}), that of x's steps and sequences")
    return np.concatenate([x, given[..., None].astype(x.dtype)], axis=2)


def turned(x: Array, packing: Packing) -> Array:
    """x (T, N, width) for the reverse direction: the resets, its last numbers, one step earlier; none at the ends."""
    found = x.copy()
    found[:-1, :, -1] = x[1:, :, -1]
    found[-1:, :, -1] = 0.0
    if packing.lengths is not None:
        last = np.maximum(packing.lengths, 1) - 1
        found[last, np.arange(x.shape[1]), -1] = 0.0
    return found
