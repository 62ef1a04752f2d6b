"""Runs of a translator of dates: to the bit, refused, read; the commands on top of them."""

import json
import re

import numpy as np
import pytest
from tests.models.stopping import stopped_at
from typer.testing import CliRunner

import gated
from gated.cli.app import app
from gated.errors import ArgumentError, FileFormatError
from gated.models.date_run import KINDS, DateRun, scores_of
from gated.models.date_settings import DateSettings
from gated.models.translator import Translator

SMALL = {"pairs": 200, "held_out": 8, "judge": 4, "years": 5, "hidden": 10, "embed": 6, "passes": 2, "batch": 25}
SMALL |= {"evaluate_every": 5, "log_every": 2}
WORDS = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def start(path, **changes):
    settings = DateSettings(**{**SMALL, **changes})
    return DateRun.start(str(path), settings, gated.cells.ZOO[settings.cell])


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_goes_on_to_the_bit(tmp_path, cell):
    whole = start(tmp_path / "whole", cell=cell)
    whole.run()
    part = start(tmp_path / "part", cell=cell)
    stopped_at(7, part)
    again = DateRun.resume(str(tmp_path / "part"))
    assert again.step == 7
    assert again.run()
    np.testing.assert_array_equal(again.translator.network.theta, whole.translator.network.theta)
    assert (whole.step, whole.total) == (16, 16)
    assert any("gates" in line for line in whole.lines()) == (cell == "gru")
    judged = [line for line in whole.lines() if "exact" in line]
    assert [line["step"] for line in judged] == [5, 10, 15, 16]
    assert all(line["exact"] == pytest.approx(np.mean([line[f"{kind}_exact"] for kind in KINDS])) for line in judged)


def test_what_is_judged_by_is_not_learned_and_not_the_same_twice(tmp_path):
    settings = DateSettings(**SMALL)
    end, way = settings.splits()
    assert end.train == way.train and len(end.train) == 200
    for kind in KINDS:
        assert (len(getattr(end, kind)), len(getattr(way, kind))) == (8, 4)
    assert not {pair.iso[:4] for pair in (*end.years, *way.years)} & {pair.iso[:4] for pair in end.train}


def test_settings_that_shape_the_model_stay(tmp_path):
    start(tmp_path / "run").run()
    with pytest.raises(ArgumentError, match=r"hidden: got 13, expected 10, as the run began"):
        DateRun.resume(str(tmp_path / "run"), hidden=13)
    longer = DateRun.resume(str(tmp_path / "run"), passes=3)
    assert longer.total == 24 and longer.run()


def test_damaged_folders_are_refused(tmp_path):
    start(tmp_path / "run").run()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    for change, message in (
        ({"settings": {"colour": 1}}, "settings of another kind"),
        ({"settings": {**config["settings"], "hidden": -1}}, "hidden: got -1"),
        ({"settings": {**config["settings"], "lang": "en"}}, "got layers for"),
    ):
        (tmp_path / "run" / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(FileFormatError, match=message):
            DateRun.resume(str(tmp_path / "run"))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"lang": "fr"}, "lang: got 'fr'"),
        ({"pairs": 0}, "pairs: got 0"),
        ({"years": 41}, "years: got 41, expected at most 40"),
        ({"optimizer": "lion"}, "optimizer: got 'lion'"),
        ({"patience": 0}, "patience: got 0"),
        ({"lr": -1.0}, "-1"),
        ({"clip": -1.0}, "clip: got -1"),
        ({"warmup": -1}, "warmup: got -1"),
    ],
)
def test_bad_settings_write_nothing(tmp_path, changes, message):
    with pytest.raises(ArgumentError, match=message):
        start(tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_commands(tmp_path):
    folder = tmp_path / "dates"
    done = run("translate", "train", "--out", folder, *WORDS)
    assert done.exit_code == 0, done.output
    assert "dates   200 in 24 formats" in done.output and "updates: 16" in done.output
    assert len(re.findall(r"(?:other dates|years that|months that).*\d%", done.output)) == 3
    translator = Translator.load(folder / "model.safetensors")
    assert set(scores_of(translator, DateSettings(**SMALL).splits()[0])) == set(KINDS)
    shown = run("translate", "show", "the 3rd of March, 1999", "一九九九年三月三日", "--run", folder, "--beams", 2)
    assert shown.exit_code == 0 and len(shown.output.splitlines()) == 2
    assert shown.output.splitlines() == translator.predict(["the 3rd of March, 1999", "一九九九年三月三日"], beams=2)
    again = run("translate", "train", "--out", folder, "--resume", "--passes", 3)
    assert again.exit_code == 0 and "from update 16 to 24" in again.output
    longer = run("translate", "train", "--out", folder, "--overwrite", "--lang", "zh", *WORDS)
    assert longer.exit_code == 0 and "in 12 formats" in longer.output


@pytest.mark.parametrize(
    "words, message",
    [
        (("train", "--resume", "--overwrite"), "overwrite: got it together with --resume"),
        (("train", "--minutes", "-1"), "minutes: got -1"),
        (("train", "--cell", "lstn", *WORDS), "cell: got 'lstn'"),
        (("show", "May 3, 1999", "--run", "nowhere"), "run: got 'nowhere', where no translator is"),
        (("show", "May 3, 1999", "--beams", "0", "--run", "."), "no translator is"),
    ],
)
def test_messages(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    done = run("translate", *words)
    assert done.exit_code != 0
    assert message in (done.output + str(done.exception))
