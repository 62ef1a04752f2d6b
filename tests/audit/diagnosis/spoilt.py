"""Backward passes with faults: the derived program of a cell, edited as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

import gated
from gated.language.cell import Cell


@cache
def program(cell: Cell) -> str:
    return cell.derive(format="numpy")


def spoilt(cell: Cell, *edits: tuple[str, str]) -> Callable[..., Mapping[str, Any]]:
    """The derived backward pass with each (right, wrong) text exchanged, as the diagnosis wants to call it."""
    source = program(cell)
    for right, wrong in edits:
        assert source.count(right) == 1, f"{right!r} is {source.count(right)} times in the program of {cell.name}"
        source = source.replace(right, wrong)
    space: dict[str, Any] = {}
    exec(source, space)
    (name,) = re.findall(r"def (\w+)\(x, states", source)
    call = space[name]

    def mine(parameters: Any, x: Any, states: Any, dy: Any) -> Mapping[str, Any]:
        _, _, dx, starts, gradients = call(x, states, parameters, dy, [np.zeros_like(s) for s in states])
        return {**gradients, "x": dx, **dict(zip(cell.states, starts, strict=True))}

    return mine


CELLS: dict[str, Cell] = {
    name: getattr(gated.cells, name) for name in ("lstm", "peephole_lstm", "gru", "gru_reset_after", "rnn")
}
