"""`check_cell`: every gradient of a cell against the complex step of its own forward pass.

The complex step (W. Squire, G. Trapp 1998, Using complex variables to estimate derivatives of real functions, SIAM
Review 40(1), 110-112): f'(a) = Im f(a + ih) / h has no difference of nearly equal numbers, so that h = 1e-30 gives
the derivative to the last digits of float64. One coordinate at a time: a projection on a random direction cannot say
which gradient is wrong.

Machine code is not run on complex numbers: it is compared with the reference, pass by pass (`machine_code`).

Legend: T steps, N sequences, D inputs, K = layers * directions; dy, dstate the adjoints of y and of the last state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gated.audit.conditioning import WELL, amplification
from gated.audit.jumps import NEAR, nearest
from gated.audit.machine_code import machine_code_rows
from gated.audit.report import CheckReport, Row
from gated.audit.runs import CONFIGURATIONS, LARGER, Configuration, Run, by_input, can_stack, named_gradients, prepare
from gated.backends import get_backend
from gated.calculus.influence import notes_on
from gated.errors import CheckFailed, describe, wrong, wrong_type
from gated.language import Cell
from gated.nn import Tape, checks

Array = np.ndarray[Any, Any]
State = tuple[Array, ...]
STEP = 1e-30
DRAWS = 8  # of random numbers, for a run that does not amplify rounding much
HOPELESS = 1e9  # beyond, hardly a digit of a comparison would be left


def check_cell(
    cell: Cell,
    *,
    seed: int = 0,
    tolerance: float = 1e-12,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    verbose: bool = False,
    raise_on_failure: bool = True,
    backend: str = "native",
) -> CheckReport:
    """Check every gradient of a cell: parameters, input, initial states; and the machine code that is made of it.

    Each is compared with the complex step of the reference forward pass in float64, from random states, with random
    adjoints at every step and of the last states, over 5 steps, 1 step, mixed lengths, both directions, two layers,
    and the last two at once. Also: arguments and tape are left alone, a second backward pass gives the same bits, and
    a chain of `step` and `backward_step` the same as `forward` and `backward`.

    The machine code is compared with the reference in all these runs and a larger one: `forward`, `backward`, `infer`
    and `stream`, in float64 to 2e-13 of each array's norm, in float32 to 20 times what NumPy itself is off (at least
    2e-6; above 1e-2 it is not compared, which a note tells). Where rounding is amplified, all bounds are wider by that.

    Args:
        cell: a cell made by @gated.cell.
        seed: of all random numbers.
        tolerance: largest relative error, ||got - expected|| / ||expected|| of each array; more where the cell
            amplifies rounding on all numbers drawn, which a note tells then.
        ranges: name of the input, of a state or of a parameter ("x", "n", "p.i") -> (low, high), from which it is
            drawn uniformly; the others are drawn from N(0, 1), parameters from N(0, 1/4). For cells that divide by a
            state or take its logarithm.
        verbose: print the table.
        raise_on_failure: False only returns the report.
        backend: "reference" leaves the machine code out.

    Returns:
        the report: `.passed`, `.worst`, `.rows`, and `.notes` on what is no fault but may be a mistake: a state that is
        never read, an input or a parameter without influence.

    Raises:
        CheckFailed: a gradient is wrong; the message names it, the configuration and both numbers.
        ArgumentError, ArgumentTypeError: an argument is wrong, or the cell gives NaN or inf on the numbers drawn.
    """
    if not isinstance(cell, Cell):
        raise wrong_type("cell", describe(cell), "a cell such as gated.cells.lstm or a function under @gated.cell")
    if checks.real("tolerance", tolerance) <= 0:
        raise wrong("tolerance", str(tolerance), "a positive number such as 1e-12")
    drawn = _checked_ranges(cell, ranges)
    get_backend(backend)
    rows: list[Row] = []
    notes = dict.fromkeys(notes_on(cell.graph))
    for number, configuration in enumerate((*CONFIGURATIONS, *[LARGER] * (backend == "native"))):
        if configuration.num_layers > 1 and not can_stack(cell, configuration.bidirectional):
            continue
        run = _well_drawn(cell, configuration, np.random.default_rng([_whole(seed), number]), drawn)
        found = check_run(run) if configuration is not LARGER else []
        if number == 0:
            found += _check_steps(run)
        if run.amplified > 1.0:
            found = [replace(row, bound=tolerance * run.amplified) for row in found]
            notes[
                f"the numbers drawn ({configuration.name}) make rounding {run.amplified * WELL:.0e} times larger, and "
                "the bounds with it: ranges=, such as ranges={'x': (0.5, 1.5)}, draws others"
            ] = None
        rows += found
        if backend == "native":
            more, remarks = machine_code_rows(run)
            rows += more
            notes.update(dict.fromkeys(remarks))
    report = CheckReport(cell.name, int(seed), float(tolerance), tuple(rows), tuple(notes))
    if verbose:
        print(report)
    if raise_on_failure and not report.passed:
        raise CheckFailed(report.message())
    return report


def _well_drawn(
    cell: Cell, configuration: Configuration, rng: np.random.Generator, ranges: Mapping[str, tuple[float, float]]
) -> Run:
    """A run that does not amplify rounding much, if there is one among some: a cell may divide by nearly nothing.

    Nor does it come near to where the equations jump: there float32 would take another branch.
    """
    best, best_is_near = None, True
    for _ in range(DRAWS):
        run = prepare(cell, configuration, rng, ranges)
        run.amplified = max(1.0, amplification(run) / WELL)
        is_near = nearest(run) < NEAR
        if best is None or (run.amplified, is_near) < (best.amplified, best_is_near):
            best, best_is_near = run, is_near
        if best.amplified == 1.0 and not best_is_near:
            break
    assert best is not None
    if best.amplified * WELL > HOPELESS:
        raise wrong(
            "ranges",
            f"numbers on which {cell.name} makes rounding {best.amplified * WELL:.0e} times larger "
            f"({configuration.name})",
            "ranges where the equations are smooth, such as ranges={'n': (0.5, 1.5)} for what is divided by",
        )
    return best


def _whole(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise wrong_type("seed", describe(seed), "a whole number >= 0")
    return int(seed)


def _checked_ranges(cell: Cell, ranges: Any) -> dict[str, tuple[float, float]]:
    if ranges is None:
        return {}
    if not isinstance(ranges, Mapping):
        raise wrong_type("ranges", describe(ranges), "a dict such as {'n': (0.5, 1.5)}")
    known = [*cell.graph.inputs, *cell.states, *cell.parameters]
    for name, pair in ranges.items():
        if name not in known:
            raise wrong("ranges", f"the name {name!r}", f"names of the cell {cell.name}: {', '.join(known)}")
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise wrong_type(f"ranges[{name!r}]", describe(pair), "two numbers (low, high)")
        low, high = (checks.real(f"ranges[{name!r}]", value) for value in pair)
        if low > high:
            raise wrong(f"ranges[{name!r}]", f"({low}, {high})", "low <= high")
    return {name: (float(low), float(high)) for name, (low, high) in ranges.items()}


def check_run(run: Run) -> list[Row]:
    """One configuration: the gradients, the arguments, a second call."""
    where = run.configuration.name
    before = [array.copy() for array in run.arguments()]
    _, _, tape = run.forward()
    kept = [array.copy() for array in _tape_arrays(tape)]
    first = named_gradients(run, run.layer.backward(tape, run.dy, run.dstate))
    second = named_gradients(run, run.layer.backward(tape, run.dy, run.dstate))
    expected = _complex_steps(run)
    rows = [_compare(where, f"gradient of {name}", first[name], expected[name]) for name in expected]
    rows.append(_same(where, "arguments left alone", before, run.arguments()))
    rows.append(_same(where, "tape left alone", kept, _tape_arrays(tape)))
    rows.append(_same(where, "second backward pass", list(first.values()), list(second.values())))
    return rows


def _tape_arrays(tape: Tape) -> list[Array]:
    arrays: list[Array] = []
    for scan in tape.scans:
        arrays += [scan.x, scan.counts, *scan.states]
        arrays += [value for value in scan.values.values() if isinstance(value, np.ndarray)]
    return arrays


def _complex_steps(run: Run) -> dict[str, Array]:
    """The derivative of Σ dy·y + Σ dstate·state by every coordinate, one forward pass each; float64."""
    graph, lengths = run.layer.cell.graph, run.configuration.lengths
    layer = run.layer.astype("complex128")
    x, state = run.x.astype(complex), tuple(s.astype(complex) for s in run.state)

    def loss() -> complex:
        y, last, _ = layer.forward(x, state, lengths, rng=run.rng())
        return complex(np.vdot(run.dy, y) + sum(np.vdot(d, s) for d, s in zip(run.dstate, last, strict=True)))

    found = by_input(run.layer, _by_coordinate(x, loss))
    for name, array in zip(graph.states, state, strict=True):
        found[f"the initial {name}"] = _by_coordinate(array, loss)
    for name in layer.params:
        found[name] = _by_coordinate(layer.params[name], loss)
    return found


def _by_coordinate(array: Array, loss: Callable[[], complex]) -> Array:
    result = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        old = array[index]
        array[index] = old + 1j * STEP
        result[index] = loss().imag / STEP
        array[index] = old
    return result


def _check_steps(run: Run) -> list[Row]:
    """`step` and `backward_step`, one time step after the other, against `forward` and `backward`."""
    layer, where = run.layer, run.configuration.name
    y, last, tape = layer.forward(run.x, run.state)  # as `step` does it: without draws
    expected = named_gradients(run, layer.backward(tape, run.dy, run.dstate))
    state, tapes, outputs = run.state, [], []
    for x_t in run.x:
        state, step_tape = layer.step(x_t, state)
        tapes.append(step_tape)
        outputs.append(state[0][-1])
    rows = [_compare(where, "step: y", np.stack(outputs), y)]
    rows += [_compare(where, f"step: last {n}", s, t) for n, s, t in zip(layer.cell.states, state, last, strict=True)]
    dstate, grads, dx = tuple(d.copy() for d in run.dstate), layer.params.like(), np.zeros_like(run.x)
    for t in reversed(range(len(run.x))):
        dstate[0][-1] += run.dy[t]
        dx[t], before, own = layer.backward_step(tapes[t], dstate)
        dstate = tuple(d.copy() for d in before)
        grads.vector += own.vector
    chained = named_gradients(run, (dx, dstate, grads))
    return rows + [_compare(where, f"backward_step: gradient of {n}", chained[n], expected[n]) for n in expected]


def _compare(configuration: str, quantity: str, got: Array, expected: Array) -> Row:
    norms = float(np.linalg.norm(got)), float(np.linalg.norm(expected))
    difference = np.abs(got - expected)
    distance = float(np.linalg.norm(difference))
    error = 0.0 if distance == 0.0 else distance / norms[1] if norms[1] else float("inf")
    detail = ""
    if distance != 0.0:
        index = np.unravel_index(int(np.argmax(difference)), difference.shape)
        place = ", ".join(str(int(i)) for i in index)
        detail = f"farthest off at [{place}]: got {got[index]:.10g}, expected {expected[index]:.10g}"
    return Row(configuration, quantity, error, norms, detail)


def _same(configuration: str, quantity: str, before: list[Array], after: list[Array]) -> Row:
    """Equal bit for bit."""
    equal = all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True))
    norms = tuple(float(np.sqrt(sum(np.linalg.norm(a) ** 2 for a in arrays))) for arrays in (after, before))
    detail = "" if equal else "expected the same bits, some differ"
    return Row(configuration, quantity, 0.0 if equal else float("inf"), (norms[0], norms[1]), detail)
