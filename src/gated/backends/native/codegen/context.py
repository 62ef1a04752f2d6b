"""The table of 64-bit numbers from which the machine code of a program reads all that is data: sizes and addresses."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import POINTER, read
from gated.program.lowering import Program
from gated.program.rows import BY_STEP

Value = Any


class ContextTable:
    """Where in `ctx` each number lies."""

    FIXED: tuple[Any, ...] = ("steps", "counts", *(kind.name for kind in BY_STEP), "team", "share", "shares")

    def __init__(self, program: Program) -> None:
        names: list[Any] = list(self.FIXED)
        dims = dict.fromkeys([block.dim for block in program.blocks] + [place.dim for place in program.places])
        dims |= dict.fromkeys(place.over for place in program.places if place.over is not None)
        self.dims = list(dims)
        # the length of a dimension; the first of its column blocks that are this thread's, and where they end
        names += [(field, dim) for field in ("size", "from", "to") for dim in dims]
        names += [("base", place) for place in program.places] + [("stride", place) for place in program.places]
        # side by side, so that the code can loop over the terms of a block
        for field in ("operand", "operand stride", "panel"):
            names += [(field, i) for i in range(len(program.panels))]
        # where the sums of a block are kept between two pieces of its operand; 0 if that is taken in one
        names += [("sums", i) for i in program.in_pieces]
        # from one column of a matrix to the next; at which step the time loop has ended, counted from 1; what is called
        names += [("step", place) for place in program.places if place.over is not None]
        names += ["ended", "call"] if program.single else []
        self.index = {name: i for i, name in enumerate(names)}

    def __len__(self) -> int:
        return len(self.index)

    def number(self, b: ir.IRBuilder, ctx: Value, name: Any) -> Value:
        """Code that reads a number of the table at `ctx`."""
        return read(b, ctx, self.index[name])

    def pointer(self, b: ir.IRBuilder, ctx: Value, name: Any) -> Value:
        """Code that reads an address."""
        return b.inttoptr(self.number(b, ctx, name), POINTER)
