"""Whole vectors in machine code: what NumPy makes of them, whatever the threads and the place in memory.

The sum of squares is made in another order than NumPy's: it has the same bits for any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import gated
from gated.backends.native.machine.target import hosts
from gated.backends.native.passes import tasks
from gated.backends.native.tuning import tuning_for

from .vector_arrays import (
    DTYPES,
    SIZES,
    THREADS,
    Array,
    arrays_for,
    between_canaries,
    intact,
    native,
    numbers,
    reference,
    updated,
    without_help,
)

pytestmark = pytest.mark.usefixtures("small_work")


@pytest.fixture
def no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    without_help(monkeypatch, "norm", "all_finite", "scale", "add")


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


def test_a_call_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code for another one is not kept in its place."""
    for name in hosts():
        monkeypatch.setenv("GATED_CPU", name)
        assert tasks.kernels(np.dtype("float32")).here is hosts()[name]
