"""The bank of filters: what it sees changes with form, colour, place, and with nothing else."""

import numpy as np
import pytest

from gated.data import filter_bank as bank
from gated.data.filter_bank import filter_bank
from gated.data.scenes import draw, random_scene
from gated.errors import ArgumentError, ArgumentTypeError

FORM = slice(0, bank.numbers() - bank.COLOURS - bank.AREA)
COLOUR = slice(FORM.stop, FORM.stop + bank.COLOURS)


def square(colour, left=22, top=22, size=64, side=14, ground=240):
    picture = np.full((size, size, 3), ground, np.uint8)
    picture[top : top + side, left : left + side] = colour
    return picture


def test_shapes_and_dtypes():
    pictures = np.stack([draw(random_scene(seed)) for seed in range(3)])
    found = filter_bank(pictures)
    assert found.shape == (3, 9, bank.numbers()) and found.dtype == np.float32 and np.isfinite(found).all()
    assert filter_bank(pictures[0], grid=2).shape == (1, 4, bank.numbers())
    assert bank.weights().shape == (bank.numbers(),)


def test_form_knows_no_colour_and_colour_knows_no_form():
    red, blue = (filter_bank(square(colour))[0] for colour in ((214, 40, 40), (38, 92, 214)))
    np.testing.assert_allclose(red[:, FORM], blue[:, FORM], rtol=0, atol=1e-6)
    assert np.abs(red[4, COLOUR] - blue[4, COLOUR]).max() > 0.2
    narrow = square((214, 40, 40))
    narrow[22:36, 22:29] = 240
    thin = filter_bank(narrow)[0]
    np.testing.assert_allclose(thin[4, COLOUR], red[4, COLOUR], rtol=0, atol=0.02)
    assert np.abs(thin[4, FORM] - red[4, FORM]).max() > 0.05


def test_what_moves_by_a_place_is_seen_there():
    """Places are a quarter of the side apart."""
    middle, right, low = (filter_bank(square((0, 0, 0), left, top))[0] for left, top in ((25, 25), (41, 25), (25, 41)))
    np.testing.assert_allclose(right[5], middle[4], rtol=0, atol=1e-5)
    np.testing.assert_allclose(low[7], middle[4], rtol=0, atol=1e-5)
    assert np.abs(right[4] - middle[4]).max() > 0.1


def test_an_empty_picture_has_nothing_in_it():
    np.testing.assert_allclose(filter_bank(np.full((1, 64, 64, 3), 200, np.uint8)), 0.0, atol=1e-6)


def test_answers_are_convolutions():
    """By the sum itself, at some pixels."""
    map_ = np.random.default_rng(0).random((1, 24, 24)).astype(np.float32)
    answers = bank._answers(map_)
    count = answers.shape[1] // 2
    signed = answers[:, :count] - answers[:, count:]
    spectra, whole = bank._kernels(24)
    kernels = np.fft.irfft2(spectra, s=(whole, whole))
    for row, column in ((0, 0), (11, 5), (23, 23)):
        rows, columns = (row - np.arange(24)) % whole, (column - np.arange(24)) % whole
        expected = (kernels[:, rows][:, :, columns] * map_[0]).sum((1, 2))
        np.testing.assert_allclose(signed[0, :, row, column], expected, rtol=0, atol=1e-4)


def test_other_sizes_are_brought_to_the_same():
    small = draw(random_scene(3), 64)
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(filter_bank(large), filter_bank(small))
    np.testing.assert_array_equal(filter_bank(small, size=32).shape, (1, 9, bank.numbers()))


def test_progress_is_told():
    told = []
    filter_bank(np.zeros((70, 16, 16, 3), np.uint8), size=16, progress=lambda *own: told.append(own))
    assert told == [(64, 70), (70, 70)]


WRONG = [
    ({"pictures": np.zeros((2, 8, 8), np.uint8)}, "pictures: got an array of shape"),
    ({"pictures": np.zeros((2, 8, 8, 3))}, "expected .* uint8"),
    ({"pictures": np.zeros((0, 8, 8, 3), np.uint8)}, "pictures: got"),
    ({"size": 8}, "size: got 8"),
    ({"grid": 0}, "grid: got 0"),
    ({"progress": 3}, "progress: got int 3"),
]


@pytest.mark.parametrize("changes, message", WRONG)
def test_wrong_arguments_are_told(changes, message):
    given = {"pictures": np.zeros((1, 64, 64, 3), np.uint8)} | changes
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        filter_bank(given.pop("pictures"), **given)
