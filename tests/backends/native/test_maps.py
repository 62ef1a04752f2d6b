"""Dense layers and losses in machine code: against the reference, for any number of threads, with masks and NaN.

Legend: R rows, D inputs, V outputs.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gated
from gated.backends import get_backend
from gated.backends.native.passes import maps
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED
from gated.errors import ArgumentError
from gated.losses import Loss, SigmoidCrossEntropy, SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError
from gated.nn.dense import ACTIVATIONS
from gated.nn.losses import evaluate_by
from gated.nn.maps import total

from .test_fork import BEGIN, SOURCE

Array = np.ndarray[Any, Any]
TOLERANCE = {"float64": 1e-13, "float32": 2e-6}
OF_LOSSES = {"float64": 1e-12, "float32": 5e-6}
WIDTHS = [(1, 3), (3, 1), (17, 17), (192, 103), (103, 500), (500, 17)]
OPTIONS: list[dict[str, Any]] = [{"bias": False}, *({"activation": name} for name in ACTIVATIONS)]
NATIVE, REFERENCE = get_backend("native"), get_backend("reference")


@pytest.fixture(autouse=True)
def any_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All work is worth machine code and threads, however small."""
    for name, number in {"worthwhile": 1.0, "map_rows": 1, "loss_rows": 5}.items():
        monkeypatch.setitem(TRIED, name, number)
    monkeypatch.setattr(pool, "_threads", None)
    maps.forget_plans()
    yield
    maps.forget_plans()


def error(found: Any, wanted: Any) -> float:
    size = float(np.linalg.norm(wanted))
    return float(np.linalg.norm(np.asarray(found) - wanted)) / (size or 1.0)


def dense(backend: str, inputs: int, outputs: int, dtype: str, options: dict[str, Any]) -> gated.Dense:
    return gated.Dense(inputs, outputs, dtype=dtype, seed=1, backend=backend, **options)


def passes(layer: gated.Dense, *leading: int) -> dict[str, Array]:
    """Everything that comes out, for rows of this shape."""
    rng = np.random.default_rng(2)
    x, dy = (rng.standard_normal((*leading, size)) for size in (layer.input_size, layer.output_size))
    y, _, tape = layer.forward(x)
    dx, _, grads = layer.backward(tape, dy)
    return {"y": y, "inferred": layer.infer(x)[0], "dx": dx, **grads}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_same_numbers_as_the_reference(options: dict[str, Any], dtype: str) -> None:
    for rows, (inputs, outputs), threads in itertools.product((1, 7, 1024), WIDTHS, (1, 3)):
        gated.set_num_threads(threads)
        found, wanted = (passes(dense(name, inputs, outputs, dtype, options), rows) for name in ("native", "reference"))
        for name, want in wanted.items():
            assert found[name].shape == want.shape and found[name].dtype == dtype
            assert error(found[name], want) < TOLERANCE[dtype], f"{name}, {rows} rows, {inputs} to {outputs}"


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_same_bits_for_any_number_of_threads(dtype: str) -> None:
    for leading, options in itertools.product(((1,), (13, 7), (5, 3, 61)), OPTIONS):
        layer = dense("native", 300, 45, dtype, options)  # so long an operand is taken in pieces
        found = {}
        for threads in (1, 2, 3, 16):
            gated.set_num_threads(threads)
            found[threads] = passes(layer, *leading)
        for threads, name in itertools.product(found, found[1]):
            assert found[threads][name].tobytes() == found[1][name].tobytes(), f"{name} with {threads} threads"


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_row_is_the_same_in_any_batch(dtype: str) -> None:
    layer = dense("native", 19, 45, dtype, {"activation": "tanh"})
    x = np.random.default_rng(0).standard_normal((50, 19))
    whole = layer.infer(x)[0]
    for rows in (slice(0, 1), slice(3, 10), slice(20, 50)):
        assert layer.infer(x[rows])[0].tobytes() == whole[rows].tobytes()


def test_many_rows() -> None:
    """So many that what additions lose is kept: the gradients' sums are as good as in float64."""
    found, wanted = (passes(dense(name, 3, 5, "float32", {}), 9000) for name in ("native", "reference"))
    for name, want in wanted.items():
        assert error(found[name], want) < 2e-6, name


def test_parameters_that_have_changed_since() -> None:
    layer = dense("native", 5, 4, "float32", {"activation": "relu"})
    x = np.ones((6, 5), "float32")
    y, _, tape = layer.forward(x)
    before = layer.backward(tape, y)[2].vector.copy()
    for name in ("W.y", "b.y"):
        kept = layer.params[name].copy()
        layer.params[name][-1] += 1e-3
        with pytest.raises(ArgumentError, match="^tape: got one whose parameters have changed since its forward pass"):
            layer.backward(tape, y)
        layer.params[name][...] = kept
        np.testing.assert_array_equal(layer.backward(tape, y)[2].vector, before)


def test_a_pass_without_seal_is_for_no_backward_pass() -> None:
    layer = dense("native", 5, 4, "float32", {})
    y, scan = NATIVE.map(layer._schedule, layer._sizes, layer.params, {"x": np.ones((20, 5), "float32")}, sealed=False)
    with pytest.raises(ArgumentError, match="^tape: "):
        NATIVE.map_backward(scan, y, layer.params.like())


def test_nan_stays_in_its_row() -> None:
    for options in OPTIONS:
        layer = dense("native", 5, 19, "float32", options)
        x = np.ones((23, 5), "float32")
        clean = layer.forward(x)[0]
        x[11, 2] = np.nan
        y, _, tape = layer.forward(x)
        assert np.isnan(y[11]).all()
        np.testing.assert_array_equal(np.delete(y, 11, 0), np.delete(clean, 11, 0))
        dx, _, grads = layer.backward(tape, np.ones_like(y))
        assert np.isfinite(np.delete(dx, 11, 0)).all() and np.isnan(grads["W.y"]).any()


def test_a_tape_may_be_used_twice_and_holds_its_arrays() -> None:
    layer = dense("native", 5, 19, "float64", {"activation": "softplus"})
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((23, 5)), rng.standard_normal((23, 19))
    y, _, tape = layer.forward(x)
    x[...] = y[...] = np.nan
    first = layer.backward(tape, dy)
    layer.forward(rng.standard_normal((23, 5)))
    again = layer.backward(tape, np.asfortranarray(dy))
    assert first[0].tobytes() == again[0].tobytes() and first[2].vector.tobytes() == again[2].vector.tobytes()


def test_what_machine_code_does_not_do_goes_to_the_reference() -> None:
    layer = dense("native", 5, 4, "float64", {})
    for x in (np.ones((0, 5)), np.ones((3, 0, 5))):
        y, _, tape = layer.forward(x)
        assert y.shape == (*x.shape[:-1], 4) and not layer.backward(tape, y)[2].vector.any()
    y, scan = NATIVE.map(layer._schedule, layer._sizes, dict(layer.params), {"x": np.ones((3, 5), complex)})
    assert y.dtype == complex and not maps.made_by_run(scan)


class Several(Loss):
    """Numbers between reductions."""

    @staticmethod
    def expression(y: Any, target: Any) -> Any:
        peak = gated.nn.maps.logsumexp(y)
        spread = total((y - peak) * (y - peak))
        return gated.sqrt(spread + 1.0) * total(gated.tanh(target) * y) + 0.25 * peak


class Huber(Loss):
    """Quadratic near 0, linear far from it."""

    numbers = ("width",)

    def __init__(self, width: float = 0.7) -> None:
        super().__init__()
        self.width = width

    @staticmethod
    def expression(y: Any, target: Any, width: float) -> Any:
        far = gated.maximum(abs(y - target), width)
        near = gated.minimum(abs(y - target), width)
        return total(0.5 * near * near + width * (far - width))


LOSSES: list[Any] = [SoftmaxCrossEntropy, SquaredError, SigmoidSquaredError, SigmoidCrossEntropy, Several, Huber]


def rows_of(rows: int, outputs: int, dtype: str) -> tuple[Array, Array, Array]:
    """y, targets and weights; NaN in rows that do not count."""
    rng = np.random.default_rng(rows + outputs)
    y, target = 3 * rng.standard_normal((rows, outputs)).astype(dtype), rng.random((rows, outputs)).astype(dtype)
    mask = rng.random(rows) * (rng.random(rows) < 0.6)
    mask[0] = 0.5
    y[mask == 0] = target[mask == 0] = np.nan
    return y, target, mask


@pytest.mark.parametrize("dtype", OF_LOSSES)
@pytest.mark.parametrize("kind", LOSSES)
def test_losses_are_those_of_the_reference(kind: Any, dtype: str) -> None:
    for rows, outputs in ((1, 1), (7, 17), (12, 192), (33, 3), (1024, 103), (5, 1000)):
        y, target, mask = rows_of(rows, outputs, dtype)
        targets = [target]
        if kind is SoftmaxCrossEntropy:
            targets.append(np.random.default_rng(0).integers(0, outputs, rows))
        for threads, wanted in itertools.product((1, 3), targets):
            gated.set_num_threads(threads)
            assert np.isfinite(evaluate_by(NATIVE, kind(), np.nan_to_num(y), np.nan_to_num(wanted))[0])
            found, want = (evaluate_by(backend, kind(), y, wanted, mask) for backend in (NATIVE, REFERENCE))
            assert abs(found[0] - want[0]) <= OF_LOSSES[dtype] * max(1.0, abs(want[0])), f"{rows} rows of {outputs}"
            assert error(found[1], want[1]) < OF_LOSSES[dtype] and found[1].dtype == dtype
            assert not found[1][mask == 0].any()


@pytest.mark.parametrize("dtype", OF_LOSSES)
@pytest.mark.parametrize("kind", LOSSES)
def test_losses_are_the_same_bits_for_any_number_of_threads(kind: Any, dtype: str) -> None:
    y, target, mask = rows_of(83, 45, dtype)
    found = set()
    for threads in (1, 2, 3, 16):
        gated.set_num_threads(threads)
        value, dy = evaluate_by(NATIVE, kind(), y, target, mask)
        found.add((value, dy.tobytes()))
    assert len(found) == 1


@pytest.mark.parametrize("dtype", OF_LOSSES)
def test_classes_and_the_rows_that_they_stand_for(dtype: str) -> None:
    rng = np.random.default_rng(0)
    y, classes = rng.standard_normal((9, 4, 21)).astype(dtype), rng.integers(0, 21, (9, 4))
    classes[3, 1] = classes[8, 3] = -100
    rows = np.eye(21, dtype=dtype)[np.maximum(classes, 0)]
    for backend in (NATIVE, REFERENCE):
        value, dy = evaluate_by(backend, SoftmaxCrossEntropy(), y, classes)
        same, dsame = evaluate_by(backend, SoftmaxCrossEntropy(), y, rows, classes >= 0)
        assert value == same
        np.testing.assert_array_equal(dy, dsame)
        for other in (np.int8, np.uint16):
            odd = np.where(classes < 0, 20, classes).astype(other)
            assert evaluate_by(backend, SoftmaxCrossEntropy(ignore_index=20), y, odd)[0] <= value + 5


def test_a_long_sum_is_made_in_float64() -> None:
    rows = 200_000
    y = np.full((rows, 1), 0.1, "float32")
    value, _ = evaluate_by(NATIVE, SquaredError("sum"), y, np.zeros_like(y))
    assert value == pytest.approx(rows * float(np.float32(0.5) * (y[0, 0] * y[0, 0])), rel=1e-12)


@pytest.mark.parametrize("dtype", OF_LOSSES)
def test_numbers_that_are_not_finite(dtype: str) -> None:
    """As in the reference: inf where the loss is, NaN out for NaN in, no warning."""
    y = np.zeros((4, 20), dtype)
    for bad, classes in itertools.product((np.nan, np.inf, -np.inf), (0, 3)):
        y[2, 3] = bad
        target = np.full(4, classes)
        found, want = (evaluate_by(backend, SoftmaxCrossEntropy(), y, target) for backend in (NATIVE, REFERENCE))
        np.testing.assert_equal(found[0], want[0])
        np.testing.assert_array_equal(np.isnan(found[1]), np.isnan(want[1]))


def test_half_precision_is_the_references() -> None:
    y, target, mask = (array.astype("float16") for array in rows_of(6, 5, "float32"))
    found, want = (evaluate_by(backend, SquaredError(), y, target, mask) for backend in (NATIVE, REFERENCE))
    assert found[0] == want[0] and found[1].tobytes() == want[1].tobytes() and found[1].dtype == "float16"


FORKED = """
from gated.losses import SoftmaxCrossEntropy
from gated.backends import get_backend
from gated.nn.losses import evaluate_by
dense = gated.Dense(19, 45, "tanh", backend="native")
x = np.random.default_rng(0).standard_normal((300, 19)).astype("float32")
def update():
    y, _, tape = dense.forward(x)
    value, dy = evaluate_by(get_backend("native"), SoftmaxCrossEntropy(), y, np.arange(300) % 45)
    dx, _, grads = dense.backward(tape, dy)
    return y.tobytes() + dy.tobytes() + dx.tobytes() + grads.vector.tobytes() + str(value).encode()
before = update()
y, _, tape = dense.forward(x)
wanted = dense.backward(tape, y)[2].vector.tobytes()
assert child(lambda: update() == before) == 0
assert child(lambda: dense.backward(tape, y)[2].vector.tobytes() == wanted) == 0
assert update() == before
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
def test_a_forked_child_computes_the_same() -> None:
    environment = {**os.environ, **({"PYTHONPATH": str(SOURCE)} if SOURCE.is_dir() else {})}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", BEGIN + FORKED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
