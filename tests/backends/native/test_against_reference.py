"""The native backend against the reference: the zoo, both precisions, odd sizes, lengths, layers, directions."""

from __future__ import annotations

import numpy as np
import pytest
from tests.zoo import FEW, ONE_LAYER, REST, inputs_of, layer_of

import gated
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED
from gated.cells import ZOO

TOLERANCE = {"float64": 1e-13, "float32": 2e-6}
LOOSER = {"phased_lstm": 20.0}  # its gate is 40 times the phase, a rest of 1 that has lost the digits before
SIZES = {"projected_lstm": {"h": 5}, "low_rank_rnn": {"r": 3}}
CASES = {
    "one step": dict(input_size=3, hidden_size=5, steps=1, batch=2),
    "one sequence": dict(input_size=16, hidden_size=32, steps=6, batch=1),
    "odd sizes": dict(input_size=9, hidden_size=19, steps=7, batch=5),
    "many rows": dict(input_size=4, hidden_size=33, steps=3, batch=23),
    "no step": dict(input_size=4, hidden_size=8, steps=0, batch=3),
    "lengths, layers, directions": dict(
        input_size=7, hidden_size=40, steps=6, batch=11, num_layers=2, bidirectional=True,
        lengths=[6, 5, 4, 1, 2, 3, 6, 0, 2, 6, 6],
    ),
}  # fmt: skip


def results(layer: gated.Recurrent, steps: int, batch: int, lengths: list[int] | None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    x = inputs_of(layer, rng, steps, batch)
    state = tuple(rng.uniform(0.5, 1.0, s.shape) for s in layer.initial_state(batch))
    y, last, tape = layer.forward(x, state, lengths)
    dy, dlast = rng.standard_normal(y.shape), tuple(rng.standard_normal(s.shape) for s in last)
    dx, first, grads = layer.backward(tape, dy, dlast)
    found = {"y": y, "dx": dx, **{f"d{name}": value for name, value in grads.items()}}
    for name, value, adjoint in zip(layer.cell.states, last, first, strict=True):
        found |= {f"last {name}": value, f"first d{name}": adjoint}
    return found


def norm_error(got: np.ndarray, want: np.ndarray) -> float:
    size = float(np.linalg.norm(want))
    return float(np.linalg.norm(got - want)) / size if size else float(np.linalg.norm(got))


@pytest.fixture
def any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every piece of work be worth a thread, however small."""
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setattr(pool.Pool, "latency", lambda _: 0.0)
    monkeypatch.setattr(pool, "_threads", None)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", FEW)
def test_few_units_in_the_last_vector(name: str, dtype: str, any_work: None) -> None:
    """Several matrices share its lanes: the numbers are those of the reference, the bits those of any threads."""
    for hidden, steps in ((1, 1), (3, 2), (17, 2), (20, 1), (36, 2), (40, 2), (100, 1)):
        options = dict(input_size=hidden, hidden_size=hidden, sizes=SIZES.get(name), seed=3)
        native = gated.Recurrent(ZOO[name], backend="native", dtype=dtype, **options)
        reference = gated.Recurrent(ZOO[name], backend="reference", dtype=dtype, **options).astype("float64")
        found = []
        for threads in (1, 2, 3):
            gated.set_num_threads(threads)
            x = np.random.default_rng(7).standard_normal((steps, 7, hidden))
            state = tuple(np.random.default_rng(8).uniform(0.5, 1.0, s.shape) for s in native.initial_state(7))
            y, last = native.infer(x, state)
            alone = native.infer(x[:, :1], tuple(s[:, :1] for s in state))[0]
            found.append((y, *last, alone, native.forward(x, state)[0]))
        for one, two, three in zip(*found, strict=True):
            assert np.array_equal(one, two), f"{name}, {hidden}: other bits with two threads"
            assert np.array_equal(one, three), f"{name}, {hidden}: other bits with three threads"
        want_y, want_last = reference.infer(x, state)
        for got, want in zip(found[0], (want_y, *want_last, want_y[:, :1], want_y), strict=True):
            assert norm_error(got, want) <= TOLERANCE[dtype], f"{name}, {hidden}: off by {norm_error(got, want):.1e}"
        # all gradients in one norm: that of a single unit's bias is one number, of which nothing may be left
        got, want = ({key: a.ravel() for key, a in results(n, steps, 5, None).items()} for n in (native, reference))
        error = norm_error(np.concatenate([*got.values()]), np.concatenate([want[key] for key in got]))
        assert error <= TOLERANCE[dtype], f"{name}, {hidden}: gradients are off by {error:.1e}"


def check(name: str, dtype: str, case: str) -> None:
    options = dict(CASES[case])
    call = {"steps": options.pop("steps"), "batch": options.pop("batch"), "lengths": options.pop("lengths", None)}
    options |= {"dtype": dtype, "sizes": SIZES.get(name), "seed": 3}
    native = results(layer_of(ZOO[name], backend="native", **options), **call)
    # the reference in float64: what float32 is measured against is the true value
    reference = results(layer_of(ZOO[name], backend="reference", **options).astype("float64"), **call)
    for key, want in reference.items():
        error = norm_error(native[key], want)
        assert error <= LOOSER.get(name, 1.0) * TOLERANCE[dtype], f"{name}, {case}: {key} is off by {error:.1e}"


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", FEW)
def test_same_numbers_as_the_reference(name: str, dtype: str, threads: int, any_work: None) -> None:
    gated.set_num_threads(threads)
    for case in CASES:
        check(name, dtype, case)


@pytest.mark.parametrize("name", REST)
def test_same_numbers_for_the_rest_of_the_zoo(name: str) -> None:
    check(name, "float64", "many rows" if name in ONE_LAYER else "lengths, layers, directions")
    check(name, "float32", "odd sizes")


def test_results_do_not_depend_on_the_number_of_threads(any_work: None) -> None:
    layer = gated.LSTM(5, 21, backend="native")
    found = []
    for threads in (1, 2, 3):
        gated.set_num_threads(threads)
        found.append(results(layer, 9, 7, [9, 3, 1, 9, 8, 4, 2]))
    for other in found[1:]:
        for key, value in found[0].items():
            np.testing.assert_array_equal(value, other[key], err_msg=key)


def test_a_nan_stays_in_its_sequence() -> None:
    layer = gated.GRU(4, 18, backend="native", dtype="float64")
    x = np.random.default_rng(0).standard_normal((5, 6, 4))
    clean, _, _ = layer.forward(x)
    x[1, 2, 3] = np.nan
    y, _, _ = layer.forward(x)
    others = [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(y[:, others], clean[:, others])
    assert np.isnan(y[1:, 2]).all() and not np.isnan(y[0]).any()


@pytest.mark.parametrize("threads", [0, -1, 1025, 1.5, "2", True])
def test_number_of_threads_is_checked(threads: object) -> None:
    whole = type(threads) is int
    error = gated.errors.ArgumentError if whole else gated.errors.ArgumentTypeError
    words = "(a whole number of at least 1|at most 1024)" if whole else "a whole number"
    with pytest.raises(error, match=f"^threads: got {threads!r}, expected {words}"):
        gated.set_num_threads(threads)
