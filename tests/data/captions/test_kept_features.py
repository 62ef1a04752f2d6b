"""Features are computed once: what they depend on is seen anew, what is kept and whole is read, no disk is an error."""

from __future__ import annotations

import errno
import functools
import os

import numpy as np
import pytest

from gated.data import Pictures, feature_cache, kept_features, onnx_features, vision
from gated.data import filter_bank as bank
from gated.data.filter_bank import filter_bank
from gated.errors import ArgumentError, ArgumentTypeError
from gated.files.tensor_file import write_tensors

from .makers import png

SMALL = {"size": 16, "grid": 1}
SHAPE = 5, 1, bank.numbers()


def pictures(count=5, side=16, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


class Counted:
    """A function that counts for how many pictures it was called."""

    def __init__(self, function, at):
        self.function, self.at, self.pictures = function, at, 0
        functools.update_wrapper(self, function)

    def __call__(self, *args, **options):
        self.pictures += len(args[self.at])
        return self.function(*args, **options)

    def since(self):
        count, self.pictures = self.pictures, 0
        return count


@pytest.fixture
def seen(monkeypatch):
    counted = Counted(bank.filter_bank, 0)
    monkeypatch.setattr(bank, "filter_bank", counted)
    return counted.since


@pytest.fixture
def usual(tmp_path, monkeypatch):
    """The usual folder."""
    monkeypatch.setenv("GATED_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.mark.parametrize("folder", [True, False])
def test_a_second_call_reads(tmp_path, usual, seen, folder):
    options = {**SMALL, "folder": tmp_path / "own" / "place"} if folder else SMALL
    given, heard = pictures(), []
    first = kept_features(given, **options)
    assert seen() == 5 and (first == filter_bank(given, **SMALL)).all() and first.dtype == np.float32
    again = kept_features(given, progress=lambda *told: heard.append(told), **options)
    assert seen() == 0 and (again == first).all() and heard == [(5, 5)]
    again[:] = 0
    assert (kept_features(given, **options) == first).all(), "what is read is the caller's own"
    assert usual.exists() is not folder


@pytest.mark.parametrize("shape", [(5, 16, 16, 3), (5, 40, 24, 3), (40, 24, 3)])
def test_what_is_kept_is_what_the_bank_says_of_arrays_of_any_size(usual, shape):
    given = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for _ in range(2):
        assert (kept_features(given, **SMALL) == filter_bank(given, **SMALL)).all()
    as_pictures = Pictures(given if len(shape) == 4 else given[None], 20)
    for _ in range(2):
        assert (kept_features(as_pictures, **SMALL) == filter_bank(as_pictures, **SMALL)).all()


def test_another_picture_or_option_is_seen_anew(usual, seen):
    given = pictures()
    other = given.copy()
    other[3, 2, 1, 0] ^= 1
    kinds = [
        (given, SMALL),
        (other, SMALL),
        (given[::-1], SMALL),
        (given[:4], SMALL),
        (given, {**SMALL, "grid": 2}),
        (given, {**SMALL, "size": 20}),
        (Pictures(given, 20), SMALL),
        (Pictures(given, 20, fit="crop", ground=(0, 0, 0)), SMALL),
    ]
    first = [kept_features(each, **options) for each, options in kinds]
    assert seen() == sum(len(each) for each, _ in kinds) and len(list(usual.iterdir())) == len(kinds)
    for (each, options), found in zip(kinds, first, strict=True):
        assert (kept_features(each, **options) == found).all() and (found == filter_bank(each, **options)).all()
    assert seen() == 0


def test_a_file_is_known_by_its_content(tmp_path, usual, seen):
    paths = [png(tmp_path / f"{k}.png", (k, 200, 9), size=(16, 16)) for k in range(3)]
    first = kept_features(paths, **SMALL)
    moved = [path.rename(tmp_path / f"moved{k}.png") for k, path in enumerate(paths)]
    assert seen() == 3 and (kept_features(moved, **SMALL) == first).all() and seen() == 0
    png(moved[1], (0, 0, 0), size=(16, 16))
    kept_features(moved, **SMALL)
    assert seen() == 3


def test_gateds_own_sources_count(tmp_path, usual, seen, monkeypatch):
    kept_features(pictures(), **SMALL)
    changed = tmp_path / "filter_bank.py"
    changed.write_bytes(b"# another bank\n")
    monkeypatch.setattr(bank, "__file__", str(changed))
    kept_features(pictures(), **SMALL)
    assert seen() == 10


def test_what_was_stopped_goes_on_where_it_was(usual, seen, monkeypatch):
    monkeypatch.setattr(feature_cache, "TOGETHER", 3)
    given, heard = pictures(8), []

    def stopped(done, every):
        heard.append((done, every))
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept_features(given, progress=stopped, **SMALL)
    assert seen() == 6
    found = kept_features(given, progress=lambda *told: heard.append(told), **SMALL)
    assert seen() == 2 and (found == filter_bank(given, **SMALL)).all()
    assert heard == [(3, 8), (6, 8), (3, 8), (6, 8), (8, 8)]


def damaged():
    """What may have become of a file: how -> a function of its path."""

    def changed(change):
        return lambda path: path.write_bytes(change(path.read_bytes()))

    def written(kind=feature_cache.KIND, name=None, shape=SHAPE, dtype=np.float32, **documents):
        def write(path):
            array = np.zeros(shape, dtype)
            known = {"of": name or path.stem, "sum": feature_cache._sum(array), **documents}
            write_tensors(path, kind, {"features": array}, known)

        return write

    def nameless(path):
        write_tensors(path, feature_cache.KIND, {"others": np.zeros(3)}, {"of": path.stem, "sum": ""})

    return {
        "empty": changed(lambda content: b""),
        "cut": changed(lambda content: content[:-7]),
        "half": changed(lambda content: content[: len(content) // 2]),
        "no header": changed(lambda content: b"\xff" * 40),
        "a number": changed(lambda content: content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]),
        "longer": changed(lambda content: content + b"more"),
        "NaN": changed(lambda content: content[:-4] + b"\xff\xff\xff\x7f"),
        "of another kind": written(kind="gated model"),
        "of others": written(name="ab" * 32),
        "of fewer": written(shape=(4, *SHAPE[1:])),
        "of one axis": written(shape=(5,)),
        "of float64": written(dtype=np.float64),
        "no sum": written(sum=None),
        "another array": nameless,
    }


@pytest.mark.parametrize("how", damaged())
def test_a_damaged_file_is_seen_anew(usual, seen, how):
    given = pictures()
    first = kept_features(given, **SMALL)
    (path,) = usual.iterdir()
    whole = path.read_bytes()
    damaged()[how](path)
    assert path.read_bytes() != whole
    assert seen() == 5 and (kept_features(given, **SMALL) == first).all() and seen() == 5
    assert (kept_features(given, **SMALL) == first).all() and seen() == 0, "it is written again"


def test_a_folder_of_a_files_name_is_no_error(usual, seen):
    kept_features(pictures(), **SMALL)
    (path,) = usual.iterdir()
    path.unlink()
    path.mkdir()
    kept_features(pictures(), **SMALL)
    assert seen() == 10 and path.is_dir()


def no_space(monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)


def test_a_full_disk_is_no_error_but_for_a_folder_that_was_given(tmp_path, usual, seen, monkeypatch):
    no_space(monkeypatch)
    given = pictures()
    for _ in range(2):
        assert (kept_features(given, **SMALL) == filter_bank(given, **SMALL)).all()
    assert seen() == 10 and not list(usual.iterdir())
    with pytest.raises(ArgumentError, match="which cannot be written .No space left on device."):
        kept_features(given, folder=tmp_path / "own", **SMALL)


@pytest.mark.parametrize("place", ["", "file", "file/below", "~nobody-of-this-name/cache"])
def test_no_place_is_no_error(tmp_path, seen, monkeypatch, place):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATED_CACHE_DIR", place)
    for _ in range(2):
        assert kept_features(pictures(), **SMALL).shape == SHAPE
    assert seen() == 10 and [path.name for path in tmp_path.iterdir()] == ["file"]
    assert feature_cache.contents()[1:] == feature_cache.clear()[1:] == (0, 0)


def test_the_users_cache_folder_is_the_usual_one(tmp_path, seen, monkeypatch):
    import platformdirs

    monkeypatch.delenv("GATED_CACHE_DIR", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name, appauthor: str(tmp_path / name))
    kept_features(pictures(), **SMALL)
    assert [path.name for path in (tmp_path / "gated").iterdir()] == ["features"]
    found = feature_cache.contents()
    assert found.folder == tmp_path / "gated" / "features" and found.files == 1
    assert found.size == sum(path.stat().st_size for path in found.folder.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_folder_is_one_in_which_machine_code_may_lie(tmp_path, usual):
    """Nobody else may write it, whatever the user's mask says."""
    from gated.backends.native.machine.cache_folder import others_may_write

    before = os.umask(0o002)
    try:
        kept_features(pictures(), **SMALL)
    finally:
        os.umask(before)
    assert not others_may_write(usual.parent.stat()) and not others_may_write(usual.stat())


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", "a\0b"):
        with pytest.raises(ArgumentError, match=r"^folder: got '.*' \(.+\), expected a folder that can be made$"):
            kept_features(pictures(), folder=folder, **SMALL)
    with pytest.raises(ArgumentTypeError, match="^folder: got int 3, expected the path of a folder or None$"):
        kept_features(pictures(), folder=3, **SMALL)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"grip": 1}, ArgumentError, "options: got 'grip', expected one of grid, size"),
        ({"mean": 0.5}, ArgumentError, "options: got 'mean', expected one of grid, size"),
        ({"grid": 0}, ArgumentError, "grid: got"),
        ({"size": 15}, ArgumentError, "size: got"),
        ({"size": None}, ArgumentTypeError, "size: got"),
        ({"grid": float("nan")}, ArgumentError, r"options\['grid'\]: got"),
        (
            {"progress": 3},
            ArgumentTypeError,
            r"progress: got int 3, expected a function of \(pictures seen, all of them",
        ),
        ({"model": 3}, ArgumentError, "model: got int 3, expected the path of an ONNX file"),
        ({"model": "gone.onnx"}, ArgumentError, "model: got 'gone.onnx', expected the path of an ONNX file"),
    ],
)
def test_arguments(usual, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        kept_features(pictures(), **options)
    assert not usual.exists() or not list(usual.iterdir())


def test_no_pictures(usual):
    with pytest.raises(ArgumentError, match="^pictures: got none, expected at least one$"):
        kept_features([])


# with a model


@pytest.fixture
def models(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from . import makers_onnx

    return makers_onnx


@pytest.fixture
def seen_by_model(monkeypatch):
    counted = Counted(vision.onnx_features, 1)
    monkeypatch.setattr(vision, "onnx_features", counted)
    return counted.since


def test_a_model_is_asked_once(tmp_path, usual, models, seen_by_model):
    model = models.convolutional(tmp_path / "model.onnx")
    given = pictures(side=models.SIDE)
    kinds = [
        {},
        {"mean": np.array([0.5, 0.4, 0.3])},
        {"mean": 0.5, "std": np.float32(0.5)},
        {"output": "places"},
        {"output": 1},
        {"colours": "BGR"},
    ]
    first = [kept_features(given, model, **options) for options in kinds]
    assert seen_by_model() == 5 * len(kinds)
    for options, found in zip(kinds, first, strict=True):
        assert (kept_features(given, model, **options) == found).all()
        assert (onnx_features(model, given, **options) == found).all()
    assert seen_by_model() == 0
    kept_features(given, str(model), batch=2, threads=1)
    assert seen_by_model() == 0, "they change no feature"
    with pytest.raises(ArgumentError, match="^options: got 'grid', expected one of batch, colours, fit,"):
        kept_features(given, model, grid=2)


def test_another_model_is_asked_anew(tmp_path, usual, models, seen_by_model):
    given = pictures(side=models.SIDE)
    model = models.convolutional(tmp_path / "model.onnx")
    first = kept_features(given, model)
    same = tmp_path / "moved.onnx"
    same.write_bytes(model.read_bytes())
    assert (kept_features(given, same) == first).all() and seen_by_model() == 5
    models.convolutional(model, seed=3)
    assert (kept_features(given, model) == onnx_features(model, given)).all() and seen_by_model() == 5
    assert (kept_features(given, model) != first).any() and seen_by_model() == 0


def test_numbers_of_a_model_that_lie_beside_it_count(tmp_path, usual, models, seen_by_model):
    import onnx

    given, model, numbers = pictures(side=models.SIDE), tmp_path / "apart.onnx", tmp_path / "numbers.bin"
    whole = onnx.load(models.convolutional(tmp_path / "whole.onnx"))
    onnx.save_model(whole, model, save_as_external_data=True, location=numbers.name, size_threshold=60)
    first = kept_features(given, model)
    numbers.write_bytes((-np.frombuffer(numbers.read_bytes(), np.float32)).tobytes())
    other = kept_features(given, model)
    assert seen_by_model() == 10 and (other != first).any() and (other == onnx_features(model, given)).all()


def test_pictures_in_files_for_a_model(tmp_path, usual, models, seen_by_model):
    model = models.convolutional(tmp_path / "model.onnx")
    paths = [png(tmp_path / f"{k}.png", (k, 200, 9), size=(12, 8)) for k in range(3)]
    for given, options in ((paths, {}), (paths, {"fit": "pad"}), (Pictures(paths, 30), {}), (paths, {"size": 6})):
        for _ in range(2):
            assert (kept_features(given, model, **options) == onnx_features(model, given, **options)).all()
    assert seen_by_model() == 12
