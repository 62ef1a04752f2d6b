"""The folder of an experiment: never somebody else's files."""

from __future__ import annotations

import json
import math

import pytest

from gated.errors import ArgumentError, FileFormatError, MissingExtraError
from gated.experiments import ReportFolder


def test_files_are_written_and_replaced(tmp_path):
    folder = ReportFolder(tmp_path / "deep" / "run")
    folder.start()
    folder.write_results({"a": [1.5, math.nan, (math.inf, "ä")]})
    folder.write_report("# x\n")
    assert folder.draw("solved.png", lambda word: word, b"png")
    assert folder.read_results() == {"a": [1.5, None, [None, "ä"]]}
    assert sorted(file.name for file in folder.path.iterdir()) == [".lock", "report.md", "results.json", "solved.png"]
    with pytest.raises(ArgumentError, match="which is not empty, expected a new folder, or --overwrite"):
        folder.start()
    assert (folder.path / "report.md").read_text() == "# x\n"
    (folder.path / ".report.md.0123.tmp").write_text("left by a kill in the middle of writing")
    folder.start(overwrite=True)
    assert [file.name for file in folder.path.iterdir()] == [".lock"]
    del folder
    assert list((tmp_path / "deep" / "run").iterdir()) == []


def test_overwrite_does_not_touch_a_folder_with_something_else_in_it(tmp_path):
    (tmp_path / "report.md").write_text("mine")
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ArgumentError, match="'thesis.tex' in it, expected nothing but an experiment's files"):
        ReportFolder(tmp_path).start(overwrite=True)
    assert (tmp_path / "report.md").read_text() == "mine"


def test_what_cannot_be_read_or_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="expected a folder that can be written"):
        ReportFolder(tmp_path / "file").start()
    with pytest.raises(ArgumentError, match="it has no results.json"):
        ReportFolder(tmp_path / "none").read_results()
    (tmp_path / "results.json").write_text(json.dumps([1])[:-1])
    with pytest.raises(FileFormatError, match="bad JSON"):
        ReportFolder(tmp_path).read_results()


def test_without_matplotlib_there_is_no_picture(tmp_path):
    def without():
        raise MissingExtraError("matplotlib is needed")

    assert not ReportFolder(tmp_path).draw("solved.png", without)
    assert list(tmp_path.iterdir()) == []
