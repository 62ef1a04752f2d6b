"""Rows of a table by number, in machine code: what is looked up, and the sums of what comes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gated
from gated.backends.native.machine.target import hosts

from .vector_arrays import CANARY, DTYPES, THREADS, Array, native, reference, without_help

pytestmark = pytest.mark.usefixtures("small_work")


@pytest.fixture
def no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    without_help(monkeypatch, "look_up", "look_up_backward")


def table_of(count: int, size: int, dtype: str) -> Array:
    return np.random.default_rng(count * size).standard_normal((count, size)).astype(dtype)


def sums_in_order(ids: Array, dy: Array, count: int) -> Array:
    """Row after row, in float64, rounded once."""
    found = np.zeros((count, dy.shape[-1]))
    for number, row in zip(ids.ravel().tolist(), dy.reshape(-1, dy.shape[-1]), strict=True):
        found[number] += row
    return found.astype(dy.dtype)


def framed(count: int, size: int, dtype: str) -> tuple[Array, Array]:
    """Zeros (count, size) with canaries around; and all of it."""
    room = np.full(count * size + 67, CANARY, dtype)
    into = room[33 : 33 + count * size].reshape(count, size)
    into[...] = 0.0
    return into, room


def intact(room: Array, numbers: int) -> bool:
    return bool((room[:33] == CANARY).all() and (room[33 + numbers :] == CANARY).all())


SHAPES: dict[str, tuple[int, int, tuple[int, ...]]] = {  # rows of the table, their length, shape of the ids
    "one": (1, 1, (1,)),
    "no dimension": (3, 5, ()),
    "a batch": (10, 7, (5, 3)),
    "as wide as a vector": (20, 16, (9, 4)),
    "several vectors and a rest": (50, 77, (11, 13)),
    "a chunk of vectors": (7, 64, (40, 2)),
    "more than a chunk": (7, 150, (2, 3, 4)),
    "few ids of many": (100_003, 3, (6,)),
    "many rows of few": (2, 33, (700,)),
}


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("instructions", list(hosts()))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_looked_up_and_summed(shape: str, dtype: str, instructions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_CPU", instructions)
    count, size, of_ids = SHAPES[shape]
    rng = np.random.default_rng(1)
    ids, table = rng.integers(0, count, of_ids), table_of(count, size, dtype)
    dy = rng.standard_normal((*of_ids, size)).astype(dtype)
    dy[..., 0] = -0.0
    wanted = sums_in_order(ids, dy, count)
    for threads in THREADS:
        gated.set_num_threads(threads)
        found = native.look_up(table, ids)
        assert found.dtype == table.dtype
        np.testing.assert_array_equal(found, table[ids])
        into, room = framed(count, size, dtype)
        native.look_up_backward(ids, dy, into)
        np.testing.assert_array_equal(into, wanted)
        assert intact(room, into.size)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_the_ids(data: st.DataObject) -> None:
    count, size, dtype = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 40)), data.draw(st.sampled_from(DTYPES))
    ids = np.array(data.draw(st.lists(st.integers(0, count - 1), max_size=60)), np.int64)
    gated.set_num_threads(data.draw(st.sampled_from(THREADS)))
    dy = np.random.default_rng(len(ids)).standard_normal((len(ids), size)).astype(dtype)
    into, room = framed(count, size, dtype)
    native.look_up_backward(ids, dy, into)
    np.testing.assert_array_equal(into, sums_in_order(ids, dy, count))
    assert intact(room, into.size)
    np.testing.assert_array_equal(native.look_up(table_of(count, size, dtype), ids), table_of(count, size, dtype)[ids])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sum_is_that_of_the_reference(dtype: str) -> None:
    """It adds in pairs: the same to rounding in float64, which float32 does not show but where it falls on an edge."""
    rng = np.random.default_rng(2)
    ids, dy = rng.integers(0, 30, (64, 32)), rng.standard_normal((64, 32, 48)).astype(dtype)
    found, wanted = (np.zeros((30, 48), dtype) for _ in range(2))
    native.look_up_backward(ids, dy, found)
    reference.look_up_backward(ids, dy, wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-12 if dtype == "float64" else 2e-7, atol=1e-13)


@pytest.mark.usefixtures("no_reference")
def test_a_sum_keeps_what_float32_would_lose() -> None:
    ids = np.zeros(100_001, np.int64)
    dy = np.full((len(ids), 2), 1e-3, "float32")
    dy[0] = 3e4
    into = np.zeros((1, 2), "float32")
    native.look_up_backward(ids, dy, into)
    np.testing.assert_array_equal(into, dy.astype("float64").sum(0, keepdims=True).astype("float32"))


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", ">i4", "uint64", "int64"])
def test_ids_of_any_whole_dtype(kind: str) -> None:
    ids, table = np.array([[3, 0, 3], [1, 2, 0]]).astype(kind), table_of(4, 5, "float32")
    np.testing.assert_array_equal(native.look_up(table, ids), table[ids])
    into = np.zeros((4, 5), "float32")
    native.look_up_backward(ids.T, table[ids.T], into)
    np.testing.assert_allclose(into, table * np.array([[2], [1], [1], [2]], "float32"), rtol=1e-6)


@pytest.mark.parametrize("bad", [4, -5, 2**40, -(2**62), 2**62])
@pytest.mark.parametrize("place", [0, 30, -1])
def test_no_memory_outside_the_table(bad: int, place: int) -> None:
    ids, table, room = np.zeros(61, np.int64), *framed(4, 3, "float64")
    ids[place] = bad
    for threads in THREADS:
        gated.set_num_threads(threads)
        with pytest.raises(IndexError, match="out of bounds"):
            native.look_up(table, ids)
        with pytest.raises(IndexError, match="out of bounds"):
            native.look_up_backward(ids, np.ones((61, 3)), table)
    assert intact(room, table.size) and not table.any()


def test_an_id_too_large_for_a_sign_is_numpy_s() -> None:
    ids, table = np.array([2**64 - 1], np.uint64), table_of(4, 3, "float64")
    np.testing.assert_array_equal(native.look_up(table, ids), reference.look_up(table, ids))
    with pytest.raises(IndexError, match="out of bounds"):
        native.look_up(table, np.array([2**63], np.uint64))


def test_ids_from_the_end_are_numpy_s() -> None:
    ids, table = np.array([-1, 2, -4]), table_of(4, 5, "float64")
    np.testing.assert_array_equal(native.look_up(table, ids), table[ids])
    found, wanted = np.zeros((4, 5)), np.zeros((4, 5))
    native.look_up_backward(ids, table[ids], found)
    reference.look_up_backward(ids, table[ids], wanted)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", ["float16", "longdouble", "float64"])
def test_what_machine_code_cannot_take_is_the_reference_s(dtype: str) -> None:
    """Another dtype, or a table that is not contiguous, as a view of other parameters may be."""
    table = np.asfortranarray(table_of(6, 5, "float64").astype(dtype))
    ids = np.array([1, 5, 1])
    np.testing.assert_array_equal(native.look_up(table, ids), table[ids])
    into = np.asfortranarray(np.zeros((6, 5), dtype))
    native.look_up_backward(ids, table[ids], into)
    np.testing.assert_array_equal(into[[1, 5]], [table[1] + table[1], table[5]])
    native.look_up_backward(ids[:0], table[:0], into)
    assert native.look_up(table, ids[:0]).shape == (0, 5)


@pytest.mark.usefixtures("no_reference")
def test_dy_need_not_be_contiguous() -> None:
    ids, dy = np.array([[0, 2], [2, 1], [0, 0]]), table_of(6, 8, "float32").reshape(3, 2, 8)
    into = np.zeros((3, 4), "float32")
    native.look_up_backward(ids, dy[:, :, ::2], into)
    np.testing.assert_array_equal(into, sums_in_order(ids, dy[:, :, ::2], 3))


def test_sizes_that_differ_are_never_given_to_machine_code() -> None:
    with pytest.raises((ValueError, IndexError)):
        native.look_up_backward(np.array([0, 1, 1]), np.ones((2, 4)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="read-only"):
        native.look_up_backward(np.array([0]), np.ones((1, 4)), np.broadcast_to(np.zeros(4), (3, 4)))


def test_an_embedding_trains_alike_in_both() -> None:
    def gradient(backend: str) -> Array:
        layer = gated.Embedding(40, 24, seed=3, backend=backend)
        ids = np.random.default_rng(0).integers(0, 40, (32, 16))
        y, _, tape = layer.forward(ids)
        return np.array(layer.backward(tape, np.cos(y))[2].vector)

    np.testing.assert_allclose(gradient("native"), gradient("reference"), rtol=2e-7)
