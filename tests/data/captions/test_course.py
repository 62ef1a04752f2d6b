"""The course's folder: minibatches are its rows, and what is damaged is refused."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pytest

from gated.data.captions import CourseCaptions
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError

from .makers import WORDS, course

h5py = pytest.importorskip("h5py")


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_minibatch_is_rows_of_the_files(tmp_path, split):
    truth = course(tmp_path)
    ids, images, features, urls = truth[split]
    with CourseCaptions(tmp_path) as data:
        assert data.count(split) == len(ids) and data.feature_size == 5 and data.idx_to_word == WORDS
        assert data.vocabulary.word_to_idx == data.word_to_idx and data.vocabulary.specials == 4
        rows = np.array([3, 0, 22, 3, 4])
        found = data.rows(rows, split)
        assert (found.captions == ids[rows]).all() and (found.features == features[images[rows]]).all()
        assert found.urls == [urls[k] for k in images[rows]] and found.features.dtype == np.float32
        drawn = data.minibatch(31, 5, split)
        where = np.random.default_rng(5).integers(0, len(ids), 31)
        assert (drawn.captions == ids[where]).all() and (drawn.features == features[images[where]]).all()
        assert (data.minibatch(31, 5, split).captions == drawn.captions).all()


@pytest.mark.parametrize("size", [1, 10, 23, 100])
def test_an_epoch_has_every_caption_once(tmp_path, size):
    ids, images, features, _ = course(tmp_path)["train"]
    with CourseCaptions(tmp_path) as data:
        batches = list(data.batches(size, 1))
    order = np.random.default_rng(1).permutation(len(ids))
    assert [len(batch.captions) for batch in batches] == [len(ids[k : k + size]) for k in range(0, len(ids), size)]
    assert (np.concatenate([batch.captions for batch in batches]) == ids[order]).all()
    assert (np.concatenate([batch.features for batch in batches]) == features[images[order]]).all()


def test_small_features_are_taken_where_they_are(tmp_path):
    course(tmp_path, pca=False, size=8)
    assert CourseCaptions(tmp_path).feature_size == 8
    course(tmp_path, pca=True, size=3)
    assert CourseCaptions(tmp_path).feature_size == 3 and CourseCaptions(tmp_path, pca=False).feature_size == 8


def test_files_are_opened_again(tmp_path):
    course(tmp_path)
    data = CourseCaptions(tmp_path)
    before = data.minibatch(4, 0)
    again = pickle.loads(pickle.dumps(data))
    data.close()
    for each in (data, again):
        assert (each.minibatch(4, 0).features == before.features).all()
    assert repr(data) == "<CourseCaptions: train 23, val 27 captions, 8 words, features 5>"


def test_what_the_captioner_and_the_assignment_take(tmp_path):
    from gated.models.captioner import Captioner
    from gated.models.cs231n import CaptioningRNN

    course(tmp_path)
    data = CourseCaptions(tmp_path)
    captions, features, _ = data.minibatch(6, 0)
    loss, grads = CaptioningRNN(data.word_to_idx, 5, 4, 3, cell_type="lstm").loss(features, captions)
    assert np.isfinite(loss) and grads["W_proj"].shape == (5, 3)
    captioner = Captioner.build(data.vocabulary, features=data.feature_size, hidden_size=3, embedding_size=4)
    loss, grads = captioner.loss(features, captions)
    assert np.isfinite(loss) and grads["W_vocab"].shape[1] == len(WORDS)


def replace(path, name, array):
    with h5py.File(path, "a") as file:
        del file[name]
        if array is not None:
            file[name] = array


CAPTIONS, FEATURES = "coco2014_captions.h5", "train2014_vgg16_fc7_pca.h5"


@pytest.mark.parametrize(
    "file, name, array, message",
    [
        (CAPTIONS, "train_captions", None, "got no dataset train_captions"),
        (CAPTIONS, "val_image_idxs", None, "got no dataset val_image_idxs"),
        (CAPTIONS, "train_captions", np.zeros((23, 7)), "train_captions float64 of shape .*, expected whole numbers"),
        (CAPTIONS, "train_captions", np.zeros(23, int), "expected whole numbers of 2 axes"),
        (CAPTIONS, "train_captions", np.zeros((0, 7), int), r"shape \(0, 7\)"),
        (CAPTIONS, "train_image_idxs", np.zeros(22, int), "got 23 captions of 22 images in train"),
        (FEATURES, "features", np.zeros((9, 5), int), "features int64 of shape .*, expected floats of 2 axes"),
        (FEATURES, "features", np.zeros(9), "expected floats of 2 axes"),
    ],
)
def test_other_datasets_are_refused_at_once(tmp_path, file, name, array, message):
    course(tmp_path)
    replace(tmp_path / file, name, array)
    with pytest.raises(FileFormatError, match=message):
        CourseCaptions(tmp_path)


@pytest.mark.parametrize("name, value", [("train_captions", 8), ("train_captions", -1), ("train_image_idxs", 9)])
def test_numbers_of_nothing_are_refused_when_they_are_read(tmp_path, name, value):
    truth = course(tmp_path)["train"]
    array = truth[0 if name == "train_captions" else 1].copy()
    array[2] = value
    replace(tmp_path / CAPTIONS, name, array)
    data = CourseCaptions(tmp_path)
    data.rows([1, 3])
    with pytest.raises(FileFormatError, match=f"'{CAPTIONS}': got .* in {name}, expected 0 to [78]"):
        data.rows([1, 2])


def test_damaged_files_are_refused(tmp_path):
    course(tmp_path / "whole")

    def changed(name, change):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(tmp_path / "whole", tmp_path / "copy")
        path = tmp_path / "copy" / name
        path.write_bytes(change(path.read_bytes()))
        return tmp_path / "copy"

    for name in (CAPTIONS, FEATURES):
        for change in (lambda content: content[:-200], lambda content: content[:10], lambda content: b"no"):
            with pytest.raises(FileFormatError, match=rf"'{name}': got no whole HDF5 file \([^\n]*\), expected one\Z"):
                CourseCaptions(changed(name, change))
    name = "coco2014_vocab.json"
    vocabulary = json.loads((tmp_path / "whole" / name).read_text())
    for data in (
        [],
        {"idx_to_word": WORDS},
        {**vocabulary, "idx_to_word": {}},
        {**vocabulary, "idx_to_word": [*WORDS, 3]},
        {**vocabulary, "word_to_idx": {**vocabulary["word_to_idx"], "a": 5}},
        {"idx_to_word": WORDS[::-1], "word_to_idx": {word: k for k, word in enumerate(WORDS[::-1])}},
    ):
        with pytest.raises(FileFormatError, match=rf"'{name}': [^\n]*got [^\n]+\Z"):
            CourseCaptions(changed(name, lambda _, data=data: json.dumps(data).encode()))
    with pytest.raises(FileFormatError, match="got bad JSON"):
        CourseCaptions(changed(name, lambda content: content[:-5]))
    data = CourseCaptions(changed("train2014_urls.txt", lambda content: content + b"more\n"))
    with pytest.raises(FileFormatError, match="'train2014_urls.txt': got 10 lines, expected 9, one for each image"):
        data.minibatch(2)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ArgumentError, match="folder: got '.*', expected the course's folder"):
        CourseCaptions(tmp_path / "nowhere")
    for name in (CAPTIONS, "coco2014_vocab.json", FEATURES, "val2014_vgg16_fc7_pca.h5", "val2014_urls.txt"):
        course(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(
            ArgumentError, match="does not exist" if name.endswith("json") else r"got no file \S+\.(h5|txt)"
        ):
            CourseCaptions(tmp_path)


def test_arguments(tmp_path):
    course(tmp_path)
    data = CourseCaptions(tmp_path)
    for which in ([], [23], [-1], [0.5], [[1]], "one"):
        with pytest.raises(ArgumentError, match="which: got .*expected numbers from 0 to 22"):
            data.rows(which)
    for call, name in (
        (lambda: data.minibatch(0), "batch_size"),
        (lambda: data.minibatch(2, split="test"), "split"),
        (lambda: data.batches(2, -1), "rng"),
        (lambda: data.count("all"), "split"),
    ):
        with pytest.raises(ArgumentError, match=f"{name}: got"):
            call()
    with pytest.raises(ArgumentTypeError, match="rng: got None"):
        data.minibatch(2, None)
