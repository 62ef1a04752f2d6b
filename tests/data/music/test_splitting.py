"""No music is on two sides of a split."""

import numpy as np
import pytest

from gated.data.music import shifted, split_pieces
from gated.data.music.splitting import COMMON, belonging, passages
from gated.errors import ArgumentError, ArgumentTypeError

from .makers import pieces, random_roll, roll_of


def names(split):
    return [{piece.name for piece in part} for part in split]


@pytest.mark.parametrize("seed", range(5))
def test_every_piece_is_in_one_part_and_no_group_in_two(seed):
    groups = [f"bwv{k}" for k in np.random.default_rng(seed).integers(0, 25, 60)]
    given = pieces(60, groups=groups)
    split = split_pieces(given, seed=seed)
    assert sorted(piece.name for part in split for piece in part) == sorted(piece.name for piece in given)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not {piece.group for piece in split[one]} & {piece.group for piece in split[other]}
    for part in (split.valid, split.test):
        assert 9 <= len(part) <= 12
    order = {piece.name: k for k, piece in enumerate(given)}
    for part in split:
        assert [order[piece.name] for piece in part] == sorted(order[piece.name] for piece in part)


def test_a_seed_gives_the_same_split_and_another_one_another():
    given = pieces(20)
    assert names(split_pieces(given, seed=3)) == names(split_pieces(given, seed=3)) != names(split_pieces(given))


def test_pieces_with_common_music_stay_together_in_whatever_key():
    rng = np.random.default_rng(0)
    given = pieces(30, steps=(20, 30))
    copied = given[4].roll[3 : 3 + COMMON]
    given[17] = given[17]._replace(roll=np.concatenate([random_roll(5, rng), shifted(copied, -3)]))
    given[25] = given[25]._replace(roll=np.concatenate([shifted(copied[:-1], 2), random_roll(5, rng)]))  # too short
    groups = belonging(given)
    assert groups[4] == groups[17]
    assert len(set(groups.tolist())) == 29
    for seed in range(20):
        parts = names(split_pieces(given, seed=seed))
        assert any({"piece4", "piece17"} <= part for part in parts)


def test_a_chord_that_is_held_is_no_common_music():
    held = np.repeat(roll_of((60, 64, 67)), 20, axis=0)
    assert list(passages(held)) == [] == list(passages(roll_of(*[()] * 20)))
    assert len(list(passages(random_roll(COMMON + 2, np.random.default_rng(0))))) == 3
    assert list(passages(random_roll(COMMON - 1, np.random.default_rng(0)))) == []


@pytest.mark.slow
def test_no_bwv_number_is_on_two_sides_of_the_chorales():
    """By names alone, which stand in the corpus: its pieces are not read."""
    pytest.importorskip("music21")
    from music21 import corpus

    from gated.data.music.scores import names_of

    found = [names_of(path) for path in corpus.getComposer("bach") if path.suffix in (".mxl", ".xml")]
    rng = np.random.default_rng(0)
    given = [pieces(1)[0]._replace(name=n, group=group, roll=random_roll(8, rng)) for n, group in found]
    for seed in range(3):
        split = split_pieces(given, seed=seed)
        numbers = [{piece.name.split(".")[0].split("-")[0] for piece in part} for part in split]
        assert not numbers[0] & numbers[1] and not numbers[0] & numbers[2] and not numbers[1] & numbers[2]
        assert [len(part) for part in split] == pytest.approx([246, 82, 82], abs=2)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"valid": 0.0}, "valid: got 0.0, expected a share between 0 and 1"),
        ({"test": 1.0}, "test: got 1.0"),
        ({"valid": 0.5, "test": 0.5}, "test: got 0.5 beside 0.5 of valid, expected less than 1 together"),
        ({"seed": -1}, "seed: got -1"),
    ],
)
def test_messages(changes, message):
    with pytest.raises(ArgumentError, match=message):
        split_pieces(pieces(9), **changes)


def test_messages_about_pieces():
    with pytest.raises(ArgumentError, match="pieces: got 9 that belong together in 2, expected at least three"):
        split_pieces(pieces(9, groups=["a"] * 5 + ["b"] * 4))
    with pytest.raises(ArgumentTypeError, match="pieces: got an array of shape .*expected pieces"):
        split_pieces([piece.roll for piece in pieces(3)])


@pytest.mark.parametrize("count", [3, 4, 7])
def test_few_pieces_are_split_too(count):
    assert all(split_pieces(pieces(count)))
