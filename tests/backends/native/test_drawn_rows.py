"""Random numbers by their places, in machine code: as the reference draws them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gated
from gated.backends.draws import philox
from gated.backends.native.machine.target import hosts

from .vector_arrays import CANARY, DTYPES, THREADS, Array, native, reference, without_help

pytestmark = pytest.mark.usefixtures("small_work")
KEY, WORD = 2**63 + 12345, 3 << 16 | 1 << 15 | 2
LAWS = (("bernoulli", 0.93), ("bernoulli", 0.0), ("bernoulli", 1.0), ("bernoulli", 1e-9), ("normal", 0.1))


def test_the_generator_is_philox() -> None:
    """The known answers of its authors' library, Random123."""
    known = {
        ((0, 0, 0, 0), 0): (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
        ((0xFFFFFFFF,) * 4, 2**64 - 1): (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), 0x299F31D0A4093822): (
            0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1,
        ),
    }  # fmt: skip
    for (counter, key), wanted in known.items():
        assert tuple(int(word) for word in philox(counter, key)) == wanted  # type: ignore[arg-type]


def drawn(backend: Any, kind: str, value: float, rows: tuple[Array | None, Array], size: int, dtype: str) -> Array:
    """In columns of a larger array, which must stay as they are around them; for so many rows."""
    room = np.full((len(rows[1]), size + 9), CANARY, dtype)
    backend.draw_rows(KEY, WORD, kind, value, *rows, room[:, 4 : 4 + size])
    assert (room[:, :4] == CANARY).all()
    assert (room[:, 4 + size :] == CANARY).all()
    return room[:, 4 : 4 + size]


@pytest.mark.parametrize("instructions", list(hosts()))
@pytest.mark.parametrize("dtype", DTYPES)
def test_as_the_reference_draws(dtype: str, instructions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_help(monkeypatch, "draw_rows")
    monkeypatch.setenv("GATED_CPU", instructions)
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 5, 16, 31, 33, 130):
        count = 1 if size == 16 else 13
        steps, sequences = rng.integers(0, 2**31, count), rng.integers(0, 1000, count)
        for kind, value in LAWS:
            for rows in ((steps, sequences), (None, sequences)):
                wanted = drawn(reference, kind, value, rows, size, dtype)
                for threads in THREADS:
                    gated.set_num_threads(threads)
                    found = drawn(native, kind, value, rows, size, dtype)
                    if kind == "bernoulli" or threads > 1:
                        np.testing.assert_array_equal(found, wanted)
                    else:  # the same to rounding; from one thread to several to the bit
                        np.testing.assert_allclose(found, wanted, rtol=4 * np.finfo(dtype).eps, atol=1e-16)
                        wanted = found


def test_arrays_that_machine_code_cannot_take() -> None:
    steps, sequences = np.arange(6), np.arange(6)[::-1]
    wanted = np.empty((6, 5))
    reference.draw_rows(KEY, WORD, "bernoulli", 0.5, steps, sequences, wanted)
    for room in (np.empty((5, 6)).T, np.empty((12, 5))[::2], np.empty((6, 10))[:, ::2], np.empty((6, 5), ">f8")):
        native.draw_rows(KEY, WORD, "bernoulli", 0.5, steps, sequences, room)
        np.testing.assert_array_equal(room, wanted)
    with pytest.raises((ValueError, IndexError)):  # too few rows
        native.draw_rows(KEY, WORD, "bernoulli", 0.5, steps[:5], np.arange(5), wanted)
    with pytest.raises(ValueError, match="read-only"):
        native.draw_rows(KEY, WORD, "normal", 0.5, steps, sequences, np.broadcast_to(wanted, (6, 5)))


def test_their_distribution() -> None:
    """A million of each: mean and deviation, and none that hangs on its neighbour."""
    rows = np.repeat(np.arange(100), 80), np.tile(np.arange(80), 100)
    out = np.empty((8000, 125))
    for kind, value, mean, deviation in (("bernoulli", 0.9, 0.9, 0.3), ("normal", 2.0, 0.0, 2.0)):
        native.draw_rows(KEY, WORD, kind, value, *rows, out)
        assert abs(out.mean() - mean) < 5e-3 * deviation
        assert abs(out.std() - deviation) < 5e-3 * deviation
        free = (out - mean) / deviation
        for one, other in ((free[:, :-1], free[:, 1:]), (free[:-1], free[1:]), (free[:-80], free[80:])):
            assert abs((one * other).mean()) < 5e-3
