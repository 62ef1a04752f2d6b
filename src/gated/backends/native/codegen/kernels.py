"""Micro-kernels: a few rows of an operand times a packed matrix, the sums in registers.

One function for each shape, shared by all blocks of a module that need it. The panel of a column block holds, for
every k, one vector per matrix (`panels` makes it), so that one pass over k yields all gates of these columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import I1, I64, POINTER, loop_with, splat
from gated.backends.native.codegen.vector_math import VectorMath
from gated.backends.native.processor import Machine
from gated.backends.native.tuning import tuning_for

Value = Any


@dataclass(frozen=True)
class Shape:
    """What the code of a micro-kernel depends on.

    Attributes:
        total: accumulators of the block for each row and column block.
        positions: those among them that this product feeds.
        rows, chunk: rows of the operand, and column blocks, taken at once.
    """

    total: int
    positions: tuple[int, ...]
    rows: int
    chunk: int


def merit(rows: int, vectors: int, machine: Machine) -> float:
    """Multiply-adds per load of a tile; negative if it does not fit into the registers.

    A vector counts twice: it comes from the second-level cache, the numbers of a row from the first.
    """
    fits = rows * vectors + vectors + 1 <= machine.registers
    return rows * vectors / (rows + 2 * vectors) if fits else -float(rows * vectors)


def best_chunk(gates: int, rows: int, machine: Machine) -> int:
    """Column blocks taken at once: few rows leave registers free, which hide the latency of the multiply-add."""
    return max(tuning_for(machine).chunks, key=lambda chunk: merit(rows, chunk * gates, machine))


def best_rows(gates: int, machine: Machine) -> int:
    """Rows of the tile with the most merit."""
    tiles = range(1, tuning_for(machine).largest_tile + 1)
    return max(tiles, key=lambda rows: merit(rows, best_chunk(gates, rows, machine) * gates, machine))


class Kernels:
    """The micro-kernels of one module, made when first asked for."""

    def __init__(self, module: ir.Module, math: VectorMath, machine: Machine) -> None:
        self.module, self.math, self.machine = module, math, machine
        self.made: dict[Shape, ir.Function] = {}

    def kernel(self, shape: Shape) -> ir.Function:
        """kernel(operand, stride, panel, panel stride, k, registers, fresh)

        registers[row, column block, accumulator] += Σ_k operand[row, k] · panel[column block, k]; with `fresh` they
        start from zero. Strides count numbers, not bytes.
        """
        if shape not in self.made:
            self.made[shape] = self._emit(shape)
        return self.made[shape]

    def _emit(self, shape: Shape) -> ir.Function:
        kinds = [POINTER, I64, POINTER, I64, I64, POINTER, I1]
        name = f"kernel{len(self.made)}"
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        operand, stride, panel, panel_stride, count, registers, fresh = function.args
        b = ir.IRBuilder(function.append_basic_block())
        keys = [(r, c, g) for r in range(shape.rows) for c in range(shape.chunk) for g in shape.positions]
        addresses = {
            (r, c, g): b.gep(registers, [I64((r * shape.chunk + c) * shape.total + g)], source_etype=self.math.vector)
            for r, c, g in keys
        }
        sums = self._start(b, addresses, fresh)
        rows = [b.gep(operand, [b.mul(stride, I64(r))], source_etype=self.math.scalar) for r in range(shape.rows)]
        panels = [
            b.gep(panel, [b.mul(panel_stride, I64(c))], source_etype=self.math.scalar) for c in range(shape.chunk)
        ]
        with loop_with(b, I64(0), count, sums) as (k, new):
            offset = b.mul(k, I64(len(shape.positions) * self.math.width))
            weights: dict[tuple[int, int], list[Value]] = {}
            for c, start in enumerate(panels):
                for position, g in enumerate(shape.positions):
                    address = b.add(offset, I64(position * self.math.width))
                    weights.setdefault((c, g), []).append(b.gep(start, [address], source_etype=self.math.scalar))
            multiply_add(b, self.math, rows, k, weights, new)
        for key, address in addresses.items():
            b.store(sums[key], address, align=self.machine.vector_bytes)
        b.ret_void()
        return function

    def _start(self, b: ir.IRBuilder, addresses: dict[Any, Value], fresh: Value) -> dict[Any, Value]:
        """The accumulators' first values: zero, or what the registers hold."""
        entry = b.block
        held, go = b.append_basic_block(), b.append_basic_block()
        b.cbranch(fresh, go, held)
        b.position_at_end(held)
        loaded = {
            key: b.load(address, typ=self.math.vector, align=self.machine.vector_bytes)
            for key, address in addresses.items()
        }
        b.branch(go)
        b.position_at_end(go)
        sums = {}
        for key, value in loaded.items():
            sums[key] = b.phi(self.math.vector)
            sums[key].add_incoming(self.math.constant(0.0), entry)
            sums[key].add_incoming(value, held)
        return sums


def multiply_add(
    b: ir.IRBuilder,
    math: VectorMath,
    rows: list[Value],
    k: Value,
    weights: dict[tuple[int, int], list[Value]],
    sums: Any,
) -> None:
    """sums[r, c, g] += rows[r][k] · the vectors at weights[c, g]: of two matrices that feed one sum in their order."""
    size = math.precision.bits // 8
    vectors = {
        key: [b.load(address, typ=math.vector, align=size) for address in addresses]
        for key, addresses in weights.items()
    }
    for r, row in enumerate(rows):
        scalar = b.load(b.gep(row, [k], source_etype=math.scalar), typ=math.scalar)
        spread = splat(b, scalar, math.width)
        for (c, g), own in vectors.items():
            for vector in own:
                sums[r, c, g] = math.fma(b, spread, vector, sums[r, c, g])
