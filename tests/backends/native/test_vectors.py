"""Whole vectors in machine code: the reference's bits, whatever the processor, the threads and the place in memory.

The sum of squares alone is made in another order than NumPy's: it has the same bits for any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gated
from gated.backends import get_backend
from gated.backends.native.machine.target import hosts
from gated.backends.native.passes import tasks
from gated.backends.native.threads import pool
from gated.backends.native.tuning import TRIED, tuning_for
from gated.backends.reference import updates
from gated.backends.reference.arithmetic import NumPyArithmetic

Array = np.ndarray[Any, Any]
SIZES = (0, 1, 7, 16, 33, 4097, 1_000_003)
THREADS = (1, 2, 3)
DTYPES = ("float32", "float64")
CANARY = 7.25
SGD = {"lr": 0.1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
RMS = {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "momentum": 0.0}
ADAM = {"lr": 0.01, "b1": 0.9, "b2": 0.999, "eps": 1e-8, "updates": 3}
RULES: dict[str, tuple[Any, tuple[str, ...], dict[str, Any]]] = {
    "sgd": (updates.sgd, (), SGD),
    "sgd decay": (updates.sgd, (), SGD | {"weight_decay": 0.01}),
    "sgd momentum": (updates.sgd, ("momentum",), SGD | {"momentum": 0.9}),
    "sgd momentum decay": (updates.sgd, ("momentum",), SGD | {"momentum": 0.9, "weight_decay": 0.01}),
    "sgd nesterov": (updates.sgd, ("momentum",), SGD | {"momentum": 0.9, "nesterov": True}),
    "sgd nesterov decay": (
        updates.sgd,
        ("momentum",),
        SGD | {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    "sgd nesterov without momentum": (updates.sgd, (), SGD | {"nesterov": True}),
    "rmsprop": (updates.rmsprop, ("mean_square",), RMS),
    "rmsprop momentum": (updates.rmsprop, ("mean_square", "momentum"), RMS | {"momentum": 0.5}),
    "adam": (updates.adam, ("mean", "mean_square"), ADAM),
    "adam decay": (updates.adam, ("mean", "mean_square"), ADAM | {"decay": 0.9}),
}
native, reference = get_backend("native"), get_backend("reference")


@pytest.fixture(autouse=True)
def small_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every piece of work is worth threads here, and every vector a call of machine code."""
    monkeypatch.setitem(TRIED, "worthwhile", 1.0)
    monkeypatch.setitem(TRIED, "few_bytes", 0)
    before = pool._threads
    yield
    pool._threads = before


@pytest.fixture
def no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The native backend gets no help."""

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("the reference was asked")

    for name in ("norm", "all_finite", "scale", "add", "update"):
        monkeypatch.setattr(reference, name, getattr(reference, name), raising=False)
        monkeypatch.setattr(NumPyArithmetic, name, refuse)


def between_canaries(values: Array, offset: int = 1) -> tuple[Array, Array]:
    """A copy of a vector that begins so many numbers behind a cache line; and all the memory around it."""
    room = np.full(values.size + offset + 32, CANARY, values.dtype)
    begin = -room.ctypes.data % 64 // values.itemsize + offset
    vector = room[begin : begin + values.size]
    vector[...] = values
    return vector, room


def intact(vector: Array, room: Array) -> bool:
    begin = (vector.ctypes.data - room.ctypes.data) // room.itemsize
    return bool((room[:begin] == CANARY).all() and (room[begin + vector.size :] == CANARY).all())


def numbers(size: int, dtype: str, seed: int = 0) -> Array:
    """Ordinary ones, very large and very small ones, zeros of both signs."""
    rng = np.random.default_rng(seed)
    found = (rng.standard_normal(size) * 10.0 ** rng.integers(-12, 3, size)).astype(dtype)
    tiny = np.finfo(dtype).smallest_subnormal
    for k, special in enumerate((0.0, -0.0, tiny, -tiny * 3, np.sqrt(np.finfo(dtype).max) / 4)):
        found[k + 2 :: 101] = special
    return found


def updated(backend: Any, name: str, arrays: list[Array], **changed: Any) -> None:
    rule, buffers, options = RULES[name]
    theta, gradient, *own = arrays
    scratch = np.empty_like(theta), np.empty_like(theta)
    with np.errstate(all="ignore"):
        backend.update(rule, theta, gradient, dict(zip(buffers, own, strict=True)), scratch, **options | changed)


def arrays_for(name: str, size: int, dtype: str) -> list[Array]:
    """theta, gradient, buffers; a mean of squares is not negative."""
    found = [numbers(size, dtype, seed) for seed in range(2 + len(RULES[name][1]))]
    return [
        abs(array) if kind == "mean_square" else array
        for kind, array in zip(("theta", "gradient", *RULES[name][1]), found, strict=True)
    ]


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RULES)
def test_an_update_is_that_of_the_reference_to_the_bit(name: str, dtype: str) -> None:
    for size in SIZES:
        wanted = arrays_for(name, size, dtype)
        for _ in range(2):
            updated(reference, name, wanted)
        for threads in THREADS:
            gated.set_num_threads(threads)
            placed = [between_canaries(array, 1 + k) for k, array in enumerate(arrays_for(name, size, dtype))]
            found = [array for array, _ in placed]
            found[1].flags.writeable = False
            for _ in range(2):
                updated(native, name, found)
            for array, want, (_, room) in zip(found, wanted, placed, strict=True):
                np.testing.assert_array_equal(array, want)
                np.testing.assert_array_equal(np.signbit(array), np.signbit(want))
                assert intact(array, room)


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("instructions", list(hosts()))
def test_every_processor_makes_the_same(instructions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_CPU", instructions)
    for dtype in DTYPES:
        for name in RULES:
            found, wanted = (arrays_for(name, 10_007, dtype) for _ in range(2))
            updated(native, name, found)
            updated(reference, name, wanted)
            for array, want in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(array, want)
        vector = np.random.default_rng(0).standard_normal(10_007).astype(dtype)
        with monkeypatch.context() as widest:
            widest.setenv("GATED_CPU", "")
            norm = native.norm(vector)
        assert native.norm(vector) == norm


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RULES)
def test_nan_and_inf_go_where_they_go_in_the_reference(name: str, dtype: str) -> None:
    found, wanted = ([array.copy() for array in arrays_for(name, 41, dtype)] for _ in range(2))
    for arrays in (found, wanted):
        for k, array in enumerate(arrays):
            array[3 * k : 3 * k + 3] = np.nan, np.inf, -np.inf
            array[-1 - k] = np.nan
    updated(native, name, found)
    updated(reference, name, wanted)
    for array, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(array, want)


part = st.floats(0.0, 1.0, exclude_max=True)
OPTIONS = {
    "momentum": part,
    "weight_decay": st.floats(0.0, 10.0),
    "nesterov": st.booleans(),
    "alpha": part,
    "b1": part,
    "b2": part,
    "lr": st.floats(0.0, 100.0),
    "eps": st.floats(1e-20, 1.0),
    "updates": st.integers(1, 10_000),
    "decay": st.floats(-1.0, 1.0),
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_the_options(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(("sgd momentum", "rmsprop momentum", "adam decay")))
    options = {name: data.draw(OPTIONS[name], name) for name in RULES[rule][2]}
    if options["lr"] and rule == "adam decay" and options["b1"] ** options["updates"] == 1.0:
        return  # b1 so near to 1 that nothing is left
    gated.set_num_threads(data.draw(st.sampled_from(THREADS)))
    dtype, size = data.draw(st.sampled_from(DTYPES)), data.draw(st.integers(0, 70))
    placed = [between_canaries(array, data.draw(st.integers(0, 16))) for array in arrays_for(rule, size, dtype)]
    wanted = [array.copy() for array, _ in placed]
    updated(native, rule, [array for array, _ in placed], **options)
    updated(reference, rule, wanted, **options)
    for (array, room), want in zip(placed, wanted, strict=True):
        np.testing.assert_array_equal(array, want)
        assert intact(array, room)


def test_every_option_does_something() -> None:
    for name, (_, _, options) in RULES.items():
        for option, value in options.items():
            if not value or option == "nesterov" or (option == "lr" and not value):
                continue
            one, other = (arrays_for(name, 5, "float64") for _ in range(2))
            updated(native, name, one)
            updated(native, name, other, **{option: value * 1.5 if option in ("lr", "eps", "updates") else value / 2})
            assert any((a != b).any() for a, b in zip(one, other, strict=True)), (name, option)


def exact_norm(vector: Array) -> float:
    return math.sqrt(math.fsum(float(x) * float(x) for x in vector))


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_norm_has_the_same_bits_for_any_number_of_threads(dtype: str) -> None:
    for size in (*SIZES, tuning_for().square_piece - 1, tuning_for().square_piece):
        values = np.random.default_rng(size).standard_normal(size).astype(dtype)
        found = set()
        for threads in THREADS:
            gated.set_num_threads(threads)
            for offset in (0, 1, 3):
                vector, room = between_canaries(values, offset)
                found.add(native.norm(vector))
                assert intact(vector, room)
        assert len(found) == 1
        assert found.pop() == pytest.approx(exact_norm(values), rel=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_norm_at_the_limits(dtype: str) -> None:
    large, small = np.finfo(dtype).max, np.finfo(dtype).tiny
    for values in ([large / 4] * 9, [large] * 2, [small] * 5, [small / 4], [0.0], [-0.0], [3.0, -4.0], [large, np.inf]):
        vector = np.array(values * 3, dtype)
        assert native.norm(vector) == pytest.approx(reference.norm(vector), rel=1e-14), values
    for place in (0, 20, -1):
        for bad in (np.nan, np.inf, -np.inf):
            vector = numbers(4100, dtype)
            vector[place] = bad
            np.testing.assert_equal(native.norm(vector), reference.norm(vector))
            assert not native.all_finite(vector)
    vector[7] = np.nan
    np.testing.assert_equal(native.norm(vector), np.nan)


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_number_that_is_not_finite_is_seen_everywhere(dtype: str) -> None:
    extremes = [np.finfo(dtype).max, np.finfo(dtype).min, np.finfo(dtype).smallest_subnormal, -0.0]
    for threads in THREADS:
        gated.set_num_threads(threads)
        for size in (1, 2, 7, 15, 16, 17, 40):
            values = np.resize(np.array(extremes, dtype), size)
            assert native.all_finite(values)
            for place in range(size):
                for bad in (np.nan, -np.nan, np.inf, -np.inf):
                    vector, _ = between_canaries(values, 1)
                    vector[place] = bad
                    assert not native.all_finite(vector), (size, place, bad)
    beside = np.array([np.nan, 1.0, np.inf], dtype)
    assert native.all_finite(beside[1:2]) and native.all_finite(beside[:0])


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("dtype", DTYPES)
def test_scaled_and_added_as_numpy_does_it(dtype: str) -> None:
    for threads in THREADS:
        gated.set_num_threads(threads)
        for size in SIZES:
            for factor in (0.0, -1 / 3, 1e-30, 1e30):
                vector, room = between_canaries(numbers(size, dtype))
                native.scale(vector, factor)
                with np.errstate(over="ignore"):
                    wanted = numbers(size, dtype) * np.dtype(dtype).type(factor)
                np.testing.assert_array_equal(vector, wanted)
                assert intact(vector, room)
            into, room = between_canaries(numbers(size, dtype))
            part_, _ = between_canaries(numbers(size, dtype, 1), 2)
            part_.flags.writeable = False
            native.add(part_, into)
            np.testing.assert_array_equal(into, numbers(size, dtype) + numbers(size, dtype, 1))
            assert intact(into, room)
    into, more = numbers(12, dtype).reshape(3, 4), numbers(12, dtype, 1).reshape(3, 4)
    native.add(more, into)
    np.testing.assert_array_equal(into, (numbers(12, dtype) + numbers(12, dtype, 1)).reshape(3, 4))


# what machine code cannot take

ODD: dict[str, Callable[[Array], Array]] = {
    "every other number": lambda vector: np.repeat(vector, 2)[::2],
    "backwards": lambda vector: vector[::-1].copy()[::-1],
    "another order of bytes": lambda vector: vector.astype(vector.dtype.newbyteorder()),
    "unaligned": lambda vector: np.frombuffer(bytearray(b" " + vector.tobytes()), vector.dtype, offset=1),
    "half precision": lambda vector: vector.astype("float16"),
    "long": lambda vector: vector.astype("longdouble"),
}


@pytest.mark.parametrize("how", ODD)
def test_what_machine_code_cannot_take_is_the_reference_s(how: str) -> None:
    def made() -> list[Array]:
        return [ODD[how](array.clip(-100, 100)) for array in arrays_for("adam", 37, "float64")]

    found, wanted = made(), made()
    for backend, arrays in ((native, found), (reference, wanted)):
        updated(backend, "adam", arrays)
        backend.scale(arrays[0], 0.5)
        backend.add(arrays[1], arrays[0])
    for array, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(array, want)
    with np.errstate(all="ignore"):
        np.testing.assert_equal(native.norm(found[0]), reference.norm(wanted[0]))
        assert native.all_finite(found[0]) == reference.all_finite(wanted[0])


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_arrays_that_share_memory(shift: int) -> None:
    """As the reference does it, one operation after the other."""
    results = []
    for backend in (native, reference):
        room = numbers(80, "float64")
        backend.add(room[shift : shift + 40], room[:40])
        arrays = [room[:40], room[shift : shift + 40], room[40:]]
        updated(backend, "sgd momentum", arrays)
        results.append(room)
    np.testing.assert_array_equal(*results)


def test_what_cannot_be_written_is_refused() -> None:
    frozen = np.ones(5)
    frozen.flags.writeable = False
    for call in (
        lambda: native.scale(frozen, 2.0),
        lambda: native.add(np.ones(5), frozen),
        lambda: updated(native, "sgd", [frozen, np.ones(5)]),
        lambda: updated(native, "sgd momentum", [np.ones(5), np.ones(5), frozen]),
    ):
        with pytest.raises(ValueError, match="read-only"):
            call()
    assert (frozen == 1.0).all()


def test_sizes_that_differ_are_never_given_to_machine_code() -> None:
    for arrays in ([np.ones(5), np.ones(4), np.ones(5)], [np.ones(5), np.ones(5), np.ones(4)]):
        with pytest.raises(ValueError, match="broadcast"):
            updated(native, "sgd momentum", arrays)
    with pytest.raises(ValueError, match="broadcast"):
        native.add(np.ones(5), np.ones(4))
    into = np.ones((3, 4))
    native.add(np.ones(4), into)
    assert (into == 2.0).all()


def test_a_rule_of_somebody_s_own() -> None:
    def rule(theta: Array, g: Array, buffers: Any, scratch: Any, *, lr: float) -> None:
        theta -= lr * np.sign(g)

    theta, gradient = np.zeros(3), np.array([2.0, -3.0, 0.0])
    native.update(rule, theta, gradient, {}, (theta.copy(), theta.copy()), lr=0.5)
    np.testing.assert_array_equal(theta, [-0.5, 0.5, 0.0])


def test_many_callers_at_once() -> None:
    gated.set_num_threads(2)

    def trained(seed: int) -> tuple[Array, float]:
        arrays = [array + seed for array in arrays_for("adam", 50_021, "float32")]
        for _ in range(20):
            updated(native, "adam", arrays)
        return arrays[0], native.norm(arrays[0])

    with ThreadPoolExecutor(4) as callers:
        found = list(callers.map(trained, range(8)))
    for seed, (theta, norm) in enumerate(found):
        wanted, norm_alone = trained(seed)
        np.testing.assert_array_equal(theta, wanted)
        assert norm == norm_alone


def test_a_call_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code for another one is not kept in its place."""
    for name in hosts():
        monkeypatch.setenv("GATED_CPU", name)
        assert tasks.kernels(np.dtype("float32")).here is hosts()[name]
