"""The folder of a run: what may be overwritten, what is cut, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gated.errors import ArgumentError, FileFormatError, GatedError
from gated.learning.training.curves import draw_curves
from gated.learning.training.run_folder import RunFolder

ARRAYS = {"theta": np.arange(4.0), "optimizer.updates": np.array(7)}


def _run(path):
    folder = RunFolder(path)
    folder.start({"lr": 0.1})
    folder.append_metrics({"step": 1})
    folder.write_checkpoint(ARRAYS, {"progress": {"step": 1}})
    folder.append_metrics({"step": 2})
    return folder


def test_a_checkpoint_comes_back(tmp_path):
    arrays, values = _run(tmp_path / "deep" / "run").read_checkpoint()
    assert values == {"progress": {"step": 1}}
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape


def test_lines_after_the_checkpoint_are_cut(tmp_path):
    folder = _run(tmp_path / "run")
    with open(folder.metrics_file, "a") as file:
        file.write('{"step": 3, "tr')  # a kill in the middle of a line
    assert [line["step"] for line in folder.read_metrics()] == [1, 2]
    folder.cut_metrics()
    assert folder.metrics_file.read_text() == '{"step": 1}\n'
    folder.cut_metrics()
    assert folder.metrics_file.read_text() == '{"step": 1}\n'


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    folder = _run(tmp_path / "run")
    before = {file.name: file.read_bytes() for file in folder.path.iterdir()}
    with pytest.raises(ArgumentError, match="which is not empty, expected a new folder, or resume"):
        folder.start({"lr": 0.2})
    assert {file.name: file.read_bytes() for file in folder.path.iterdir()} == before


def test_overwrite_removes_a_run_and_nothing_else(tmp_path):
    folder = _run(tmp_path / "run")
    (folder.path / ".model.safetensors.x1y2.tmp").write_text("left by a kill in the middle of writing")
    folder.start({"lr": 0.2}, overwrite=True)
    assert sorted(file.name for file in folder.path.iterdir()) == [".lock", "config.json"]
    assert folder.read_config() == {"lr": 0.2}
    (folder.path / "thesis.tex").write_text("years of work")
    with pytest.raises(ArgumentError, match=r"with 'thesis.tex' in it, expected nothing but a run's files"):
        folder.start({"lr": 0.3}, overwrite=True)
    assert (folder.path / "thesis.tex").read_text() == "years of work"
    assert folder.read_config() == {"lr": 0.2}


def test_a_folder_with_something_in_it_is_not_even_locked(tmp_path):
    """`gated train --out some_project` overwrote and removed that project's own .lock before it said "not empty"."""
    (tmp_path / ".lock").write_text("poetry's")
    (tmp_path / "main.py").write_text("")
    for overwrite in (False, True):
        with pytest.raises(ArgumentError, match="not empty|'main.py' in it"):
            RunFolder(tmp_path).start({}, overwrite)
    (tmp_path / "main.py").unlink()
    with pytest.raises(ArgumentError, match="whose .lock .a file. is not gated's"):
        RunFolder(tmp_path).start({})
    assert (tmp_path / ".lock").read_text() == "poetry's"


def test_a_start_that_cannot_write_holds_no_lock_and_leaves_nothing(tmp_path, monkeypatch):
    from gated.learning.training import run_folder

    folder = RunFolder(tmp_path / "run")

    def fails(path, content):
        raise ArgumentError("path: the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "write_atomically", fails)
        with pytest.raises(ArgumentError, match="the disk is full"):
            folder.start({"lr": 0.1})
    assert not list(folder.path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        folder.start({"lr": 0.1}, first=lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    assert not list(folder.path.iterdir())


def test_what_cannot_be_written_costs_no_old_run(tmp_path):
    folder = _run(tmp_path / "run")
    before = {file.name: file.read_bytes() for file in folder.path.iterdir()}
    with pytest.raises(ArgumentError, match="^config.*lr.*: got float nan"):
        folder.start({"lr": float("nan")}, overwrite=True)
    assert {file.name: file.read_bytes() for file in folder.path.iterdir()} == before


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(ArgumentError, match="^folder: got .*, expected a folder that can be written"):
        RunFolder(tmp_path / "run").start({})


@pytest.mark.parametrize(
    ("damage", "kind", "words"),
    [
        (lambda run: run.config_file.unlink(), ArgumentError, "expected the folder of a run"),
        (lambda run: run.config_file.write_text("{"), FileFormatError, "bad JSON"),
        (lambda run: run.config_file.write_bytes(b"\xff\xfe"), FileFormatError, "bad JSON"),
        (lambda run: run.config_file.write_text("[" * 100_000), FileFormatError, "bad JSON"),
        (lambda run: run.config_file.write_text("[]"), FileFormatError, "got list, expected a JSON object"),
        (lambda run: run.checkpoint_file.unlink(), ArgumentError, "which does not exist"),
        (lambda run: run.checkpoint_file.write_bytes(b"12345"), FileFormatError, "not a whole safetensors file"),
        (lambda run: run.metrics_file.write_text("nonsense\n" * 9), FileFormatError, "bad line, number 1"),
        (lambda run: run.metrics_file.write_text('{"step": 1}\n[1]\n'), FileFormatError, "bad line, number 2 .list"),
        (lambda run: run.metrics_file.write_bytes(b"\xff\xfe\xfd\n"), FileFormatError, "bad line, number 1"),
        (lambda run: run.metrics_file.write_text('{"loss": NaN}\n'), FileFormatError, "bad line, number 1 .NaN"),
    ],
)
def test_a_damaged_run_is_refused_in_one_line(tmp_path, damage, kind, words):
    folder = _run(tmp_path / "run")
    damage(folder)
    with pytest.raises(kind, match=words) as caught:
        folder.read_config()
        folder.read_checkpoint()
        folder.read_metrics()
        folder.cut_metrics()
    assert isinstance(caught.value, GatedError)
    assert "\n" not in str(caught.value)


def test_metrics_are_one_json_object_per_line_without_nan(tmp_path):
    folder = _run(tmp_path / "run")
    with pytest.raises(ArgumentError, match=r"^metrics\['loss'\]: got float nan, expected a value that JSON can hold"):
        folder.append_metrics({"loss": float("nan")})
    for line in folder.metrics_file.read_text().splitlines():
        assert isinstance(json.loads(line), dict)


def test_the_picture_shows_both_curves(tmp_path):
    image = pytest.importorskip("matplotlib.image")
    lines = [{"step": s, "train": 3 - s / 9, "held": 3.2 - s / 9 if s % 3 == 0 else None} for s in range(9)]
    pictures = []
    for number, shown in enumerate((lines, [{**line, "held": None} for line in lines], [])):
        path = tmp_path / f"{number}.png"
        draw_curves(path, shown, train="train", held_out="held", unit="bits per character", title="lstm")
        pictures.append(image.imread(path))
    assert pictures[0].shape[:2] > (300, 600)
    assert np.mean(pictures[0] != pictures[1]) > 1e-3
    assert np.mean(pictures[1] != pictures[2]) > 1e-3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0.png", "1.png", "2.png"]
