"""Reductions over the units inside a time loop, put together by hand: blocks, threads, places.

The graph is one of layer normalisation (Ba, Kiros & Hinton, 2016) with a logsumexp besides: numbers that come from
units, units that come from numbers, a reduction of what a reduction has made.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from tests.backends.native import one_scan

import gated
from gated.backends.interface import Pass
from gated.backends.native.passes.backend import NativeBackend
from gated.backends.native.passes.pass_plan import Shapes
from gated.backends.native.threads import pool
from gated.backends.native.threads.pool import team_for
from gated.backends.native.tuning import TRIED
from gated.backends.reference import ReferenceBackend
from gated.language import graph as g
from gated.language.reductions import total
from gated.program.lowering import Place, lower
from gated.program.rows import CURRENT, ROW, SEQUENCE
from gated.program.time_loops import inference_programs, training_programs
from gated.schedule import schedule

Array = np.ndarray[Any, Any]
INPUT, HIDDEN = 7, 130  # no multiple of a vector; more column blocks than threads


def normalised() -> g.Graph:
    x, h = g.leaf("input", "x", "input"), g.leaf("state", "h", "hidden")
    W, U = g.Matrix("W", "i", "hidden", "input"), g.Matrix("U", "i", "hidden", "hidden")
    gain, shift = g.leaf("vector", "s.i", "hidden"), g.leaf("vector", "b.i", "hidden")
    a = g.product([W], [x]) + g.product([U], [h])
    deviation = a - total(a) * (1.0 / HIDDEN)
    variance = total(deviation * deviation) * (1.0 / HIDDEN)
    y = gain * deviation / g.call("sqrt", variance + 1e-5) + shift
    new = g.call("tanh", y) - 0.1 * g.reduce("logsumexp", a * h)
    parameters = {"W.i": ("hidden", "input"), "U.i": ("hidden", "hidden"), "s.i": ("hidden",), "b.i": ("hidden",)}
    dims = {"x": "input", "h": "hidden"}
    return g.Graph("normalised", "", ("x",), ("h",), (new,), ("h",), {a: "a", y: "y"}, parameters, dims)


PLAN = schedule(normalised())
SIZES = {"input": INPUT, "hidden": HIDDEN, g.ONE_DIM: 1}


def problem(steps: int, sequences: int, dtype: str) -> tuple[Pass, Array, list[Array]]:
    rng = np.random.default_rng((steps, sequences))
    graph = PLAN.graph
    parameters = {
        name: (rng.standard_normal([SIZES[dim] for dim in shape]) * 0.3).astype(dtype)
        for name, shape in graph.parameters.items()
    }
    counts = np.sort(rng.integers(1, sequences + 1, steps))[::-1].copy()
    counts[0] = sequences
    rows = int(counts.sum())
    x, dy, state, dstate = (
        rng.standard_normal(shape).astype(dtype)
        for shape in ((rows, INPUT), (rows, HIDDEN), (sequences, HIDDEN), (sequences, HIDDEN))
    )
    return Pass(PLAN, SIZES, parameters, x, counts, [state]), dy, [dstate]


def results(backend: Any, steps: int, sequences: int, dtype: str) -> list[Array]:
    """Everything that comes out: outputs, last states, all gradients, the same without a tape and step by step."""
    given, dy, dstates = problem(steps, sequences, dtype)
    scan = backend.forward(given)
    y, last = scan.y.copy(), [array.copy() for array in scan.last]
    gradients = {name: np.full_like(array, np.nan) for name, array in given.parameters.items()}
    dx, before = backend.backward(scan, dy, dstates, gradients)
    inferred, final = one_scan.infer(backend, given)
    stepper = one_scan.stream(backend, given)
    stepper.x[:] = given.x[:sequences]
    stepped = stepper.step().copy()
    np.testing.assert_allclose(stepped, y[:sequences], rtol=1e-12 if dtype == "float64" else 1e-4, atol=1e-5)
    return [y, *last, dx, *before, *gradients.values(), inferred, *final, stepped]


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads share columns wherever they can."""
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)
    monkeypatch.setattr(pool, "_threads", None)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("steps", "sequences"), [(1, 1), (2, 1), (5, 1), (4, 3), (6, 16)])
def test_machine_code_is_the_reference_for_any_number_of_threads(
    steps: int, sequences: int, dtype: str, near: None
) -> None:
    expected = results(ReferenceBackend(), steps, sequences, dtype)
    found = []
    for threads in (1, 2, 3):
        gated.set_num_threads(threads)
        found.append(results(NativeBackend(), steps, sequences, dtype))
    # (the gradients of five steps from one sequence have lost 1e-5 of themselves in float32, the reference's too)
    bound = 1e-13 if dtype == "float64" else 2e-5
    for got, want in zip(found[0], expected, strict=True):
        assert np.linalg.norm(got - want) <= bound * np.linalg.norm(want)
    for other, (i, one) in product(found[1:], enumerate(found[0])):
        assert np.array_equal(other[i], one), "a reduction depends on who took which columns"


def test_the_threads_share_columns_there(near: None) -> None:
    """What the test above is for: with one sequence, two threads have a part of the columns each."""
    gated.set_num_threads(2)
    shapes = Shapes.of(PLAN.graph, SIZES, np.dtype("float64"), (5, 1, 5), team_for(1))
    assert shapes.cut.columns and shapes.cut.members == 2


@pytest.mark.parametrize("lowered", [training_programs(PLAN), inference_programs(PLAN)], ids=["train", "infer"])
def test_a_reduction_comes_in_a_block_after_all_columns_of_its_operand(lowered: Any) -> None:
    seen = 0
    for program in lowered.programs.values():
        complete: set[Place] = set()
        written = {place for block in program.blocks for _, place in block.stores}
        for block in program.blocks:
            assert not block.reductions or (block.dim == g.ONE_DIM and not block.accumulators)
            for node, places in block.reductions.items():
                assert [place.dim for place in places] == [arg.dim for arg in node.args]
                for place in places:
                    assert place in program.places and (place in complete or place not in written)
                seen += 1
            complete |= {place for _, place in block.stores}
    assert seen >= 3


def test_a_number_goes_to_all_units_and_into_rows_of_units() -> None:
    a, place = g.leaf("input", "a", "n"), Place("a", ROW, "n")
    number = total(a)
    program = lower([number], {a: (place,)}, [(number, Place("out", ROW, "n")), (number, Place("one", ROW, g.ONE_DIM))])
    assert [(block.dim, len(block.reductions)) for block in program.blocks] == [(g.ONE_DIM, 1), ("n", 0)]
    first, second = program.blocks
    (inside,) = second.loads[number]
    assert inside.dim == g.ONE_DIM and inside in [place for _, place in first.stores]
    assert [place.name for _, place in second.stores] == ["out"]


def test_values_that_pass_from_block_to_block_have_places_of_their_own() -> None:
    """Also beside one that is stored where the step cannot read it again."""
    a, b = (g.leaf("input", name, "n") for name in "ab")
    one, other = g.call("exp", a), g.call("tanh", b)
    ends = [one * total(one), other * total(other)]
    program = lower(
        [one, other, total(one), total(other), *ends],
        {a: (Place("a", ROW, "n"),), b: (Place("b", ROW, "n"),)},
        [(one, Place("kept", SEQUENCE, "n")), *((end, Place(f"end {i}", CURRENT, "n")) for i, end in enumerate(ends))],
    )
    scratch = [(node, place) for block in program.blocks for node, place in block.stores if place.scratch]
    assert len({place for _, place in scratch}) == len(scratch) == 4
