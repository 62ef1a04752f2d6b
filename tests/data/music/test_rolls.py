"""Rolls, what they are moved to, and how thick they are."""

import numpy as np
import pytest

from gated.data.music import HIGHEST, KEYS, LOWEST, Piece, check_roll, shifted, texture
from gated.data.music.rolls import room
from gated.errors import ArgumentError, ArgumentTypeError

from .makers import roll_of


def test_the_keys_are_those_of_a_piano():
    assert (LOWEST, HIGHEST, KEYS) == (21, 108, 88)


def test_a_roll_is_checked():
    assert check_roll("roll", np.ones((3, 88), bool)).dtype == np.uint8
    assert check_roll("roll", np.zeros((0, 88))).shape == (0, 88)
    with pytest.raises(ArgumentError, match=r"roll: got an array of shape \(3, 87\).*expected shape \(T, 88\)"):
        check_roll("roll", np.zeros((3, 87)))
    with pytest.raises(ArgumentError, match="roll: got other numbers, expected zeros and ones"):
        check_roll("roll", np.full((3, 88), 0.5))
    with pytest.raises(ArgumentError, match="roll: got other numbers"):
        check_roll("roll", np.full((1, 88), np.nan))
    with pytest.raises(ArgumentTypeError, match="roll: got an array .*expected zeros and ones"):
        check_roll("roll", np.full((3, 88), "a"))


def test_shifted_moves_every_key_and_loses_what_leaves_the_keyboard():
    roll = roll_of((21, 60), (108,), ())
    np.testing.assert_array_equal(shifted(roll, 0), roll)
    np.testing.assert_array_equal(shifted(roll, 3), roll_of((24, 63), (), ()))
    np.testing.assert_array_equal(shifted(roll, -1), roll_of((59,), (107,), ()))
    assert not shifted(roll, 88).any() and not shifted(roll, -88).any()
    for bad in (89, -89, 0.5):
        with pytest.raises((ArgumentError, ArgumentTypeError), match="semitones: got"):
            shifted(roll, bad)


def test_room_is_how_far_all_of_a_roll_can_go():
    roll = roll_of((25, 60), (100,))
    assert room(roll) == (4, 8)
    assert shifted(roll, -4).sum() == shifted(roll, 8).sum() == roll.sum()
    assert shifted(roll, -5).sum() < roll.sum() > shifted(roll, 9).sum()
    assert room(roll_of((), ())) == (0, 0)


@pytest.mark.parametrize("tonic", range(12))
def test_in_c_every_tonic_is_moved_by_six_semitones_at_most(tonic):
    written = Piece("a", "a", roll_of((60 + tonic,)), 4, tonic, "minor")
    piece = written.in_c()
    np.testing.assert_array_equal(shifted(piece.roll, -written.to_c), written.roll)
    (key,) = np.flatnonzero(piece.roll[0]) + LOWEST
    assert key % 12 == 0 and abs(key - 60 - tonic) <= 6
    assert (piece.tonic, piece.mode) == (0, "minor")


def test_texture_counts():
    first = roll_of((60, 64, 67, 72), (60, 64, 67, 73), (), (50,))
    found = texture([first, roll_of((60, 62))])
    assert found.notes == pytest.approx(11 / 5)
    assert found.spread == pytest.approx(np.std([4, 4, 0, 1, 2]))
    assert (found.four, found.silent) == (2 / 5, 1 / 5)
    assert found.held == pytest.approx(3 / 5)  # three of the five notes that are in no first step
    assert found.clashing == 1 / 5  # C and C sharp
    assert texture([roll_of((59, 84))]).clashing == 1.0  # B and C
    assert texture([roll_of((60, 62))]).clashing == 0.0
    with pytest.raises(ArgumentError, match="rolls: got no step"):
        texture([])
    with pytest.raises(ArgumentError, match=r"rolls\[1\]: got"):
        texture([first, np.zeros((2, 5))])
