"""The programs of a schedule as machine code, compiled once. See `gated.program.time_loops` and `maps`.

`CommonCode` has what does not depend on the cell, `VectorCode` what belongs to none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.draws import emit_draws
from gated.backends.native.codegen.emit import ContextTable, Module
from gated.backends.native.codegen.gradient_kernels import emit_gradients
from gated.backends.native.codegen.moves import emit_fill, emit_move
from gated.backends.native.codegen.panels import emit_pack
from gated.backends.native.codegen.picks import emit_pick
from gated.backends.native.codegen.renewal import emit_renewal
from gated.backends.native.codegen.settling import emit_settle
from gated.backends.native.codegen.step_updates import emit_turn
from gated.backends.native.codegen.table_rows import emit_table_rows
from gated.backends.native.codegen.update_rules import KERNELS, emit_updates
from gated.backends.native.codegen.vector_math import PRECISIONS, VectorMath
from gated.backends.native.codegen.vectors import ADD, MULTIPLY, SCALE, emit_elementwise, emit_sums
from gated.backends.native.machine.fingerprint import fingerprint
from gated.backends.native.machine.target import Compiled, host
from gated.backends.native.tuning import tuning_for
from gated.language.graph import Matrix, Node
from gated.lru import Lru
from gated.program.layout import Layout
from gated.program.lowering import Place, Program
from gated.program.maps import LossPrograms, MapPrograms, loss_programs, map_programs
from gated.program.online import OnlinePrograms, online_programs
from gated.program.time_loops import BACKWARDS, inference_programs, training_programs
from gated.schedule import CellSchedule
from gated.schedule.online_step import StepPlan


@dataclass(frozen=True, eq=False)
class CompiledProgram:
    """One compiled program: its table, function and the function's address."""

    program: Program
    table: ContextTable
    run: Callable[[int, int, int], None]
    address: int
    code: Compiled  # held: the function lives as long as its module

    @cached_property
    def operands(self) -> dict[Place, list[int]]:
        """Place -> the terms (numbered as the panels) of which it is the operand; of a single sequence, it has none."""
        found: dict[Place, list[int]] = {}
        terms = [] if self.program.single else [term for block in self.program.blocks for term in block.terms]
        for number, term in enumerate(terms):
            found.setdefault(term.operand, []).append(number)
        return found


@dataclass(frozen=True, eq=False)
class TrainingCode:
    """Forward and backward, compiled for one schedule and dtype."""

    layout: Layout
    before: CompiledProgram | None
    forward: CompiledProgram
    backward: CompiledProgram
    after: CompiledProgram | None
    groups: dict[Node, list[tuple[Node, Matrix]]]  # operand -> the (δ, matrix) pairs that multiply it


@dataclass(frozen=True, eq=False)
class InferenceCode:
    """Forward without a tape, compiled for one schedule and dtype."""

    layout: Layout
    infer: CompiledProgram
    before: CompiledProgram | None
    scan: CompiledProgram


@dataclass(frozen=True, eq=False)
class OnlineCode:
    """A step of online learning, compiled for one plan and dtype."""

    lowered: OnlinePrograms
    learn: CompiledProgram
    clear: CompiledProgram | None


@dataclass(frozen=True, eq=False)
class MapCode:
    """A function without states and its derivative, compiled for one schedule and dtype."""

    lowered: MapPrograms
    forward: CompiledProgram
    backward: CompiledProgram


@dataclass(frozen=True, eq=False)
class LossCode:
    """A loss, compiled for one schedule, kind of target and dtype."""

    lowered: LossPrograms
    loss: CompiledProgram


@dataclass(frozen=True, eq=False)
class CommonCode:
    """What all cells share: addresses of functions (table, share, shares)."""

    pack: int
    unpack: int
    compare: int
    copy: int
    renew: int
    seal: int
    move: int
    matrix_gradients: int
    vector_gradients: int
    settle: int
    fill: int
    code: Compiled

    @cached_property
    def filler(self) -> Callable[..., None]:
        """`fill` as a function."""
        return self.code.function("fill")


@dataclass(frozen=True, eq=False)
class VectorCode:
    """What is done with whole vectors and tables: functions (table, share, shares) by name, and their addresses."""

    addresses: dict[str, int]
    code: Compiled


def _training(schedule: CellSchedule, dtype: str) -> TrainingCode:
    lowered = training_programs(schedule)
    code = _compiled("training", dtype, lowered.programs)
    before, after = code.get("before"), code.get("after")
    return TrainingCode(lowered.layout, before, code["forward"], code["backward"], after, lowered.groups)


def _inference(schedule: CellSchedule, dtype: str) -> InferenceCode:
    lowered = inference_programs(schedule)
    code = _compiled("inference", dtype, lowered.programs)
    return InferenceCode(lowered.layout, code["infer"], code.get("before"), code["scan"])


def _online(plan: StepPlan, dtype: str) -> OnlineCode:
    lowered = online_programs(plan, tuning_for(host().machine).online_rows)
    code = _compiled("online", dtype, lowered.programs)
    return OnlineCode(lowered, code["learn"], code.get("clear"))


def _mapping(schedule: CellSchedule, dtype: str) -> MapCode:
    lowered = map_programs(schedule)
    code = _compiled("map", dtype, lowered.programs)
    return MapCode(lowered, code["forward"], code["backward"])


def _loss(one_hot: bool, schedule: CellSchedule, dtype: str) -> LossCode:
    lowered = loss_programs(schedule, one_hot)
    return LossCode(lowered, _compiled("loss", dtype, lowered.programs)["loss"])


def _compiled(kind: str, dtype: str, programs: dict[str, Program]) -> dict[str, CompiledProgram]:
    """All programs of one kind in one module; one that has nothing to do is left out."""
    programs = {name: program for name, program in programs.items() if program.blocks}

    def build() -> ir.Module:
        module = Module(dtype, host().machine)
        for name, program in programs.items():
            module.add(name, program, reverse=name in BACKWARDS)
        return module.module

    # the key is made from the programs, whose tables the code reads, and not from what they were derived from
    code = Compiled.cached(fingerprint(kind, dtype, programs), build)
    return {
        name: CompiledProgram(program, ContextTable(program), code.function(name), code.address(name), code)
        for name, program in programs.items()
    }


def _common(dtype: str) -> CommonCode:
    def build() -> ir.Module:
        module = ir.Module("common")
        math = VectorMath(module, PRECISIONS[dtype], host().machine.width(dtype))
        emit_pack(module, math)
        emit_renewal(module, math)
        emit_move(module, math)
        emit_fill(module)
        emit_gradients(module, math, host().machine)
        emit_settle(module, math)
        return module

    code = Compiled.cached(f"common {dtype}", build)
    names = [field.name for field in fields(CommonCode) if field.name != "code"]
    return CommonCode(**{name: code.address(name) for name in names}, code=code)


def _vectors(dtype: str) -> VectorCode:
    machine = host().machine

    def build() -> ir.Module:
        module = ir.Module("vectors")
        math = VectorMath(module, PRECISIONS[dtype], machine.width(dtype))
        emit_updates(module, math)
        for name, kernel in (("scale", SCALE), ("add", ADD), ("multiply", MULTIPLY)):
            emit_elementwise(module, math, name, kernel)
        emit_sums(module, math, machine)
        emit_turn(module)
        emit_table_rows(module, math, machine)
        emit_pick(module, math, machine)
        emit_draws(module, math, machine)
        return module

    code = Compiled.cached(f"vectors {dtype}", build)
    whole = "scale", "add", "multiply", "finite", "squares", "total", "decide", "turn"
    names = *KERNELS, *whole, "look_up", "chain", "sum_rows", "pick", "bernoulli", "normal"
    return VectorCode({name: code.address(name) for name in names}, code)


class _Cache:
    """What was compiled in this process."""

    def __init__(self) -> None:
        most = tuning_for().programs_kept
        self.made: Lru[Any, Any] = Lru(most)
        self.seen: Lru[Any, tuple[CellSchedule, Any]] = Lru(most)  # the same by objects: quicker to find

    def forget(self) -> None:
        """Everything is made anew."""
        self.made.forget()
        self.seen.forget()

    def of_schedule(
        self, schedule: CellSchedule, kind: str, dtype: str, make: Callable[[CellSchedule, str], Any]
    ) -> Any:
        """What `make` makes of a schedule, for this processor. Equal schedules share it."""
        quick = id(schedule), kind, dtype, host()

        def find() -> tuple[CellSchedule, Any]:  # the schedule is held, so that its id stands for no other
            return schedule, self.made.get((*_identity(schedule), *quick[1:]), lambda: make(schedule, dtype))

        return self.seen.get(quick, find)[1]


_cache = _Cache()


def _identity(schedule: CellSchedule) -> tuple[Any, ...]:
    """What programs depend on."""
    graph = schedule.graph
    return graph.outputs, graph.states, graph.inputs, tuple(graph.parameters.items()), tuple(graph.names.items())


def training(schedule: CellSchedule, dtype: str) -> TrainingCode:
    """The programs for forward and backward, from this process's cache if possible."""
    found: TrainingCode = _cache.of_schedule(schedule, "training", dtype, _training)
    return found


def inference(schedule: CellSchedule, dtype: str) -> InferenceCode:
    """The program without a tape."""
    found: InferenceCode = _cache.of_schedule(schedule, "inference", dtype, _inference)
    return found


def mapping(schedule: CellSchedule, dtype: str) -> MapCode:
    """The programs of a function without states."""
    found: MapCode = _cache.of_schedule(schedule, "map", dtype, _mapping)
    return found


def loss(schedule: CellSchedule, dtype: str, one_hot: bool) -> LossCode:
    """The program of a loss; `one_hot`: of targets that are whole numbers."""
    kind = "loss of one-hot rows" if one_hot else "loss"
    found: LossCode = _cache.of_schedule(schedule, kind, dtype, partial(_loss, one_hot))
    return found


def online(plan: StepPlan, dtype: str) -> OnlineCode:
    """The programs of a step of online learning. Plans that are built alike share them."""
    found: OnlineCode = _cache.made.get(("online", host(), dtype, fingerprint(plan)), lambda: _online(plan, dtype))
    return found


def common(dtype: str) -> CommonCode:
    """The kernels that all cells share."""
    found: CommonCode = _cache.made.get(("common", host(), dtype), lambda: _common(dtype))
    return found


def vectors(dtype: str) -> VectorCode:
    """The kernels for whole vectors and tables."""
    found: VectorCode = _cache.made.get(("vectors", host(), dtype), lambda: _vectors(dtype))
    return found
