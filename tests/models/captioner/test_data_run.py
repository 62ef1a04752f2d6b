"""Runs on the user's own pictures: to the bit, split by caption, seen by filters or a model, refused, scored."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.data.captions.makers import coco, course
from tests.data.captions.makers_onnx import brightness_model
from tests.models.stopping import stopped_at

import gated
from gated.data.captions.splitting import spelled_alike
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.models.captioner.batches import Pairs
from gated.models.captioner.caption_data import caption_data
from gated.models.captioner.data_run import NATS, DataRun, written_by, written_by_neighbours
from gated.models.captioner.data_settings import DataSettings
from gated.models.captioner.eye import Eye
from gated.models.captioner.neighbours import nearest
from gated.models.captioner.sight import Sight

from .own_pictures import folder

SMALL = {"hidden": 12, "read": 6, "embed": 8, "passes": 3, "batch": 4, "log_every": 2, "held_out": 6, "lr": 1e-2}


@pytest.fixture(autouse=True, scope="module")
def kept_here(tmp_path_factory):
    """What is seen is kept in a place of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATED_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture
def pictures(tmp_path):
    return folder(tmp_path / "pictures")


def settings(data, **changes):
    return DataSettings(**{**SMALL, "data": str(data) if isinstance(data, Path) else data, **changes})


def start(path, data, **changes):
    own = settings(data, **changes)
    return DataRun.start(str(path), own, gated.cells.ZOO[own.cell])


def coco_with_model(tmp_path):
    """COCO's captions of 9 pictures, two of each, seen by an ONNX model."""
    pytest.importorskip("onnx")
    captions = {f"{k}.png": [f"picture number {k}", f"this one is {k}"] for k in range(9)}
    path = coco(tmp_path, captions)
    for k in range(9):
        from PIL import Image

        Image.new("RGB", (8, 8), (20 * k, 255 - 20 * k, 90)).save(tmp_path / "images" / f"{k}.png")
    model = brightness_model(tmp_path / "model.onnx")
    return path, {"images": str(tmp_path / "images"), "vision": str(model), "held_out": 2}


def data_of(kind, tmp_path):
    if kind == "coco":
        return coco_with_model(tmp_path)
    if kind == "course":
        pytest.importorskip("h5py")
        course(tmp_path / "course", images=12, captions=40)
        return tmp_path / "course", {"held_out": 3}
    return folder(tmp_path / "pictures"), {"cell": "rnn" if kind == "rnn" else "gru"}


@pytest.mark.parametrize("kind", ["folder", "rnn", "coco", "course"])
def test_goes_on_to_the_bit(tmp_path, kind):
    data, changes = data_of(kind, tmp_path)
    whole = start(tmp_path / "whole", data, **changes)
    assert whole.run()
    part = start(tmp_path / "part", data, **changes)
    stopped_at(4, part)
    again = DataRun.resume(str(tmp_path / "part"))
    assert again.step == 4 and again.run()
    np.testing.assert_array_equal(again.captioner.network.theta, whole.captioner.network.theta)
    lines = [line for line in whole.lines() if NATS in line]
    assert len(lines) == 3 and [line[NATS] for line in lines] == [line[NATS] for line in again.lines() if NATS in line]
    assert any("gates" in line for line in whole.lines()) == (kind != "rnn")
    best = again.best(), whole.best()
    np.testing.assert_array_equal(*(own.network.theta for own in best))
    assert best[0].about == best[1].about and best[0].eye.to_json() == best[1].eye.to_json()


def test_it_learns_what_the_pictures_show(tmp_path, pictures):
    run = start(tmp_path / "run", pictures, passes=60, hidden=32, evaluate_every=100_000)
    run.run()
    own = run.data.train
    assert run.captioner.predict(own.features) == [own.texts(k)[0].lower() for k in range(len(own))]


def test_equal_captions_stay_on_one_side(pictures):
    for seed in range(5):
        data = caption_data(settings(pictures, seed=seed))
        sides = [
            {spelled_alike(text) for k in range(len(part)) for text in part.texts(k)}
            for part in (data.train, data.held_out)
        ]
        assert not sides[0] & sides[1] and (len(data.train), len(data.held_out)) == (18, 6)


def test_the_course_is_split_as_the_course_is_and_read_lazily(tmp_path):
    h5py = pytest.importorskip("h5py")
    truth = course(tmp_path / "course", images=12, captions=40)
    data = caption_data(settings(tmp_path / "course", held_out=3))
    assert isinstance(data.train.features, h5py.Dataset) and data.sight is None
    ids, which, features, urls = truth["val"]
    names = [urls.index(name) for name in data.held_out.names]
    np.testing.assert_array_equal(data.held_out.features, features[names])
    for k, image in enumerate(names):
        own = ids[which == image]
        np.testing.assert_array_equal(data.held_out.pairs.ids[data.held_out.pairs.pictures == k], own)
        assert len(data.held_out.texts(k)) == len(own) > 0
    whole, lazy = Eye(5), Eye(5)
    whole.fit(truth["train"][2])
    lazy.fit(data.train.features)
    np.testing.assert_allclose(lazy.mean, whole.mean, rtol=1e-6)
    np.testing.assert_allclose(lazy.factor, whole.factor, rtol=1e-5)
    some = np.array([5, 0, 5])
    np.testing.assert_allclose(
        lazy.look(data.train.features, np.float64)(some), whole.look(truth["train"][2], np.float64)(some), rtol=1e-4
    )


@pytest.mark.parametrize("kind", ["folder", "course"])
def test_the_nearest_neighbour(tmp_path, kind):
    data, changes = data_of(kind, tmp_path)
    found = caption_data(settings(data, **changes))
    shape = found.train.features.shape[1:]
    eye = Eye(shape if len(shape) == 2 else shape[0])
    eye.fit(found.train.features)
    near = nearest(eye, found.train, found.held_out)

    def seen(features):
        rows = np.clip((np.asarray(features, np.float64) - eye.mean) * eye.factor, -5, 5)
        return rows.reshape(len(rows), -1)

    for own, k in zip(seen(found.held_out.features), near, strict=True):
        others = seen(found.train.features[:])
        cosines = others @ own / np.linalg.norm(others, axis=1) / np.linalg.norm(own)
        cosines[~np.isin(np.arange(len(others)), found.train.pairs.pictures)] = -2
        assert cosines[k] == pytest.approx(cosines.max(), abs=1e-9)
    eye.fitted = True
    written, which = written_by_neighbours(eye, found, settings(data, **changes))
    assert written.captions == [found.train.texts(k)[0] for k in which] and written.nats is None


def test_nats_leave_out_what_could_not_be_learned(tmp_path, pictures):
    run = start(tmp_path / "run", pictures)
    own, captioner = run.data.held_out, run.captioner
    known = run.data.known
    assert not known[captioner.vocabulary.unknown] and known[captioner.vocabulary.word_to_idx["a"]]
    total, count = 0.0, 0
    for k, ids in enumerate(own.pairs.ids):
        x = {"features": captioner._shown(own.features[k : k + 1]), "captions": ids[None, :-1].T.copy()}
        y, _ = captioner.network.infer(x)
        log_p = y[:, 0] - np.log(np.exp(y[:, 0].astype(float)).sum(-1, keepdims=True))
        for t, word in enumerate(ids[1:]):
            if word != 0 and known[word]:
                total, count = total - log_p[t, word], count + 1
    assert captioner.nats(own.features, own.pairs, counted=known) == pytest.approx(total / count, rel=1e-5)
    everything = captioner.evaluate(own.features, [own.texts(k) for k in range(len(own))])
    assert everything == pytest.approx(captioner.nats(own.features, own.pairs), rel=1e-6)


@pytest.mark.parametrize(
    "name, value",
    [
        *(("lang", "zh_CN"), ("minimum_count", 7), ("held_out", 8), ("judge", 2), ("passes", 2), ("seed", 1)),
        *(("evaluate_every", 2), ("hidden", 10), ("layers", 2), ("embed", 5), ("read", 5), ("show", "state")),
        *(("batch", 3), ("optimizer", "sgd"), ("lr", 2e-2), ("warmup", 1), ("clip", 0.1), ("dtype", "float64")),
        *(("cell", "lstm"), ("log_every", 5)),
    ],
)
def test_every_option_changes_something(tmp_path, usual, name, value):
    assert what_came(start(tmp_path / "run", usual[0], **{name: value})) != usual[1]


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """Pictures, and what comes of them with no option changed; twice, so that a difference means something."""
    path = tmp_path_factory.mktemp("usual")
    data = folder(path / "pictures")
    one, two = (what_came(start(path / name, data)) for name in ("one", "two"))
    assert one == two
    return data, one


def what_came(run):
    run.run()
    lines = [{name: value for name, value in line.items() if "second" not in name} for line in run.lines()]
    return run.captioner.network.theta.tolist(), lines


def test_dropout_changes_something(tmp_path, pictures):
    runs = [start(tmp_path / str(rate), pictures, layers=2, dropout=rate) for rate in (0.0, 0.5)]
    for run in runs:
        run.run()
    assert not np.array_equal(runs[0].captioner.network.theta, runs[1].captioner.network.theta)


def test_patience_ends_a_run(tmp_path, pictures):
    run = start(tmp_path / "run", pictures, passes=50, lr=1.0, evaluate_every=1, patience=3)
    assert run.run() and run.ended == "patience" and run.step < run.total


def test_damaged_pictures_are_left_out(tmp_path, pictures):
    (pictures / "red-box-0.png").write_bytes(b"no picture")
    whole = (pictures / "blue-bar-1.png").read_bytes()
    (pictures / "blue-bar-1.png").write_bytes(whole[: len(whole) // 2])
    told = []
    data = caption_data(settings(pictures), lambda *about: told.append(about))
    assert data.left_out == {"damaged pictures": 2} and len(data.train) + len(data.held_out) == 22
    assert ("reading", 24, 24) in told and told[-1] == ("looking", 22, 22)
    run = start(tmp_path / "run", pictures)
    run.run()
    assert DataRun.resume(str(tmp_path / "run"), passes=4).run()


def test_a_run_goes_on_with_the_same_pictures_alone(tmp_path, pictures):
    start(tmp_path / "run", pictures).run()
    moved = tmp_path / "elsewhere"
    shutil.move(pictures, moved)
    with pytest.raises(ArgumentError, match="data: got .*pictures', expected a folder"):
        DataRun.resume(str(tmp_path / "run"))
    again = DataRun.resume(str(tmp_path / "run"), data=str(moved), passes=4)
    assert again.run() and json.loads((tmp_path / "run" / "config.json").read_text())["settings"]["data"] == str(moved)
    (moved / "red-box-0.txt").write_text("Something else.")
    with pytest.raises(ArgumentError, match="data: got other pictures or captions in .*elsewhere' than the run began"):
        DataRun.resume(str(tmp_path / "run"))


def test_settings_that_shape_the_model_stay(tmp_path, pictures):
    start(tmp_path / "run", pictures).run()
    for name, value in (("hidden", 13), ("lang", "zh_CN"), ("minimum_count", 2), ("held_out", 5)):
        with pytest.raises(ArgumentError, match=f"{name}: got .*, expected .*, as the run began"):
            DataRun.resume(str(tmp_path / "run"), **{name: value})
    with pytest.raises(ArgumentError, match="not empty"):
        start(tmp_path / "run", pictures)
    (tmp_path / "run" / "config.json").write_text('{"settings": {"data": "x", "lang": "x"}}')
    with pytest.raises(FileFormatError, match=r"lang: got str 'x', expected a language such as en"):
        DataRun.resume(str(tmp_path / "run"))


def test_another_vision_model_is_refused(tmp_path):
    data, changes = coco_with_model(tmp_path)
    start(tmp_path / "run", data, **changes).run()
    other = brightness_model(tmp_path / "other.onnx", shape=("N", 3, 8, 8))
    with pytest.raises(ArgumentError, match=r"vision: got .*other.onnx', expected the one with SHA-256 [0-9a-f]{64}, "):
        DataRun.resume(str(tmp_path / "run"), vision=str(other))
    shutil.move(tmp_path / "model.onnx", tmp_path / "moved.onnx")
    again = DataRun.resume(str(tmp_path / "run"), vision=str(tmp_path / "moved.onnx"), passes=4)
    assert again.run() and again.captioner.about["sight"]["vision"] == str(tmp_path / "moved.onnx")


@pytest.mark.parametrize(
    "changes, error, message",
    [
        (
            {"data": "nowhere"},
            ArgumentError,
            "data: got 'nowhere', expected a folder of pictures with texts, a",
        ),
        ({"data": 3}, ArgumentTypeError, "data: got int 3, expected a path"),
        ({"images": "x"}, ArgumentError, "images: got 'x', expected none for a folder: they lie beside their texts"),
        ({"vision": "x.onnx"}, ArgumentError, "vision: got str 'x.onnx', which is no file, expected an ONNX model"),
        ({"vision": 3}, ArgumentTypeError, "vision: got int 3, expected a path"),
        ({"lang": "english"}, ArgumentError, "lang: got str 'english', expected a language such as en, zh, zh_CN"),
        ({"lang": "fr"}, ArgumentError, "has a caption, expected one of en, zh_CN"),
        ({"held_out": 24}, ArgumentError, "held_out: got 24 of 24 pictures, expected fewer than there are"),
        ({"held_out": 0}, ArgumentError, "held_out: got 0, expected a whole number of at least 1"),
        ({"minimum_count": 0}, ArgumentError, "minimum_count: got 0, expected a whole number of at least 1"),
        ({"evaluate_every": 0}, ArgumentError, "evaluate_every: got 0, expected a whole number of at least 1"),
    ],
)
def test_errors_are_one_line(tmp_path, pictures, monkeypatch, changes, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as found:
        start(tmp_path / "run", **{"data": pictures, **changes})
    assert message in str(found.value) and "\n" not in str(found.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"vision": "x.onnx"}, "vision: got 'x.onnx', expected none for the course's folder, which has features"),
        ({"images": "x"}, "images: got 'x', expected none for the course's folder, which has features and no images"),
        ({"minimum_count": 2}, "minimum_count: got 2, expected 1 for the course's folder, which has a vocabulary"),
        ({"held_out": 900}, "held_out: got 900, expected at most "),
    ],
)
def test_errors_of_the_course(tmp_path, changes, message):
    pytest.importorskip("h5py")
    course(tmp_path / "course")
    with pytest.raises(ArgumentError) as found:
        caption_data(settings(tmp_path / "course", **changes))
    assert message in str(found.value)


def test_features_that_are_not_finite_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    course(tmp_path / "course")
    with h5py.File(tmp_path / "course" / "train2014_vgg16_fc7_pca.h5", "r+") as file:
        file["features"][3, 2] = np.nan
    with pytest.raises(ArgumentError, match="pictures: got features that are not finite"):
        start(tmp_path / "run", tmp_path / "course", held_out=3)


def test_features_to_judge_by_that_are_not_finite_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    course(tmp_path / "course")
    with h5py.File(tmp_path / "course" / "val2014_vgg16_fc7_pca.h5", "r+") as file:
        file["features"][...] = np.inf
    with pytest.raises(FileFormatError, match="course': got features of val that are not finite, expected numbers"):
        caption_data(settings(tmp_path / "course", held_out=3))


def test_coco_needs_its_images(tmp_path):
    path = coco(tmp_path, {"a.png": ["one"], "b.png": ["two"]})
    with pytest.raises(ArgumentError, match="images: got None, expected the folder of the images"):
        caption_data(settings(path))


def test_pairs_of_some_pictures():
    from gated.data.words import WordVocabulary

    words = WordVocabulary(["a b c d"])
    ids = np.array([[1, 4, 2, 0], [1, 5, 6, 2], [1, 7, 2, 0], [1, 4, 5, 2]], np.int32)
    pairs = Pairs(6, ids, words, np.array([5, 0, 5, 3]))
    some = pairs.select(np.array([3, 5]))
    np.testing.assert_array_equal(some.ids, ids[[0, 2, 3]])
    np.testing.assert_array_equal(some.pictures, [1, 1, 0])
    for of, message in ((np.array([5, 0, 6, 3]), "pictures from 0 to 6"), (np.array([1, 2]), r"whole numbers \(4,\)")):
        with pytest.raises(ArgumentError, match=message):
            Pairs(6, ids, words, of)


def test_scores_are_of_the_best_captioner(tmp_path, pictures):
    run = start(tmp_path / "run", pictures, passes=8)
    run.run()
    own = written_by(run.best(), run.data, run.settings)
    assert own.nats == pytest.approx(run.records.best, rel=1e-6)
    assert own.captions == run.best().predict(run.data.held_out.features)
    assert len(own.scores.each_cider_d) == 6


@pytest.mark.parametrize(
    "damage, message",
    [
        ("x", "about: got something damaged under 'sight', expected how pictures are seen"),
        ({"fit": "pad"}, "about: got something damaged under 'sight', expected how pictures are seen"),
        ({"fit": "tile", "vision": None, "sha256": None}, "about: got something damaged under 'sight'"),
        ({"fit": "pad", "vision": 3, "sha256": None}, "about: got something damaged under 'sight'"),
        ({"fit": "pad", "vision": "x", "sha256": None}, "about: got half of a vision model under 'sight'"),
    ],
)
def test_a_damaged_memory_of_how_pictures_are_seen(damage, message):
    with pytest.raises(FileFormatError, match=message):
        Sight.of({"sight": damage})
    assert Sight.of({}) is None and Sight.of({"sight": Sight("pad").to_json()}) == Sight("pad")
