"""Runs of captions of scenes: to the bit, refused, shown, reported; the commands on top of them."""

import json

import numpy as np
import pytest
from tests.models.stopping import stopped_at
from typer.testing import CliRunner

import gated
from gated.cli.app import app
from gated.data.scenes import draw, random_scene
from gated.errors import ArgumentError, FileFormatError
from gated.models.captioner import Captioner
from gated.models.captioner.scene_run import SceneRun
from gated.models.captioner.scene_settings import SceneData, SceneSettings

SMALL = {"pictures": 60, "captions": 2, "held_out": 6, "judge": 4, "hidden": 12, "read": 6, "embed": 8}
SMALL |= {"passes": 2, "batch": 16, "evaluate_every": 5, "log_every": 2}
WORDS = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def start(path, **changes):
    settings = SceneSettings(**{**SMALL, **changes})
    return SceneRun.start(str(path), settings, gated.cells.ZOO[settings.cell])


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_goes_on_to_the_bit(tmp_path, cell):
    whole = start(tmp_path / "whole", cell=cell)
    whole.run()
    part = start(tmp_path / "part", cell=cell)
    stopped_at(7, part)
    again = SceneRun.resume(str(tmp_path / "part"))
    assert again.step == 7
    assert again.run()
    np.testing.assert_array_equal(again.captioner.network.theta, whole.captioner.network.theta)
    assert (whole.step, whole.total) == (16, 16)
    assert any("gates" in line for line in whole.lines()) == (cell == "gru")


def test_settings_that_shape_the_model_stay(tmp_path):
    start(tmp_path / "run").run()
    with pytest.raises(ArgumentError, match=r"hidden: got 13, expected 12, as the run began"):
        SceneRun.resume(str(tmp_path / "run"), hidden=13)
    longer = SceneRun.resume(str(tmp_path / "run"), passes=3)
    assert longer.total == 24 and longer.run()
    with pytest.raises(ArgumentError, match="not empty"):
        start(tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["settings"]["passes"] == 3 and len(config["unseen_pairs"]) == 8
    (tmp_path / "run" / "config.json").write_text('{"settings": {"lang": "fr"}}')
    with pytest.raises(FileFormatError, match="lang: got 'fr'"):
        SceneRun.resume(str(tmp_path / "run"))


def test_data_are_made_from_the_seed_and_kept_apart():
    data = SceneData.of(SceneSettings(**SMALL))
    again = SceneData.of(SceneSettings(**{**SMALL, "captions": 1}))
    np.testing.assert_array_equal(data.unseen.pictures, again.unseen.pictures)
    assert [len(own) for own in data.captions] == [2] * 60 and data.captions[3][0] == data.train.captions[3]
    assert len(data.judge.captions) == 4 and len(data.seen.captions) == len(data.unseen.captions) == 6
    unseen = set(data.unseen_pairs)
    assert not any(unseen & set(scene.pairs) for scene in [*data.train.scenes, *data.seen.scenes, *data.judge.scenes])
    assert all(unseen & set(scene.pairs) for scene in data.unseen.scenes)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_commands_from_end_to_end(tmp_path, monkeypatch, lang):
    monkeypatch.chdir(tmp_path)
    trained = run("caption", "train", *WORDS, "--lang", lang)
    assert trained.exit_code == 0, trained.output
    assert "captions wholly right" in trained.output and f"runs/caption-{lang}/report.html" in trained.output
    folder = tmp_path / "runs" / f"caption-{lang}"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == 12 and "data:image/png;base64," in page
    assert ("看图说话" in page) == (lang == "zh") and f'lang="{"zh-Hans" if lang == "zh" else "en"}"' in page
    shown = run("caption", "show", "--run", folder, "--seed", 3, "--gates")
    assert shown.exit_code == 0 and "drawn into scene.png" in shown.output
    assert {"r", "z"} <= set(shown.output.split())
    again = run("caption", "show", "scene.png", "--run", folder, "--beams", 2)
    assert again.exit_code == 0, again.output
    several = run("caption", "show", "scene.png", "--run", folder, "--temperature", 1, "--count", 3)
    assert len(several.output.splitlines()) >= 3
    other = run("caption", "train", *WORDS, "--lang", lang, "--cell", "rnn", "--out", "runs/rnn")
    assert other.exit_code == 0
    reported = run("caption", "report", "--run", folder, "--beside", "runs/rnn", "-o", "page.html", "--count", 2)
    assert reported.exit_code == 0 and "rnn seen" in reported.output and (tmp_path / "page.html").exists()
    resumed = run("caption", "train", "--resume", "--out", folder, "--lang", lang, "--passes", 3)
    assert resumed.exit_code == 0 and "from update 16 to 24" in resumed.output


def test_what_show_says_is_what_the_captioner_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start("run").run()
    said = run("caption", "show", "--run", "run", "--seed", 5).output.splitlines()[-1]
    assert said == Captioner.load("run/model.safetensors").predict(draw(random_scene(5)))[0]


@pytest.mark.parametrize(
    "words, message",
    [
        (["show", "no.png", "--run", "run"], "picture: got 'no.png', which is no file"),
        (["show", "text.png", "--run", "run"], "'text.png': got no picture that can be read"),
        (["show", "--run", "none"], "run: got 'none', where no captioner is; gated caption train makes one"),
        (["show", "--run", "run", "--beams", 2, "--temperature", 1], "beams: got 2 with temperature 1"),
        (["report", "--run", "none"], "expected the folder of a run"),
        (["report", "--run", "run", "--count", 0], "count: got 0"),
        (["train", "--lang", "fr"], "lang: got 'fr'"),
        (["train", "--pictures", 10, "--out", "x"], "count: got 10"),
        (["train", "--cell", "lstn"], "expected FILE.py:NAME or the name of a cell"),
        (["train", "--out", "run"], "which is not empty"),
        (["train", "--resume", "--overwrite"], "overwrite: got it together with --resume"),
        (["train", "--minutes", 0], "minutes: got 0"),
    ],
)
def test_errors_are_one_line(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    if "run" in words:
        start("run").run()
    (tmp_path / "text.png").write_text("no picture")
    found = run("caption", *words)
    text = found.output + str(found.exception or "")
    assert found.exit_code != 0 and message in text, text
