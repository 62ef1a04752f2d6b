"""Random numbers by their places: see `interface.Arithmetic.draw_rows` and `gated.backends.draws`.

    bernoulli(ctx, i, n)    the i-th of n shares of some rows: 1 where a whole number is below a threshold, else 0
    normal(ctx, i, n)       the same, normally distributed

A lane of a vector is a counter, a block of four units. The four numbers that come of it are 64 bits wide, the upper 32
of them 0, as in the reference: so a product of two of them is one instruction. What is normal is made in float64.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import pi
from typing import Any

import llvmlite.ir as ir

from gated.backends.draws import LOW, MULTIPLIERS, ONCE, ROUNDS, WEYL
from gated.backends.native.codegen.ir_tools import (
    I64,
    POINTER,
    JobTable,
    begin,
    loop,
    read,
    share_of,
    splat,
    store_up_to,
)
from gated.backends.native.codegen.vector_math import PRECISIONS, VectorMath
from gated.backends.native.codegen.vectors import DOUBLE
from gated.backends.native.processor import Machine

Value = Any
# `steps`, `sequences`: addresses of a number for each row; the first is 0 for what is drawn once a sequence
# `stride`: numbers from a row to the next; `word`: see `draws.Place`; `low`, `high`: halves of the key
DRAW_JOB = ("steps", "sequences", "rows", "size", "stride", "out", "word", "low", "high")
BERNOULLI_JOB = (*DRAW_JOB, "threshold")
NORMAL_JOB = (*DRAW_JOB, "deviation")


def emit_draws(module: ir.Module, math: VectorMath, machine: Machine) -> None:
    """Add `bernoulli` and `normal` to a module."""
    for name, job in (("bernoulli", BERNOULLI_JOB), ("normal", NORMAL_JOB)):
        _Draw(module, math, machine, name, job).emit()


class _Draw:
    """A kernel in the making. `math`: of what is drawn; `wide`: of float64, with a lane for each counter."""

    def __init__(
        self, module: ir.Module, math: VectorMath, machine: Machine, name: str, fields: tuple[str, ...]
    ) -> None:
        self.math, self.name = math, name
        self.wide = VectorMath(module, PRECISIONS["float64"], machine.width("float64"))
        self.lanes = self.wide.width
        self.b, ctx, self.share, self.shares = begin(module, name)
        self.job = JobTable(self.b, ctx, fields).read(self.b, I64(0))

    def emit(self) -> None:
        b, job, lanes, out = self.b, self.job, self.lanes, self._pointer("out")
        keys = self._keys()
        per_step = b.icmp_signed("!=", job["steps"], I64(0))
        step = b.alloca(I64)
        b.store(I64(ONCE), step)
        word, numbers = splat(b, job["word"], lanes), ir.Constant(self.wide.integer, list(range(lanes)))
        with loop(b, *share_of(b, job["rows"], self.share, self.shares)) as row:
            with b.if_then(per_step):
                b.store(read(b, self._pointer("steps"), row), step)
            sequence = splat(b, read(b, self._pointer("sequences"), row), lanes)
            steps = splat(b, b.load(step, typ=I64), lanes)
            target = b.gep(out, [b.mul(row, job["stride"])], source_etype=self.math.scalar)
            with loop(b, I64(0), job["size"], 4 * lanes) as unit:
                blocks = b.add(numbers, splat(b, b.lshr(unit, I64(2)), lanes))
                values = self._values(self._philox([blocks, sequence, steps, word], keys))
                self._store(values, target, unit)
        b.ret_void()

    def _pointer(self, name: str) -> Value:
        return self.b.inttoptr(self.job[name], POINTER)

    def _keys(self) -> list[tuple[Value, Value]]:
        """Both halves of the key of each round, in all lanes."""
        b, mask = self.b, I64(int(LOW))

        def of_round(name: str, step: int, number: int) -> Value:
            return splat(b, b.and_(b.add(self.job[name], I64(number * step)), mask), self.lanes)

        return [(of_round("low", WEYL[0], k), of_round("high", WEYL[1], k)) for k in range(ROUNDS)]

    def _philox(self, words: list[Value], keys: list[tuple[Value, Value]]) -> list[Value]:
        b, wide = self.b, self.wide
        first, second = map(wide.whole, MULTIPLIERS)
        half, low = wide.whole(32), wide.whole(int(LOW))
        for k0, k1 in keys:
            one, other = b.mul(words[0], first), b.mul(words[2], second)
            words = [
                b.xor(b.xor(b.lshr(other, half), words[1]), k0),
                b.and_(other, low),
                b.xor(b.xor(b.lshr(one, half), words[3]), k1),
                b.and_(one, low),
            ]
        return words

    def _values(self, words: list[Value]) -> list[Value]:
        """What is drawn, from four whole numbers of each block: a vector of the kernel's numbers for each of them."""
        b = self.b
        if self.name == "bernoulli":
            threshold = splat(b, self.job["threshold"], self.lanes)
            kind = ir.VectorType(self.math.scalar, self.lanes)
            one, zero = (ir.Constant(kind, [value] * self.lanes) for value in (1.0, 0.0))
            return [b.select(b.icmp_unsigned("<", word, threshold), one, zero) for word in words]
        pairs = [self._normal(*words[:2]), self._normal(*words[2:])]
        return [value for pair in pairs for value in pair]

    def _normal(self, first: Value, second: Value) -> tuple[Value, Value]:
        """Of Box and Muller, as in `draws.normal`."""
        b, wide = self.b, self.wide
        deviation = splat(b, b.bitcast(self.job["deviation"], DOUBLE), self.lanes)
        log, cos, sin = (wide.emitter(name) for name in ("log", "cos", "sin"))
        first, second = (self._uniform(word) for word in (first, second))
        root = wide.intrinsic(b, "sqrt", b.fmul(wide.constant(-2.0), log(b, first)))
        radius, angle = b.fmul(deviation, root), b.fmul(wide.constant(2.0 * pi), second)
        found = b.fmul(radius, cos(b, angle)), b.fmul(radius, sin(b, angle))
        if self.math.precision.bits == 64:
            return found
        kind = ir.VectorType(self.math.scalar, self.lanes)
        return b.fptrunc(found[0], kind), b.fptrunc(found[1], kind)

    def _uniform(self, word: Value) -> Value:
        """From above 0 to below 1. In the last bits of 2^52 a whole number below it becomes the one that is added."""
        b, wide = self.b, self.wide
        edge = wide.constant(2.0**52)
        number = b.fsub(b.bitcast(b.or_(word, wide.whole(0x433 << 52)), wide.vector), edge)
        return b.fmul(b.fadd(number, wide.constant(0.5)), wide.constant(2.0**-32))

    def _store(self, values: list[Value], target: Value, unit: Value) -> None:
        """Four numbers of each lane, one behind the other; nothing behind the row's last."""
        b, lanes, width = self.b, self.lanes, self.math.width
        one, two, three, four = values
        halves = [_joined(b, one, two, lanes), _joined(b, three, four, lanes)]
        rest = b.sub(self.job["size"], unit)
        for first in range(0, 4 * lanes, width):
            order = [k % 4 * lanes + k // 4 for k in range(first, first + width)]
            piece = b.shuffle_vector(*halves, _indices(order))
            place = b.gep(target, [b.add(unit, I64(first))], source_etype=self.math.scalar)
            store_up_to(b, self.math, piece, place, b.sub(rest, I64(first)))


def _joined(b: ir.IRBuilder, one: Value, other: Value, lanes: int) -> Value:
    """The lanes of two vectors, one behind the other."""
    return b.shuffle_vector(one, other, _indices(range(2 * lanes)))


def _indices(numbers: Iterable[int]) -> ir.Constant:
    own = list(numbers)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(own)), own)
