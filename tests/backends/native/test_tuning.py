"""The record of numbers: one for each kind of processor, each with its reason, and the only place of its numbers."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path
from typing import Any

import llvmlite.ir as ir
import pytest
from tests.zoo import FEW

import gated
from gated.backends.native.codegen import emit, gradient_kernels, kernels, table_rows, team, vectors
from gated.backends.native.codegen.vector_math import PRECISIONS, VectorMath
from gated.backends.native.machine.target import hosts, longest_function
from gated.backends.native.processor import Machine
from gated.backends.native.tuning import TRIED, Tuning, tuning_for
from gated.program.layout import Layout
from gated.program.time_loops import BACKWARDS, inference_programs, lower_backward, lower_forward, training_programs
from gated.schedule import schedule

NATIVE = Path(gated.__file__).parent / "backends" / "native"
FIELDS = [field.name for field in dataclasses.fields(Tuning)]


def test_the_number_of_registers_decides_the_tile_of_a_gradient() -> None:
    for machine in [here.machine for here in hosts().values()] + [Machine(64, 32), Machine(16, 16)]:
        rows, vectors = tuning_for(machine).gradient_tile
        assert rows * vectors + vectors + 1 <= machine.registers
        assert dataclasses.replace(tuning_for(machine), gradient_tile=(0, 0)) == dataclasses.replace(
            tuning_for(), gradient_tile=(0, 0)
        )


def test_another_number_can_be_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tuning_for(Machine(16, 16))
    monkeypatch.setitem(TRIED, "piece", 17)
    assert tuning_for(Machine(16, 16)) == dataclasses.replace(before, piece=17)
    assert tuning_for(Machine(16, 16)).code != before.code, "code made with another number needs another key"
    monkeypatch.setitem(TRIED, "peace", 17)
    with pytest.raises(TypeError, match="peace"):
        tuning_for()


def _reads(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_every_number_is_used_and_has_a_comment() -> None:
    sources = [path for path in NATIVE.rglob("*.py") if path.name != "tuning.py"]
    used = set().union(*map(_reads, sources))
    assert set(FIELDS) <= used, f"no one reads {sorted(set(FIELDS) - used)}"
    lines = (NATIVE / "tuning.py").read_text(encoding="utf-8").splitlines()
    for name in FIELDS:
        place = next(i for i, line in enumerate(lines) if line.startswith(f"    {name}: "))
        assert lines[place - 1].startswith("    # "), f"{name} has no reason"


class _Spy:
    """A record that remembers what was read of it."""

    def __init__(self, record: Tuning, read: set[str]) -> None:
        self.record, self.read = record, read

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self.record, name)


def test_what_makes_code_reads_only_numbers_that_its_key_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    for module in (emit, gradient_kernels, kernels, table_rows, team, vectors):
        monkeypatch.setattr(module, "tuning_for", lambda machine: _Spy(tuning_for(machine), read))
    machine = Machine(32, 16)
    module = ir.Module("all kernels")
    math = VectorMath(module, PRECISIONS["float32"], machine.width("float32"))
    gradient_kernels.emit_gradients(module, math, machine)
    vectors.emit_sums(module, math, machine)
    table_rows.emit_table_rows(module, math, machine)
    team.emit_team(ir.Module("team"), machine)
    cell = emit.Module("float32", machine)
    layout = Layout.of(schedule(gated.cells.gru.graph))
    cell.add("forward", lower_forward(layout))
    cell.add("backward", lower_backward(layout))
    assert len(read) >= 10 and {"piece", "square_lanes"} <= read and "elementwise_tile" in read
    for name in read | {"long_function"}:
        value = getattr(tuning_for(), name)
        with monkeypatch.context() as patch:
            before = tuning_for().code
            patch.setitem(TRIED, name, (*value, 1) if isinstance(value, tuple) else value + 1)
            assert tuning_for().code != before, f"{name} shapes code and is no part of its key"


@pytest.mark.parametrize("name", (*FEW, "fs_lstm", "nas", "mi_lstm"))
def test_cells_of_every_shape_and_the_longest_are_optimised(name: str) -> None:
    """A module that is too long has its products outside registers: GRU was 6 times slower than the LSTM for a day."""
    own = schedule(gated.cells.ZOO[name].graph)
    for made in (training_programs(own), inference_programs(own)):
        module = emit.Module("float32", Machine(64, 32))
        for kind, program in made.programs.items():
            if program.blocks:
                module.add(kind, program, reverse=kind in BACKWARDS)
        assert 3 * longest_function(str(module.module)) < tuning_for().long_function


def test_no_other_number_stands_at_the_top_of_a_module() -> None:
    """A number that was chosen belongs in the record. What is none: layouts, bounds, the ulps of vector_math."""
    known = {
        "codegen/team.py": {"TWO_LINES", "MOST"},  # the layout of a team's memory, and how many it has room for
        "codegen/vector_math.py": {"MANY"},
        "memory/leases.py": {"CACHE_LINE"},  # of the processors
        "memory/regions.py": {"PAGE"},
    }
    for path in NATIVE.rglob("*.py"):
        if path.name == "tuning.py":
            continue
        found = set()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and _is_number(node.value):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        assert found <= known.get(path.relative_to(NATIVE).as_posix(), set()), path


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) and _is_number(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
