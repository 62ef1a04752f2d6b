"""The counter-based generator: its authors' known answers, and the distributions that are made of it."""

from __future__ import annotations

import numpy as np
import pytest

from gated.backends.draws import Place, bernoulli, drawn, normal, philox, whole_numbers

# kat_vectors of Random123: counter, key -> answer
KNOWN = [
    ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, 0xFFFFFFFFFFFFFFFF, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        0x299F31D0A4093822,
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    assert tuple(int(word) for word in philox(counter, key)) == answer


def rows_of(key, place, steps, sequences, size, once=False):
    """(T, N, size) whole numbers."""
    t, n = np.divmod(np.arange(steps * sequences), sequences)
    return whole_numbers(key, place.word, None if once else t, n, size).reshape(steps, sequences, size)


def test_a_number_hangs_on_its_place_alone():
    whole = rows_of(7, Place(1, 0, 2), 5, 4, 9)
    part = rows_of(7, Place(1, 0, 2), 3, 2, 5)
    assert np.array_equal(whole[:3, :2, :5], part)
    others = [Place(0, 0, 2), Place(1, 1, 2), Place(1, 0, 1)]
    found = [rows_of(7, place, 5, 4, 9) for place in others]
    found += [rows_of(8, Place(1, 0, 2), 5, 4, 9), rows_of(7, Place(1, 0, 2), 1, 4, 9, True)]
    for other in found:
        assert not (whole == other).any()
    assert len(np.unique(whole)) == whole.size


def test_distributions():
    numbers = rows_of(3, Place(0, 0, 0), 50, 40, 100)
    assert numbers.max() < 2**32 and (numbers / 2**32).mean() == pytest.approx(0.5, abs=0.003)
    for p in (0.0, 0.1, 0.5, 1.0):
        ones = bernoulli(numbers, p, "float64")
        assert set(np.unique(ones)) <= {0.0, 1.0} and ones.mean() == pytest.approx(p, abs=0.004 if 0 < p < 1 else 0)
    values = normal(numbers, 2.0, "float64") / 2.0
    moments = [float((values**k).mean()) for k in range(1, 5)]
    assert moments == pytest.approx([0, 1, 0, 3], abs=0.04)
    assert abs(float((values[..., ::2] * values[..., 1::2]).mean())) < 0.01
    assert np.isfinite(normal(np.array([0, 2**32 - 1], np.uint64), 1.0, "float32")).all()
    once = drawn(3, Place(0, 0, 0).word, "normal", 1.0, None, np.arange(12) % 3, 5, "float32").reshape(4, 3, 5)
    assert (once == once[0]).all() and not (once[0, 0] == once[0, 1]).any()
