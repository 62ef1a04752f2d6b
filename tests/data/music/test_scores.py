"""What a score says at each quarter note."""

import sys
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("music21")

from gated.data.music import bach_chorales, music_folder, piano_roll, read_music, write_midi
from gated.data.music.scores import names_of, read_score
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, MissingExtraError

from .makers import roll_of, score


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Nothing is kept in the user's folder."""
    from gated.data import user_cache

    monkeypatch.setattr(user_cache, "usual", lambda name: tmp_path / "cache" / name)


def test_a_score_made_by_hand():
    """Held, between two quarters, across one, a chord, silence, a triplet, a unison."""
    upper = [(72, 2), (74, 0.5), (76, 1), (77, 0.5), (None, 1), ((60, 64), 1)]
    lower = [(48, 0.5), (50, 0.25), (52, 0.25), (53, 1), (55, 1 / 3), (57, 1 / 3), (59, 1 / 3), (72, 1), (None, 2)]
    expected = roll_of((72, 48), (72, 53), (74, 55), (76, 72), (), (60, 64))
    np.testing.assert_array_equal(piano_roll(score(upper, lower)), expected)


def test_what_is_no_key_of_a_piano_or_has_no_length_is_left_out():
    from music21 import note

    given = score([(20, 1), (21, 1), (108, 1), (109, 1)], [(60, 4)])
    grace = note.Note(65).getGrace()
    given.parts[0].insert(1, grace)
    np.testing.assert_array_equal(piano_roll(given), roll_of((60,), (21, 60), (108, 60), (60,)))
    assert piano_roll(score([(None, 3)])).shape == (0, 88)


@pytest.mark.parametrize(
    "pickup, expected",
    [
        (1, [(60,), (62,), (62,), (62,), (62,)]),  # a quarter: the steps begin with it
        (0.5, [(62,), (62,), (62,), (62,)]),  # an eighth lies before the first beat
        (1.5, [(60,), (62,), (62,), (62,), (62,)]),  # begins an eighth before a beat, at which it still sounds
    ],
)
def test_the_steps_are_beats_after_a_pickup(pickup, expected):
    np.testing.assert_array_equal(piano_roll(score([(60, pickup), (62, 4)], pickup=pickup)), roll_of(*expected))


def test_a_chorale_from_the_corpus():
    from music21 import corpus

    piece = read_score(next(path for path in corpus.getComposer("bach") if path.name == "bwv66.6.mxl"))
    assert (piece.name, piece.group, piece.parts, piece.tonic, piece.mode) == ("bwv66.6", "bwv66", 4, 6, "minor")
    assert piece.roll.shape == (36, 88)
    # A E C#, with a unison; F# C# F# A; G# E B B; A E C#: the first quarter notes of its four parts
    np.testing.assert_array_equal(
        piece.roll[:4], roll_of((57, 64, 73), (54, 61, 66, 69), (56, 59, 64, 71), (57, 64, 73))
    )


def test_the_first_chorales_by_number():
    told = []
    found = bach_chorales(3, progress=lambda done, total: told.append((done, total)))
    assert [piece.name for piece in found] == ["bwv2.6", "bwv3.6", "bwv4.8"]
    assert all(piece.parts == 4 for piece in found)
    assert told[0] == (1, 410) and told[-1] == (410, 410)
    for bad in (0, -1, 1.5):
        with pytest.raises((ArgumentError, ArgumentTypeError), match="count: got"):
            bach_chorales(bad)


@pytest.mark.parametrize(
    "name, group",
    [
        ("bwv28.6", "bwv28"),
        ("bwv28.6-a", "bwv28"),
        ("bwv248.12-2", "bwv248"),
        ("BWV277", "bwv277"),
        ("bwv18.5-lz", "bwv18"),
        ("my song", "my song"),
        ("a bwv1", "a bwv1"),
    ],
)
def test_groups_are_bwv_numbers(tmp_path, name, group):
    assert names_of(tmp_path / f"{name}.mid") == (name, group)


def test_times_of_a_midi_file_are_taken_to_the_nearest_fourth_or_third():
    from gated.data.music.midi_events import _near

    for came, near in ((0.98, 1), (1.02, 1), (1.3, Fraction(4, 3)), (1.27, Fraction(5, 4)), (2.49, Fraction(5, 2))):
        assert _near(Fraction(came)) == near


def test_a_midi_file_as_somebody_plays_it(tmp_path):
    """Drums, running status, a key that is struck while it sounds, one that is never let go, one a little late."""
    ticks = 480

    def after(quarters):
        count = round(quarters * ticks)
        return bytes([0x80 | count >> 7, count & 127]) if count > 127 else bytes([count])

    events = [
        (after(0), b"\x90\x3c\x40"),  # 60 on
        (after(0), b"\x3e\x40"),  # 62 on, running status
        (after(0), b"\x99\x24\x40"),  # a drum
        (after(1.02), b"\x80\x3e\x00"),  # 62 off, a little late
        (after(0.97), b"\x90\x3c\x40"),  # 60 again
        (after(1), b"\x90\x3c\x00"),  # 60 off, as a note of no loudness
        (after(0), b"\x90\x40\x40"),  # 64 on, for ever
        (after(1), b"\xff\x2f\x00"),
    ]
    track = b"".join(delta + event for delta, event in events)
    header = b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1]) + ticks.to_bytes(2, "big")
    (tmp_path / "a.mid").write_bytes(header + b"MTrk" + len(track).to_bytes(4, "big") + track)
    piece = read_score(tmp_path / "a.mid")
    np.testing.assert_array_equal(piece.roll, roll_of((60, 62), (60,), (60,), (64,)))
    assert piece.parts == 1


def test_a_folder_of_ones_own(tmp_path):
    rolls = {"b": roll_of((60,), (62,)), "inner/a": roll_of((64, 67)), "bwv9": roll_of((50,))}
    (tmp_path / "inner").mkdir()
    for name, roll in rolls.items():
        write_midi(tmp_path / f"{name}.mid", roll)
    score([(60, 1), (62, 1)]).write("musicxml", tmp_path / "sheet.musicxml")
    (tmp_path / "damaged.mid").write_bytes(b"MThd and nothing")
    (tmp_path / "notes.txt").write_text("no music")
    told = []
    found = music_folder(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert [(piece.name, piece.group) for piece in found.pieces] == [
        ("b", "b"),
        ("bwv9", "bwv9"),
        ("inner/a", "inner/a"),
        ("sheet", "sheet"),
    ]
    for piece in found.pieces[:3]:
        np.testing.assert_array_equal(piece.roll, rolls[piece.name])
    np.testing.assert_array_equal(found.pieces[3].roll, rolls["b"])
    assert list(found.left_out) == ["damaged.mid"] and "got no music that can be read" in found.left_out["damaged.mid"]
    assert told == [(k, 5) for k in range(1, 6)]


def test_messages(tmp_path):
    with pytest.raises(ArgumentError, match="folder: got '.*nowhere', expected a folder"):
        music_folder(tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match="with no file ending in .mid, .midi"):
        music_folder(tmp_path)
    with pytest.raises(ArgumentTypeError, match="folder: got int 3"):
        music_folder(3)
    (tmp_path / "a.mid").write_bytes(b"nothing")
    with pytest.raises(ArgumentError, match="with 1 files that cannot be read, expected music"):
        music_folder(tmp_path)
    with pytest.raises(FileFormatError, match="a.mid': got no music that can be read"):
        read_music(tmp_path / "a.mid")
    with pytest.raises(ArgumentError, match="path: got '.*b.mid', which is no file"):
        read_music(tmp_path / "b.mid")
    with pytest.raises(ArgumentTypeError, match="path: got None"):
        read_music(None)
    score([(None, 4)]).write("musicxml", tmp_path / "silent.musicxml")
    score([(110, 4)]).write("musicxml", tmp_path / "high.musicxml")
    for name in ("silent", "high"):
        with pytest.raises(FileFormatError, match=f"{name}.musicxml': got no note between the keys 21 and 108"):
            read_music(tmp_path / f"{name}.musicxml")


def test_without_music21(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    (tmp_path / "a.mid").write_bytes(b"")
    for call in (bach_chorales, lambda: read_music(tmp_path / "a.mid"), lambda: write_midi("b.mid", roll_of((60,)))):
        with pytest.raises(MissingExtraError, match=r"pip install 'gated\[music\]'"):
            call()
