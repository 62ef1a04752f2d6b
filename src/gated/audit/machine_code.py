"""Machine code against the reference: every pass that a layer has, in float64 and float32.

In float64 both must agree to rounding. In float32 the truth is the reference in float64 on the same rounded numbers,
and what is allowed depends on how far from it NumPy in float32 is: a cell may amplify what is rounded.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from gated.audit.report import Row
from gated.audit.runs import Array, Run, last_states, layer_of, passes
from gated.errors import ArgumentError
from gated.nn import Recurrent

BOUNDS = {"float64": 2e-13, "float32": 2e-6}  # relative to the norm
CHANCE = 20.0  # by this factor NumPy may have been lucky, above all with few numbers
SHARE = 0.5  # what an array's error may be of the worst one's, however lucky NumPy was with it
CEILING = 1e-2  # beyond it a comparison would say nothing


def machine_code_rows(run: Run) -> tuple[list[Row], list[str]]:
    """The comparisons of one run, and remarks on those that could not be made."""
    native = layer_of(run.layer.cell, run.configuration, "native")
    native.theta[...] = run.layer.theta
    native.params.fixed_vector[...] = run.layer.params.fixed_vector
    truth = _results(run.layer, run)
    try:
        rounded = {"native": native.astype("float32"), "numpy": run.layer.astype("float32")}
    except ArgumentError as error:
        return _rows(run, "float64", _results(native, run), truth), [f"no machine code in float32 ({error})"]
    exact = _results(rounded["numpy"].astype("float64"), run, "float32")
    by_numpy = _results(rounded["numpy"], run)
    if not all(np.isfinite(value).all() for value in by_numpy.values()):
        note = f"float32 was not compared ({run.configuration.name}): NumPy gives NaN or inf in it"
        return _rows(run, "float64", _results(native, run), truth), [note]
    errors = _distances(by_numpy, exact)
    worst = max(errors.values())
    # how much the cell amplifies what is rounded
    amplified = {key: max(error, SHARE * worst) / BOUNDS["float32"] for key, error in errors.items()}
    rows = _rows(run, "float64", _results(native, run), truth, amplified)
    amplified = {key: CHANCE * factor for key, factor in amplified.items()}
    loose = [key for key, factor in amplified.items() if factor * BOUNDS["float32"] > CEILING]
    where = run.configuration.name
    notes = [f"float32 was not compared ({where}; {key}): NumPy itself is off by {worst:.0e}" for key in loose]
    found = _rows(run, "float32", _results(rounded["native"], run), exact, amplified)
    return rows + [row for row in found if (row.bound or 0.0) <= CEILING], notes[:1]


class _Results(dict[str, Array]):
    """What the passes of a layer give, by name; `gradients` are the names of those."""

    gradients: Collection[str] = ()


def _results(layer: Recurrent, run: Run, rounded: str | None = None) -> _Results:
    """Everything that the passes of a layer give, in the layer's dtype.

    Args:
        rounded: the dtype to which the arguments are rounded first.
    """

    def given(array: Array) -> Array:
        return array.astype(rounded or layer.dtype).astype(layer.dtype)

    outputs, gradients = passes(layer, run, given)
    found = _Results({"y": outputs["y"], **gradients, **outputs})
    found.gradients = gradients.keys()
    lengths, x, state = run.configuration.lengths, given(run.x), tuple(map(given, run.state))
    found["y of infer"], last = layer.infer(x, state, lengths)
    found.update({f"{name} of infer": value for name, value in last_states(run, last).items()})
    if lengths is None and not layer.bidirectional:
        stream = layer.stream(x.shape[1], state)
        found["y of stream"] = np.array([stream.step(x_t).copy() for x_t in x]).reshape(found["y"].shape)
        found.update({f"{name} of stream": value for name, value in last_states(run, stream.state).items()})
    return found


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array.astype(np.float64)))  # in float32 the squares may be infinite


def _distances(got: _Results, want: _Results) -> dict[str, float]:
    """How far each array is from the truth, relative to the norm of the truth.

    A gradient may nearly cancel: then the rounding of what it is the sum of counts, for which the largest stands.
    """
    norms = {key: _norm(value) for key, value in want.items()}
    largest = max(norms[key] for key in want.gradients)
    least = {key: 0.1 * largest if key in want.gradients else 0.0 for key in norms}
    return {key: _norm(got[key] - want[key]) / (max(norms[key], least[key]) or 1.0) for key in want}


def _rows(run: Run, dtype: str, got: _Results, want: _Results, amplified: dict[str, float] | None = None) -> list[Row]:
    rows = []
    for key, distance in _distances(got, want).items():
        norms = _norm(got[key]), _norm(want[key])
        bound = max(run.amplified, (amplified or {}).get(key, 1.0)) * BOUNDS[dtype]
        detail = "" if distance <= bound else f"machine code and NumPy differ, expected within {bound:.1e}"
        native = f"native {dtype}"
        rows.append(Row(run.configuration.name, f"{native}: {key}", distance, norms, detail, bound, native))
    return rows
