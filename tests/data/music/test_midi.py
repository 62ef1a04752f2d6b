"""A roll becomes a MIDI file and comes back."""

import numpy as np
import pytest

pytest.importorskip("music21")

from gated.data.music import write_midi
from gated.data.music.midi import midi_bytes
from gated.data.music.scores import read_score
from gated.errors import ArgumentError, ArgumentTypeError

from .makers import random_roll, roll_of


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_a_roll_comes_back(tmp_path, seed, held):
    rng = np.random.default_rng(seed)
    roll = np.repeat(random_roll(6, rng), rng.integers(1, 4, 6), axis=0)
    roll[[0, 5]] = 0  # silence at the beginning and within
    roll[:, [0, 87]] = rng.integers(0, 2, (len(roll), 2))  # the ends of the keyboard
    roll[-1, 40] = 1
    write_midi(tmp_path / "a.mid", roll, tempo=97.0, held=held)
    np.testing.assert_array_equal(read_score(tmp_path / "a.mid").roll, roll)


def test_it_is_a_standard_midi_file_with_the_notes_of_the_roll():
    """Read by the rules of the format alone: header, then events; on and off of every note, in ticks."""
    roll = roll_of((60, 64), (60,), (), (60,))

    def notes(held):
        content = midi_bytes(roll, 120.0, held)
        assert content[:4] == b"MThd" and content[4:8] == (6).to_bytes(4, "big")
        division, found, sounding = int.from_bytes(content[12:14], "big"), [], {}
        at = 14
        while at < len(content):
            assert content[at : at + 4] == b"MTrk"
            end = at + 8 + int.from_bytes(content[at + 4 : at + 8], "big")
            at, now = at + 8, 0
            while at < end:
                delta = 0
                while True:
                    delta, more = delta << 7 | content[at] & 127, content[at] >> 7
                    at += 1
                    if not more:
                        break
                now += delta
                status = content[at]
                if status == 0xFF:
                    if content[at + 1] == 0x51:
                        assert int.from_bytes(content[at + 3 : at + 6], "big") == 500_000  # 120 quarters a minute
                    at += 3 + content[at + 2]
                    continue
                if status >> 4 in (8, 9):
                    key, loud = content[at + 1 : at + 3]
                    if status >> 4 == 9 and loud:
                        sounding[key] = now
                    else:
                        found.append((sounding[key] / division, (now - sounding.pop(key)) / division, key))
                at += 2 if status >> 4 in (12, 13) else 3
        assert not sounding
        return sorted((round(start), round(length), key) for start, length, key in found)

    shift = notes(True)[0][0]  # of where the file begins
    assert notes(True) == [(shift, 1, 64), (shift, 2, 60), (shift + 3, 1, 60)]
    assert notes(False) == [(shift, 1, 60), (shift, 1, 64), (shift + 1, 1, 60), (shift + 3, 1, 60)]


def test_nothing_is_a_file_too(tmp_path):
    write_midi(tmp_path / "a.mid", np.zeros((0, 88)))
    assert (tmp_path / "a.mid").read_bytes().startswith(b"MThd")


def test_messages(tmp_path):
    roll = roll_of((60,))
    with pytest.raises(ArgumentTypeError, match="path: got None"):
        write_midi(None, roll)
    with pytest.raises(ArgumentError, match="tempo: got 0"):
        write_midi(tmp_path / "a.mid", roll, tempo=0)
    with pytest.raises(ArgumentTypeError, match="held: got"):
        write_midi(tmp_path / "a.mid", roll, held="yes")
    with pytest.raises(ArgumentError, match="roll: got"):
        write_midi(tmp_path / "a.mid", np.zeros((3, 5)))
    with pytest.raises(ArgumentError, match="nowhere"):
        write_midi(tmp_path / "nowhere" / "a.mid", roll)
    assert list(tmp_path.iterdir()) == []
