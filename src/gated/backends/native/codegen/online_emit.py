"""An online step as LLVM IR: forward, traces, errors, gradients and the update of the weights, in one function.

`learn(ctx, t0, t1)` runs the steps t0 <= t < t1:

    copy the parameters into panels, if somebody has changed them since the last call
    for each step t
      for each sequence n
        the forward program                                         (blocks of `lowering`)
        if the row has a weight in the loss: its reductions, the errors program, products with transposed matrices, the
        pushes program; then for every parameter the traces move on and its gradient grows, in one pass
        otherwise the traces move on
      if any row had a weight: update the panels, or write the gradient out
    copy the panels back, if they have changed

A gradient that is not finite ends the call before the weights are touched. Sizes are data: `ctx` is the table of
`online_layout`.
"""

from __future__ import annotations

import math
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen import elementary
from gated.backends.native.codegen.ir_tools import I64, POINTER, loop, loop_with, splat
from gated.backends.native.codegen.vector_math import PRECISIONS, VectorMath
from gated.backends.native.processor import Machine
from gated.language.graph import Node, is_constant
from gated.program.lowering import Block, Place, Program
from gated.program.online_layout import StepLayout, new_state
from gated.program.rows import ROW, SEQUENCE, WEIGHTS
from gated.schedule.online_step import LearntParameter

Value = Any


REDUCED = ("logsumexp",)  # the reductions that have machine code


class StepEmitter:
    """Builds the module of one layout."""

    def __init__(self, layout: StepLayout, precision: str, machine: Machine) -> None:
        self.layout, self.plan = layout, layout.plan
        self.module = ir.Module("gated")
        self.math = VectorMath(self.module, PRECISIONS[precision], machine.width(precision))
        self.width, self.vector, self.scalar = self.math.width, self.math.vector, self.math.scalar
        self.bytes = PRECISIONS[precision].bits // 8
        # one number for all units
        self.splats = {layout.places[leaf].name for leaf in (self.plan.weight, *self.plan.sums)}

    def emit(self) -> ir.Module:
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]), "learn")
        ctx, t0, t1 = function.args
        b = self.b = ir.IRBuilder(function.append_basic_block())
        self.table = {
            name: b.load(b.gep(ctx, [I64(i)], source_etype=I64), typ=I64) for name, i in self.layout.table.items()
        }
        self.failed = b.inttoptr(self.table["failed",], POINTER)
        self.learnt, self.changed = b.alloca(I64), b.alloca(I64)
        b.store(I64(0), self.changed)
        with b.if_then(self._differ()):
            for job in self.plan.learnt:
                self._copy(job, ("theta", job.name), ("panel", job.name), to_panel=True)
            self._remember()
        with loop(b, t0, t1) as t, b.if_then(b.icmp_signed("==", b.load(self.failed, typ=I64), I64(0))):
            self._step(t)
        with b.if_then(b.icmp_signed("!=", b.load(self.changed, typ=I64), I64(0))):
            for job in self.plan.learnt:
                self._copy(job, ("theta", job.name), ("panel", job.name), to_panel=False)
            self._remember()
        b.ret_void()
        return self.module

    # one step

    def _step(self, t: Value) -> None:
        b = self.b
        b.store(I64(0), self.learnt)
        with loop(b, I64(0), self.table["sequences",]) as n:
            self._sequence(b.add(b.mul(t, self.table["sequences",]), n), n)
        with b.if_then(b.icmp_signed("!=", b.load(self.learnt, typ=I64), I64(0))):
            self._update(t)

    def _sequence(self, row: Value, n: Value) -> None:
        b, plan = self.b, self.plan
        self.row, self.n = row, n
        forward, errors, pushes = self.layout.programs
        self._program(forward)
        weight = b.load(self._element(self._pointer("weights"), row), typ=self.scalar)
        with b.if_else(b.fcmp_ordered("!=", weight, self.scalar(0.0))) as (then, otherwise):
            with then:
                b.store(weight, self._address(self.layout.places[plan.weight]))
                for leaf, (reduction, operand) in plan.sums.items():
                    b.store(self._reduced(reduction, operand), self._address(self.layout.places[leaf]))
                self._program(errors)
                for node in plan.backs:
                    self._back(node)
                self._program(pushes)
                for job in plan.learnt:
                    self._job(job, learn=True)
                b.store(I64(1), self.learnt)
            with otherwise:
                for job in plan.learnt:
                    if job.traces:
                        self._job(job, learn=False)
        for k, leaf in enumerate(plan.states):
            with self._blocks(leaf.dim) as offset:
                self._store(self._load(new_state(k, leaf), offset), self.layout.places[leaf], offset)

    # the lowered programs

    def _program(self, program: Program) -> None:
        for block in program.blocks:
            with self._blocks(block.dim) as offset:
                self._block(block, offset)

    def _block(self, block: Block, offset: Value) -> None:
        """All loads, the products, the operations, then all stores."""
        b = self.b
        sums: dict[Any, Value] = {g: self.math.constant(0.0) for g in range(len(block.accumulators))}
        for term in block.terms:
            panels = [self._pointer("panel", matrix.name) for matrix in term.panel]
            mine = {g: sums[g] for _, g in term.pairs}
            padded = self._padded(block.dim)
            operand = self._address(term.operand)
            with loop_with(b, I64(0), self.table["size", term.operand.dim], mine) as (c, held):
                v = self._spread(self._element(operand, c))
                at = b.add(b.mul(c, padded), offset)
                for panel, (_, g) in zip(panels, term.pairs, strict=True):
                    held[g] = self.math.fma(b, v, self._vector(self._element(panel, at)), held[g])
            sums.update(mine)
        values: dict[Node, Value] = {node: sums[g] for g, node in enumerate(block.accumulators)}
        for node, (place, *_) in block.loads.items():
            values[node] = self._load(place, offset)
        emitter = self.math.emitters([node.attr for node in block.operations])
        for node in block.operations:
            args = [self.math.constant(arg.attr) if is_constant(arg) else values[arg] for arg in node.args]
            values[node] = emitter(node.attr)(b, *args)
        for node, place in block.stores:
            self._store(self.math.constant(node.attr) if is_constant(node) else values[node], place, offset)

    def _back(self, node: Node) -> None:
        """Mᵀ δ: a sum across lanes for every column, over whole vectors but for the last."""
        b, matrix, operand = self.b, node.attr[0], node.args[0]
        panel, result = self._pointer("panel", matrix.name), self._address(self.layout.places[node])
        size, padded = self.table["size", operand.dim], self._padded(operand.dim)
        with loop(b, I64(0), self.table["size", node.dim]) as c:
            start = self._element(panel, b.mul(c, padded))
            total = {"sum": self.math.constant(0.0)}
            with loop_with(b, I64(0), self.table["blocks", operand.dim], total) as (block, held):
                offset = b.mul(block, I64(self.width))
                weighted = b.fmul(self._vector(self._element(start, offset)), self._operand(operand, offset))
                inside = b.select(self._inside(size, offset), weighted, self.math.constant(0.0))
                held["sum"] = b.fadd(held["sum"], inside)
            b.store(self._across(total["sum"], b.fadd), self._element(result, c))

    def _reduced(self, reduction: str, operand: Node) -> Value:
        """log Σ exp over the units, without overflow."""
        if reduction not in REDUCED:
            raise NotImplementedError(f"no machine code for the reduction {reduction}")
        b, size, low = self.b, self.table["size", operand.dim], self.math.constant(-math.inf)
        largest = {"max": low}
        with loop_with(b, I64(0), self.table["blocks", operand.dim], largest) as (block, held):
            offset = b.mul(block, I64(self.width))
            value = b.select(self._inside(size, offset), self._operand(operand, offset), low)
            held["max"] = b.select(b.fcmp_ordered(">", value, held["max"]), value, held["max"])
        peak = self._across(largest["max"], lambda x, y: b.select(b.fcmp_ordered(">", x, y), x, y))
        shift = splat(b, peak, self.width)
        total = {"sum": self.math.constant(0.0)}
        with loop_with(b, I64(0), self.table["blocks", operand.dim], total) as (block, held):
            offset = b.mul(block, I64(self.width))
            value = elementary.exp(self.math, b, b.fsub(self._operand(operand, offset), shift))
            value = b.select(self._inside(size, offset), value, self.math.constant(0.0))
            held["sum"] = b.fadd(held["sum"], value)
        logarithm = elementary.log(self.math, b, splat(b, self._across(total["sum"], b.fadd), self.width))
        return b.fadd(b.extract_element(logarithm, ir.IntType(32)(0)), peak)

    # traces and gradients

    def _job(self, job: LearntParameter, learn: bool) -> None:
        """One pass over a parameter: its traces, and its gradient if there is an error."""
        b, padded = self.b, self._padded(job.rows)
        columns = I64(1) if job.cols is None else self.table["size", job.cols]
        traces = {k: self._trace(job, k, columns, padded) for k in job.traces}
        gradient = self._pointer("sum", job.name)
        with self._blocks(job.rows) as offset:
            decay = {pair: self._operand(node, offset) for pair, node in job.decay.items()}
            grow = [{k: self._operand(node, offset) for k, node in push.grow.items()} for push in job.pushes]
            reach = {k: self._operand(node, offset) for k, node in job.reach.items()} if learn else {}
            past = {j: self._operand(node, offset) for j, node in job.past.items()} if learn else {}
            delta = [self._operand(push.delta, offset) if learn and _moves(push.delta) else None for push in job.pushes]
            operands = [None if push.operand is None else self._row_of(push.operand) for push in job.pushes]
            with loop(b, I64(0), columns) as c:
                at = b.add(b.mul(c, padded), offset)
                v = [None if row is None else self._spread(self._element(row, c)) for row in operands]
                old = {k: self._vector(self._element(trace, at)) for k, trace in traces.items()}
                new = {}
                for k, trace in traces.items():
                    terms = [(decay[k, j], old[j]) for j in traces if (k, j) in decay]
                    terms += [(own[k], v[i]) for i, own in enumerate(grow) if k in own]
                    new[k] = self._combined(terms)
                    b.store(new[k], self._element(trace, at), align=self.bytes)
                if learn:
                    terms = [(reach[k], new[k]) for k in reach] + [(past[j], old[j]) for j in past]
                    terms += [(own, v[i]) for i, own in enumerate(delta) if own is not None]
                    place = self._element(gradient, at)
                    b.store(b.fadd(self._vector(place), self._combined(terms)), place, align=self.bytes)

    def _combined(self, terms: list[tuple[Value, Value | None]]) -> Value:
        """Σ a v, where v may be 1 (None)."""
        total = None
        for a, v in terms:
            if total is None:
                total = a if v is None else self.b.fmul(a, v)
            else:
                total = self.b.fadd(total, a) if v is None else self.math.fma(self.b, a, v, total)
        return self.math.constant(0.0) if total is None else total

    def _trace(self, job: LearntParameter, k: int, columns: Value, padded: Value) -> Value:
        start = self.b.mul(self.n, self.b.mul(columns, padded))
        return self._element(self._pointer("trace", job.name, str(k)), start)

    # the weights

    def _update(self, t: Value) -> None:
        b = self.b
        with b.if_else(b.icmp_signed("!=", self.table["fused",], I64(0))) as (then, otherwise):
            with then:
                poison = {"sum": self.math.constant(0.0)}
                for job in self.plan.learnt:
                    # 0 times a number that is not finite is NaN
                    self._over(job, poison, lambda g, held: b.fadd(held, b.fmul(g, self.math.constant(0.0))))
                total = self._across(poison["sum"], b.fadd)
                with b.if_else(b.fcmp_unordered("uno", total, total)) as (bad, good):
                    with bad:
                        b.store(b.add(t, I64(1)), self.failed)
                    with good:
                        b.store(I64(1), self.changed)
                        rate = self._spread(self._element(self._pointer("rates"), t))
                        for job in self.plan.learnt:
                            self._descend(job, rate)
            with otherwise:
                for job in self.plan.learnt:
                    self._copy(job, ("gradient", job.name), ("sum", job.name), to_panel=False)
        for job in self.plan.learnt:
            gradient = self._pointer("sum", job.name)
            with self._vectors(job) as offset:
                b.store(self.math.constant(0.0), self._element(gradient, offset), align=self.bytes)

    def _over(self, job: LearntParameter, carried: dict[str, Value], combine: Any) -> None:
        """Combine all vectors of a gradient. What lies beyond the units is not part of it."""
        b, gradient, padded = self.b, self._pointer("sum", job.name), self._padded(job.rows)
        columns = I64(1) if job.cols is None else self.table["size", job.cols]
        blocks = self.table["blocks", job.rows]
        with loop_with(b, I64(0), columns, carried) as (c, outer), loop_with(b, I64(0), blocks, outer) as (block, held):
            offset = b.mul(block, I64(self.width))
            g = self._vector(self._element(gradient, b.add(b.mul(c, padded), offset)))
            inside = self._inside(self.table["size", job.rows], offset)
            held["sum"] = combine(b.select(inside, g, self.math.constant(0.0)), held["sum"])

    def _descend(self, job: LearntParameter, rate: Value) -> None:
        b, gradient, panel = self.b, self._pointer("sum", job.name), self._pointer("panel", job.name)
        with self._vectors(job) as offset:
            place = self._element(panel, offset)
            step = b.fmul(self._vector(self._element(gradient, offset)), rate)
            b.store(b.fsub(self._vector(place), step), place, align=self.bytes)

    def _differ(self) -> Value:
        """Whether a bit of the parameters differs from what the last call left."""
        b = self.b
        integer = ir.IntType(8 * self.bytes)
        theta, shadow = self._pointer("theta"), self._pointer("shadow")
        found: dict[str, Value] = {"bits": integer(0)}
        with loop_with(b, I64(0), self.table["numbers",], found) as (i, held):
            one, other = (b.load(b.gep(p, [i], source_etype=integer), typ=integer) for p in (theta, shadow))
            held["bits"] = b.or_(held["bits"], b.xor(one, other))
        return b.icmp_signed("!=", found["bits"], integer(0))

    def _remember(self) -> None:
        b, theta, shadow = self.b, self._pointer("theta"), self._pointer("shadow")
        with loop(b, I64(0), self.table["numbers",]) as i:
            b.store(b.load(self._element(theta, i), typ=self.scalar), self._element(shadow, i))

    def _copy(self, job: LearntParameter, rows: tuple[str, str], columns: tuple[str, str], to_panel: bool) -> None:
        """Between a (rows, cols) array and columns with room for whole vectors."""
        b, padded = self.b, self._padded(job.rows)
        count = I64(1) if job.cols is None else self.table["size", job.cols]
        array, panel = self._pointer(*rows), self._pointer(*columns)
        with loop(b, I64(0), self.table["size", job.rows]) as r, loop(b, I64(0), count) as c:
            flat = self._element(array, b.add(b.mul(r, count), c))
            own = self._element(panel, b.add(b.mul(c, padded), r))
            source, target = (flat, own) if to_panel else (own, flat)
            b.store(b.load(source, typ=self.scalar), target)

    # small pieces

    def _blocks(self, dim: str) -> Any:
        """A loop over the vectors of a row, by the offset of the first unit."""
        return loop(self.b, I64(0), self._padded(dim), self.width)

    def _vectors(self, job: LearntParameter) -> Any:
        columns = I64(1) if job.cols is None else self.table["size", job.cols]
        return loop(self.b, I64(0), self.b.mul(columns, self._padded(job.rows)), self.width)

    def _padded(self, dim: str) -> Value:
        return self.b.mul(self.table["blocks", dim], I64(self.width))

    def _pointer(self, *name: str) -> Value:
        return self.b.inttoptr(self.table[name], POINTER)

    def _element(self, base: Value, index: Value) -> Value:
        return self.b.gep(base, [index], source_etype=self.scalar)

    def _vector(self, address: Value) -> Value:
        return self.b.load(address, typ=self.vector, align=self.bytes)

    def _spread(self, address: Value) -> Value:
        return splat(self.b, self.b.load(address, typ=self.scalar), self.width)

    def _address(self, place: Place) -> Value:
        """Where the row of a place begins for this step and sequence."""
        if place.rows == WEIGHTS:
            return self._pointer("panel", place.name)
        base = self._pointer("row", place.name)
        if place.rows == ROW:
            return self._element(base, self.b.mul(self.row, self._padded(place.dim)))
        if place.rows == SEQUENCE and not place.scratch:
            return self._element(base, self.b.mul(self.n, self._padded(place.dim)))
        return base

    def _load(self, place: Place, offset: Value) -> Value:
        if place.name in self.splats:
            return self._spread(self._address(place))
        return self._vector(self._element(self._address(place), offset))

    def _store(self, value: Value, place: Place, offset: Value) -> None:
        self.b.store(value, self._element(self._address(place), offset), align=self.bytes)

    def _operand(self, node: Node, offset: Value) -> Value:
        """A vector of a node's units."""
        return self.math.constant(node.attr) if is_constant(node) else self._load(self.layout.places[node], offset)

    def _row_of(self, node: Node) -> Value:
        return self._address(self.layout.places[node])

    def _inside(self, size: Value, offset: Value) -> Value:
        lanes = ir.Constant(ir.VectorType(I64, self.width), list(range(self.width)))
        return self.b.icmp_signed("<", lanes, splat(self.b, self.b.sub(size, offset), self.width))

    def _across(self, vector: Value, combine: Any) -> Value:
        """One number from all lanes, by halves."""
        width, lane = self.width, ir.IntType(32)
        while width > 1:
            width //= 2
            mask = ir.Constant(ir.VectorType(lane, self.width), [(i + width) % self.width for i in range(self.width)])
            vector = combine(vector, self.b.shuffle_vector(vector, vector, mask))
        return self.b.extract_element(vector, lane(0))


def _moves(node: Node) -> bool:
    return not is_constant(node, 0.0)
