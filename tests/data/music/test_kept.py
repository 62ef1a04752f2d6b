"""Music that was read once is kept, and what is damaged is read again."""

import numpy as np
import pytest

pytest.importorskip("music21")

from gated.data import user_cache
from gated.data.music import kept, read_music, scores, write_midi
from gated.files.tensor_file import open_tensors, write_tensors

from .makers import roll_of

ROLL = roll_of((60, 64), (60,), (), (62,))


@pytest.fixture
def read(tmp_path, monkeypatch):
    """How often a file was really read."""
    monkeypatch.setattr(user_cache, "usual", lambda name: tmp_path / "cache" / name)
    write_midi(tmp_path / "a.mid", ROLL)
    calls, whole = [], scores.read_score
    monkeypatch.setattr(scores, "read_score", lambda file: (calls.append(file.name), whole(file))[1])
    return calls


def files(tmp_path):
    return sorted((tmp_path / "cache" / "music").iterdir())


def test_a_file_is_read_once(tmp_path, read):
    first, second = read_music(tmp_path / "a.mid"), read_music(tmp_path / "a.mid")
    assert read == ["a.mid"]
    np.testing.assert_array_equal(second.roll, ROLL)
    assert first._replace(roll=None) == second._replace(roll=None)
    assert first.roll.dtype == second.roll.dtype == np.uint8
    (tmp_path / "bwv5.mid").write_bytes((tmp_path / "a.mid").read_bytes())
    assert read_music(tmp_path / "bwv5.mid")[:2] == ("bwv5", "bwv5"), "what it is called is not kept"
    assert read == ["a.mid"] and len(files(tmp_path)) == 1


def test_other_content_is_other_music(tmp_path, read):
    read_music(tmp_path / "a.mid")
    write_midi(tmp_path / "a.mid", ROLL[::-1])
    np.testing.assert_array_equal(read_music(tmp_path / "a.mid").roll[0], ROLL[-1])
    assert read == ["a.mid", "a.mid"] and len(files(tmp_path)) == 2


def test_another_version_reads_again(tmp_path, read, monkeypatch):
    import music21

    read_music(tmp_path / "a.mid")
    monkeypatch.setattr(music21, "__version__", "0.0")
    read_music(tmp_path / "a.mid")
    assert read == ["a.mid", "a.mid"]


def _cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def _flipped(path):
    content = bytearray(path.read_bytes())
    content[-8] ^= 1  # the last key
    path.write_bytes(content)


def _rewritten(change):
    def write(path):
        with open_tensors(path, kept.KIND) as file:
            notes, about = file.read("notes"), file.document("about")
            written = {"notes": notes, "about": about, "sum": file.document("sum"), "kind": kept.KIND}
        written |= change(written)
        documents = {name: written[name] for name in ("about", "sum")}
        write_tensors(path, written["kind"], {"notes": written["notes"]}, documents)

    return write


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _flipped,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("something else"),
        _rewritten(lambda own: {"kind": "gated features"}),
        _rewritten(lambda own: {"about": {**own["about"], "steps": 1}}),
        _rewritten(lambda own: {"about": {**own["about"], "tonic": 99}}),
        _rewritten(lambda own: {"about": {}}),
        _rewritten(lambda own: {"sum": 3}),
        _rewritten(lambda own: {"notes": own["notes"].astype(float)}),
    ],
)
def test_what_is_damaged_is_read_again(tmp_path, read, damage):
    read_music(tmp_path / "a.mid")
    (path,) = files(tmp_path)
    damage(path)
    for _ in range(2):  # it is written anew
        np.testing.assert_array_equal(read_music(tmp_path / "a.mid").roll, ROLL)
        assert read == ["a.mid", "a.mid"]


def test_what_belongs_to_another_file_is_not_taken(tmp_path, read):
    read_music(tmp_path / "a.mid")
    (path,) = files(tmp_path)
    write_midi(tmp_path / "b.mid", ROLL[:1])
    read_music(tmp_path / "b.mid")
    other = next(each for each in files(tmp_path) if each != path)
    other.write_bytes(path.read_bytes())
    np.testing.assert_array_equal(read_music(tmp_path / "b.mid").roll, ROLL[:1])
    assert read == ["a.mid", "b.mid", "b.mid"]


def test_no_place_is_no_error(tmp_path, read, monkeypatch):
    monkeypatch.setattr(user_cache, "usual", lambda name: None)
    for _ in range(2):
        np.testing.assert_array_equal(read_music(tmp_path / "a.mid").roll, ROLL)
    assert read == ["a.mid", "a.mid"] and kept.contents()[1:] == kept.clear()[1:] == (0, 0)


def test_it_is_counted_and_cleared(tmp_path, read):
    assert kept.contents()[1:] == (0, 0)
    read_music(tmp_path / "a.mid")
    place = tmp_path / "cache" / "music"
    (place / "of-somebody-else.txt").write_text("")
    (place / f".{'ab' * 20}.{'cd' * 4}.tmp").write_bytes(b"left by a killed process")
    found = kept.contents()
    assert found.folder == place and found.files == 1 and found.size > 100
    assert kept.clear() == found and kept.contents().files == 0
    assert [path.name for path in files(tmp_path)] == ["of-somebody-else.txt"]
