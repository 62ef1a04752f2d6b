"""Sets of captioned pictures: which rows come, what is held out, what is told."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gated.data import Pictures
from gated.data.captions import CaptionSet
from gated.data.captions.rows import read_rows
from gated.data.captions.splitting import spelled_alike
from gated.errors import ArgumentError, ArgumentTypeError

from .makers import png


def small(count=6, features=True):
    pixels = [np.full((4, 4, 3), k, np.uint8) for k in range(count)]
    captions = [[f"caption {k} {j}" for j in range(1 + k % 3)] for k in range(count)]
    values = np.arange(count * 2, dtype=np.float32).reshape(count, 2) if features else None
    return CaptionSet(Pictures(pixels, 4), captions, features=values)


@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("size", [1, 5, 100])
def test_an_epoch_has_every_caption_once_with_its_picture(features, size):
    data = small(features=features)
    batches = list(data.batches(size, 3))
    assert Counter(text for batch in batches for text in batch.captions) == Counter(data.texts)
    assert [len(batch.captions) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    for batch in batches:
        assert [int(text.split()[1]) for text in batch.captions] == batch.which.tolist()
        if features:
            assert batch.pictures is None and (batch.features == data.features[batch.which]).all()
        else:
            assert batch.features is None and (batch.pictures[:, 0, 0, 0] == batch.which).all()
    again = [text for batch in data.batches(size, 3) for text in batch.captions]
    assert again == [text for batch in batches for text in batch.captions]
    assert again != [text for batch in data.batches(size, 4) for text in batch.captions]
    assert data.texts == [text for batch in data.batches(size, None) for text in batch.captions]


def test_by_caption_no_caption_is_on_both_sides():
    rng = np.random.default_rng(0)
    for seed in range(30):
        captions = [[f"Text {n}." for n in rng.integers(0, 60, rng.integers(1, 3))] for _ in range(50)]
        train, held = CaptionSet(None, captions).split(0.2, seed=seed)
        assert len(train) + len(held) == 50 and 1 <= len(held) <= 10
        assert not set(train.texts) & set(held.texts)


def test_chains_of_shared_captions_stay_together():
    data = CaptionSet(None, [["a", "b"], ["c"], ["B.", "d"], [" D"], ["e"]])
    for seed in range(20):
        parts = [set(part.names) for part in data.split(0.4, seed=seed)]
        assert not any(part & {"0", "2", "3"} and not part >= {"0", "2", "3"} for part in parts)
    assert spelled_alike(" A  Dog. ") == spelled_alike("a dog") != spelled_alike("a dog?")
    assert spelled_alike("一只狗。") == spelled_alike("一只狗")


def test_by_picture_and_seeds():
    data = CaptionSet(None, ["same"] * 40)
    with pytest.raises(ArgumentError, match="by: got pictures that all share captions, expected 'picture'"):
        data.split()
    train, held = data.split(0.25, by="picture", seed=5)
    assert (len(train), len(held)) == (30, 10) and held.names == data.split(0.25, by="picture", seed=5)[1].names
    assert held.names != data.split(0.25, by="picture", seed=6)[1].names
    assert sorted(train.names + held.names) == sorted(data.names)


def test_a_group_larger_than_the_share():
    train, held = CaptionSet(None, ["a"] * 5 + ["b"] * 3).split(0.1)
    assert set(held.texts) == {"b"} and set(train.texts) == {"a"}


def test_select_keeps_what_belongs_together():
    data = small()
    part = data.select([4, 1])
    assert part.names == ["4", "1"] and part.captions == [data.captions[4], data.captions[1]]
    assert (part.features == data.features[[4, 1]]).all() and (part.pictures[0] == 4).all()
    with pytest.raises(ArgumentError, match="which: got none of the pictures"):
        data.select([])
    new = data.with_features(np.zeros((6, 3, 2), np.float32))
    assert new.features.shape == (6, 3, 2) and new.captions == data.captions


def test_damaged_pictures_are_counted(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"bad")
    paths = [png(tmp_path / "a.png"), tmp_path / "bad.png", tmp_path / "gone.png"]
    seen = []
    found = CaptionSet(paths, ["a", "b", "c"], left_out={"others": 3}).readable(lambda *done: seen.append(done))
    assert found.texts == ["a"] and found.left_out == {"others": 3, "damaged pictures": 2} and seen[-1] == (3, 3)
    assert repr(found) == "<CaptionSet: 1 pictures, 1 captions; left out: 3 others, 2 damaged pictures>"
    with pytest.raises(ArgumentError, match="pictures: got 1 of which none can be read"):
        CaptionSet([tmp_path / "bad.png"], ["b"]).readable()
    assert len(small(features=True).readable()) == 6


def test_rows_of_a_dataset_come_as_those_of_an_array():
    read = []

    class Dataset:
        """Of HDF5, as far as it is used: slices alone."""

        def __init__(self, array):
            self.array, self.shape, self.dtype = array, array.shape, array.dtype

        def __getitem__(self, rows):
            read.append((rows.start, rows.stop))
            return self.array[rows]

    array = np.random.default_rng(0).normal(size=(20, 3))
    for which in ([5, 4, 3, 19, 0, 5], [7], [], list(range(20)), [19, 0]):
        read.clear()
        rows = np.array(which, np.int64)
        assert (read_rows(Dataset(array), rows) == array[rows]).all()
        assert read == sorted(read) and sum(b - a for a, b in read) == len(set(which))


def test_arguments():
    good = [["a"], ["b"]]
    for captions in ("ab", [], 3, None, {"a": "b"}):
        with pytest.raises(ArgumentTypeError, match="captions: got"):
            CaptionSet(None, captions)
    for captions in ([["a"], []], [["a"], [3]], [["a"], None]):
        with pytest.raises(ArgumentError, match=r"captions\[1\]: got"):
            CaptionSet(None, captions)
    for options, name in (
        ({"pictures": ["a.png"]}, "pictures"),
        ({"pictures": None, "features": np.zeros((3, 2))}, "features"),
        ({"pictures": None, "features": np.zeros((2, 2), int)}, "features"),
        ({"pictures": None, "names": ["a"]}, "names"),
    ):
        with pytest.raises(ArgumentError, match=f"{name}: got"):
            CaptionSet(captions=good, **options)
    data = CaptionSet(None, good)
    for options, name in (({"held_out": 0}, "held_out"), ({"held_out": 1}, "held_out"), ({"by": "word"}, "by")):
        with pytest.raises(ArgumentError, match=f"{name}: got"):
            data.split(**options)
    with pytest.raises(ArgumentError, match="expected a set of at least two"):
        CaptionSet(None, ["a"]).split()
    with pytest.raises(ArgumentError, match="size: got 0"):
        data.batches(0, 1)
    with pytest.raises(ArgumentTypeError, match="rng: got"):
        data.batches(1, "one")
