"""Runs of a model of music: to the bit, refused; the commands on top of them; the page."""

import base64
import io
import json
import re
import wave
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("music21")

from tests.data.music import makers
from tests.models.stopping import stopped_at
from typer.testing import CliRunner

import gated
from gated.cli.app import app
from gated.data import user_cache
from gated.data.music import read_music, shifted, write_midi
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.models import LanguageModel
from gated.models.music import PianoRollModel
from gated.models.music.music_run import MusicRun, digest
from gated.models.music.music_settings import MusicSettings
from gated.models.music.report import WORDS, music_report
from gated.models.music.sound import RATE, wav_bytes

SMALL = {"hidden": 6, "passes": 4, "batch": 2, "layers": 2, "dropout": 0.3, "log_every": 1, "patience": 9}
WORDS_OF_SMALL = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Nine pieces as MIDI files; what is read of them is kept beside them."""
    place = tmp_path_factory.mktemp("music")
    for piece in makers.pieces(9, steps=(6, 12)):
        write_midi(place / f"{piece.name}.mid", piece.roll)
    return place


@pytest.fixture(autouse=True)
def elsewhere(folder, monkeypatch):
    monkeypatch.setattr(user_cache, "usual", lambda name: folder / "cache" / name)


def start(path, folder, **changes):
    settings = MusicSettings(**{**SMALL, "folder": str(folder), **changes})
    return MusicRun.start(str(path), settings, gated.cells.ZOO[settings.cell])


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.mark.parametrize("changes", [{"cell": "gru"}, {"cell": "rnn", "transpose": 4, "key": "written"}])
def test_goes_on_to_the_bit(tmp_path, folder, changes):
    whole = start(tmp_path / "whole", folder, **changes)
    assert whole.run()
    part = start(tmp_path / "part", folder, **changes)
    stopped_at(5, part)
    told = []
    again = MusicRun.resume(str(tmp_path / "part"), lambda *what: told.append(what))
    assert again.step == 5 and told[-1] == ("reading", 9, 9)
    assert again.run()
    np.testing.assert_array_equal(again.model.network.theta, whole.model.network.theta)
    assert (whole.step, whole.total) == (12, 12)
    assert any("gates" in line for line in whole.lines()) == (changes["cell"] == "gru")
    judged = [line for line in whole.lines() if "valid_nats_per_step" in line]
    assert [line["step"] for line in judged] == [3, 6, 9, 12]
    assert judged[-1]["valid_nats_per_step"] == pytest.approx(whole.model.evaluate(whole.pieces.valid), rel=1e-6)
    best = min(line["valid_nats_per_step"] for line in judged)
    assert whole.best().evaluate(whole.pieces.valid) == pytest.approx(best, rel=1e-6)
    assert whole.best().about["settings"]["folder"] == str(folder)


def test_what_is_learned_is_neither_chosen_nor_judged_by(folder):
    split, left_out = MusicSettings(folder=str(folder)).pieces()
    assert [len(part) for part in split] == [5, 2, 2] and not left_out
    names = [{piece.name for piece in part} for part in split]
    assert len(set().union(*names)) == 9
    assert all(piece.tonic == 0 for part in split for piece in part)
    written, _ = MusicSettings(folder=str(folder), key="written").pieces()
    assert digest(written) != digest(split)
    assert [[piece.in_c().name for piece in part] for part in written] == [[p.name for p in part] for part in split]
    few, _ = MusicSettings(folder=str(folder), count=4).pieces()
    assert sum(map(len, few)) == 4


def test_settings_that_shape_model_or_data_stay(tmp_path, folder):
    start(tmp_path / "run", folder).run()
    for name, value in (("hidden", 13), ("key", "written"), ("split", 3)):
        with pytest.raises(ArgumentError, match=rf"{name}: got .*, as the run began"):
            MusicRun.resume(str(tmp_path / "run"), **{name: value})
    longer = MusicRun.resume(str(tmp_path / "run"), passes=5)
    assert longer.total == 15 and longer.run()


def test_damaged_folders_and_other_music_are_refused(tmp_path, folder):
    start(tmp_path / "run", folder).run()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["pieces"] == {"train": 5, "valid": 2, "test": 2}
    for change, message in (
        ({"settings": {"colour": 1}}, "settings of another kind"),
        ({"settings": {**config["settings"], "key": "C"}}, "key: got 'C'"),
    ):
        (tmp_path / "run" / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(FileFormatError, match=message):
            MusicRun.resume(str(tmp_path / "run"))
    (tmp_path / "run" / "config.json").write_text(json.dumps({**config, "music_sha256": "0"}))
    with pytest.raises(ArgumentError, match="folder: got other music than the run in .* learned from"):
        MusicRun.resume(str(tmp_path / "run"))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"folder": "nowhere"}, "folder: got 'nowhere', expected a folder"),
        ({"count": 0}, "count: got 0"),
        ({"count": 2}, "pieces: got 2 that belong together in 2"),
        ({"key": "C"}, "key: got 'C'"),
        ({"transpose": -1}, "transpose: got -1"),
        ({"valid": 1.0}, "valid: got 1"),
        ({"test": 0.9}, "test: got 0.9 beside 0.2 of valid"),
        ({"split": -1}, "split: got -1"),
        ({"layers": 0}, "layers: got 0"),
        ({"dropout": 1.5}, "dropout: got 1.5"),
        ({"layers": 1}, "dropout: got 0.3"),
        ({"lr": -1.0}, "-1"),
    ],
)
def test_bad_settings_write_nothing(tmp_path, folder, changes, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        start(tmp_path / "run", **{"folder": folder, **changes})
    assert not (tmp_path / "run").exists()


def test_a_folder_is_named_by_a_text():
    with pytest.raises(ArgumentTypeError, match="folder: got int 3, expected a path, or None"):
        MusicSettings(folder=3)


def test_commands(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "mine"
    own.mkdir()
    for file in folder.glob("*.mid"):
        (own / file.name).write_bytes(file.read_bytes())
    (own / "damaged.mid").write_bytes(b"nothing")
    done = run("music", "train", own, "--out", "run", *WORDS_OF_SMALL)
    assert done.exit_code == 0, done.output
    assert "left out damaged.mid: " in done.output
    assert "music   5 learned from, 2 chosen by, 2 never seen, in C" in done.output and "updates: 12" in done.output
    assert len(re.findall(r"(?:learned from|chosen by|never seen) +\d+\.\d+ +\d pieces", done.output)) == 3
    assert "to see and to hear: run/report.html" in done.output
    model = PianoRollModel.load("run/model.safetensors")

    done = run("sample", "run", "--voices", 4, "--seed", 3, "--out", "chorale.mid")
    assert done.exit_code == 0 and done.output.startswith("written: chorale.mid\ncomposed: 64 quarter notes, 4.00 keys")
    np.testing.assert_array_equal(read_music("chorale.mid").roll, model.sample(64, voices=4, seed=3))
    done = run("sample", "run", "--temperature", 0, "--length", 6, "--out", "still.mid")
    assert done.exit_code == 0 and read_music("still.mid").roll.any(1).all(), done.output  # no silence
    done = run("sample", "run/model.safetensors", "--length", 5, "--prompt", "chorale.mid", "--temperature", 2.0)
    assert done.exit_code == 0 and "written: sample.mid" in done.output
    before = read_music("chorale.mid")
    wanted = shifted(model.sample(5, temperature=2.0, prompt=before.in_c()), -before.to_c)
    whole = np.concatenate([before.roll, wanted])
    np.testing.assert_array_equal(read_music("sample.mid").roll, whole)
    model.about["settings"]["key"] = "written"
    model.save("written.safetensors")
    assert run("sample", "written.safetensors", "--length", 5, "--prompt", "chorale.mid").exit_code == 0
    whole = np.concatenate([before.roll, model.sample(5, prompt=before)])
    np.testing.assert_array_equal(read_music("sample.mid").roll, whole)
    assert run("sample", "run", "--length", 0, "--out", "nothing.mid").exit_code == 0

    again = run("music", "train", "--out", "run", "--resume", "--passes", 5)
    assert again.exit_code == 0 and "from update 12 to 15" in again.output
    assert run("music", "train", own, "--out", "run", "--overwrite", *WORDS_OF_SMALL).exit_code == 0
    small = ("--count", 4, "--hidden", 3, "--layers", 1, "--passes", 1)
    done = run("music", "train", "mine", *small)  # one layer has no dropout, and the folder lends the run its name
    assert done.exit_code == 0 and "run     runs/mine, updates: " in done.output, done.output
    page = run("music", "report", "run", "--lang", "zh", "--length", 4, "--output", "page.html")
    assert page.exit_code == 0 and page.output == "the page: page.html\n"
    assert WORDS["zh"]["title"] in Path("page.html").read_text(encoding="utf-8")


def test_text_from_a_language_model_as_before_and_into_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = LanguageModel.build("a small text", hidden_size=4, embedding_size=3)
    model.save("model.safetensors")
    wanted = "all" + model.sample(20, temperature=0.8, prompt="all", seed=1) + "\n"
    words = ("sample", "model.safetensors", "--length", 20, "--prompt", "all", "--seed", 1)
    assert run(*words).output == wanted
    done = run(*words, "--out", "text.txt")
    assert done.output == "written: text.txt\n" and Path("text.txt").read_text(encoding="utf-8") == wanted


@pytest.mark.parametrize(
    "words, message",
    [
        (("music", "train", "--resume", "--overwrite"), "overwrite: got it together with --resume"),
        (("music", "train", "--cell", "lstn"), "cell: got 'lstn'"),
        (("music", "train", "nowhere"), "folder: got 'nowhere'"),
        (("music", "report", "nowhere"), "run: got 'nowhere', expected the folder of a run; gated music train makes"),
        (("music", "report", "."), "run: got '.', where no model of music is; gated music train makes one"),
        (("sample", "music.safetensors", "--top-k", "3"), "top_k: got 3 for a model of music, expected it for one of"),
        (("sample", "music.safetensors", "--top-p", "0.5"), "top_p: got 0.5 for a model of music"),
        (("sample", "music.safetensors", "--stop", "x"), "stop: got .* for a model of music"),
        (("sample", "music.safetensors", "--voices", "0"), "voices: got 0"),
        (("sample", "music.safetensors", "--length", "-1"), "length: got -1"),
        (("sample", "music.safetensors", "--temperature", "-1"), "temperature: got -1"),
        (
            ("sample", "music.safetensors", "--out", "a.wav"),
            "out: got 'a.wav' for a model of music, expected a file that",
        ),
        (("sample", "music.safetensors", "--prompt", "C"), "path: got 'C', which is no file"),
        (("sample", "text.safetensors", "--voices", "4"), "voices: got 4 for a model of text, expected it for one of"),
        (("sample", "other.safetensors"), "got a something, expected a gated character language model"),
        (("evaluate", "music.safetensors", "a.txt"), "got a gated piano roll model, expected a gated character"),
    ],
)
def test_messages(tmp_path, monkeypatch, words, message):
    from gated.interop.model_file import save_model

    monkeypatch.chdir(tmp_path)
    model = PianoRollModel.build(hidden_size=3)
    model.save("music.safetensors")
    LanguageModel.build("abc", hidden_size=3, embedding_size=2).save("text.safetensors")
    save_model("other.safetensors", "something", model.network, {})
    before = sorted(tmp_path.iterdir())
    done = run(*words)
    assert done.exit_code != 0
    assert re.search(message, done.output + str(done.exception)), done.exception
    assert sorted(tmp_path.iterdir()) == before, "nothing is written"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_the_numbers_the_pictures_and_the_music(folder, lang):
    pytest.importorskip("matplotlib")
    pieces, _ = MusicSettings(folder=str(folder)).pieces()
    model = PianoRollModel.build(gated.cells.lstm, hidden_size=5, pieces=pieces.train)
    page = music_report(model, pieces, lang=lang, length=7)
    for own in pieces:
        assert f"{model.evaluate(own):.2f}" in page
    assert page.count("data:image/png;base64,") == 2
    assert not re.search(r"(?:src|href)=\"(?!data:)", page) and "<script" not in page
    heard = [base64.b64decode(data) for data in re.findall(r"data:audio/wav;base64,([^\"]*)", page)]
    midi = [base64.b64decode(data) for data in re.findall(r"data:audio/midi;base64,([^\"]*)", page)]
    assert len(heard) == len(midi) == 3 and all(each.startswith(b"MThd") for each in midi)
    for name in WORDS[lang]:
        assert name in WORDS["en"] and name in WORDS["zh"]
    with pytest.raises(ArgumentError, match="lang: got 'fr'"):
        music_report(model, pieces, lang="fr")
    with pytest.raises(ArgumentError, match="length: got 0"):
        music_report(model, pieces, length=0)


def test_tones_have_their_pitch_and_length():
    """A4 for two seconds, silence for one, then A5: where the spectrum is highest."""
    with wave.open(io.BytesIO(wav_bytes(makers.roll_of((69,), (69,), (), (81,)), tempo=60.0))) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (RATE, 4 * RATE, 1)
        sound = np.frombuffer(file.readframes(4 * RATE), "<i2").astype(float).reshape(4, RATE)
    assert not sound[2].any()
    for step, frequency in ((0, 440), (1, 440), (3, 880)):
        assert int(np.argmax(np.abs(np.fft.rfft(sound[step])))) == pytest.approx(frequency, abs=1)
    assert np.abs(sound).max() <= 0.91 * 32767
    assert wav_bytes(np.zeros((0, 88), np.uint8)).startswith(b"RIFF")
