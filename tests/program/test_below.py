"""The package `program` and all that lies below it know no processor: neither LLVM nor a backend is imported."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gated.cells import ZOO
from gated.program.time_loops import inference_programs, training_programs
from gated.schedule import schedule

BELOW = ("language", "calculus", "cells", "schedule", "program")

IMPORT = """
import importlib, json, pkgutil, sys
import gated

imported = []
for package in sys.argv[1:]:
    package = importlib.import_module(f"gated.{package}")
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        imported.append(importlib.import_module(found.name).__name__)
print(json.dumps([imported, sorted(sys.modules)]))
"""


@pytest.fixture(scope="module")
def modules() -> tuple[list[str], list[str]]:
    run = [sys.executable, "-c", IMPORT, *BELOW]
    output = subprocess.run(run, capture_output=True, text=True, check=True, timeout=120).stdout
    imported, all_modules = json.loads(output)
    return imported, all_modules


def test_all_modules_were_tried(modules: tuple[list[str], list[str]]) -> None:
    for name in ("program.rows", "program.time_loops", "program.online", "schedule.online_step"):
        assert f"gated.{name}" in modules[0]


@pytest.mark.parametrize("far", ["llvmlite", "gated.backends", "gated.nn", "gated.learning"])
def test_nothing_above_is_imported(modules: tuple[list[str], list[str]], far: str) -> None:
    assert [name for name in modules[1] if name == far or name.startswith(f"{far}.")] == []


@pytest.mark.parametrize("name", ZOO)
def test_every_cell_is_lowered_and_each_value_is_stored_before_it_is_read(name: str) -> None:
    """The programs hold together without a backend: what a block reads from scratch, an earlier one has written."""
    plan = schedule(ZOO[name].graph)
    for lowered in (training_programs(plan), inference_programs(plan)):
        for program in lowered.programs.values():
            written = set()
            for block in program.blocks:
                read = {term.operand for term in block.terms}.union(*block.loads.values())
                assert {place for place in read if place.scratch} <= written, (name, block.stage, block.dim)
                written |= {place for _, place in block.stores}
                assert {*read, *written} <= set(program.places)
            assert len(program.panels) == sum(len(block.terms) for block in program.blocks)
