"""A training run in its folder: going on exactly, choosing the best, and that every setting does something."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys

import numpy as np
import pytest

import gated
from gated.errors import ArgumentError, FileFormatError, GatedError
from gated.models import CharacterLanguageModel, LanguageModel
from gated.models.language_run import LanguageRun
from gated.models.language_settings import Corpus, Settings

TEXT = "".join(np.random.default_rng(0).choice(list("abc de\n"), 1300)) + "the end of the text\n" * 10
TIMES = ("characters_per_second", "seconds")


@pytest.fixture
def settings(tmp_path):
    file = tmp_path / "corpus.txt"
    file.write_text(TEXT)
    return Settings(
        corpus=str(file),
        hidden=8,
        layers=2,
        dropout=0.2,
        embed=4,
        batch=4,
        window=16,
        epochs=2,
        warmup=3,
        evaluate_every=7,
        log_every=3,
        held_out=0.1,
    )


@pytest.fixture(autouse=True)
def without_pictures(request, monkeypatch):
    """A picture takes longer than the training here; one test draws it."""
    if "picture" not in request.node.name:
        monkeypatch.setattr(LanguageRun, "draw", lambda run: None)


def _metrics(run):
    lines = [json.loads(line) for line in run.folder.metrics_file.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMES} for line in lines]


def _stop_at(step):
    def watch(update, run, evaluated):
        if update.step == step:
            signal.raise_signal(signal.SIGINT)

    return watch


@pytest.mark.parametrize("stop", [1, 7, 22, 23])
def test_a_run_that_was_stopped_and_goes_on_equals_one_that_was_not(tmp_path, settings, stop):
    whole = LanguageRun.start(tmp_path / "whole", settings)
    assert whole.total == 44
    assert whole.run()
    first = LanguageRun.start(tmp_path / "parts", settings)
    with pytest.raises(KeyboardInterrupt):
        first.run(on_update=_stop_at(stop))
    assert first.step == stop
    second = LanguageRun.resume(tmp_path / "parts")
    assert second.step == stop
    assert second.run()
    assert _metrics(second) == _metrics(whole)
    np.testing.assert_array_equal(second.model.network.theta, whole.model.network.theta)
    assert second.records.best == whole.records.best
    models = [CharacterLanguageModel.load(run.folder.model_file).network.theta for run in (whole, second)]
    np.testing.assert_array_equal(*models)


def test_after_a_kill_it_goes_on_from_the_last_checkpoint(tmp_path, settings):
    class Killed(BaseException):
        pass

    def kill(update, run, evaluated):
        if update.step == 19:
            raise Killed

    whole = LanguageRun.start(tmp_path / "whole", settings)
    whole.run()
    first = LanguageRun.start(tmp_path / "parts", settings)
    with pytest.raises(Killed):
        first.run(on_update=kill)
    assert _metrics(first)[-1]["step"] == 18
    second = LanguageRun.resume(tmp_path / "parts")
    assert second.step == 14
    assert _metrics(second)[-1]["step"] == 14
    second.run()
    assert _metrics(second) == _metrics(whole)


def test_the_metrics_say_what_they_should(tmp_path, settings):
    run = LanguageRun.start(tmp_path / "run", settings)
    losses = []
    run.run(on_update=lambda update, run, evaluated: losses.append(update.loss / np.log(2)))
    lines = _metrics(run)
    assert [line["step"] for line in lines] == sorted({*range(3, 44, 3), *range(7, 44, 7), 44})
    evaluated = [line for line in lines if "held_out_bits_per_character" in line]
    assert [line["step"] for line in evaluated] == [7, 14, 21, 28, 35, 42, 44]
    # the last window of a pass is shorter: 1341 // 4 = 335 = 20 * 16 + 15 steps
    assert lines[0]["train_bits_per_character"] == pytest.approx(np.mean(losses[:3]), rel=1e-12)
    assert lines[1]["train_bits_per_character"] == pytest.approx(np.mean(losses[3:6]), rel=1e-12)
    assert lines[2]["train_bits_per_character"] == pytest.approx(losses[6], rel=1e-12)
    assert lines[-1]["held_out_bits_per_character"] == run.evaluate()
    assert lines[-1]["epoch"] == 2.0
    for line in json.loads("[" + ",".join(run.folder.metrics_file.read_text().splitlines()) + "]"):
        assert line["characters_per_second"] > 0 < line["gradient_norm"]
        assert 0 < line["learning_rate"] <= settings.lr
    config = run.folder.read_config()
    assert config["settings"] == dataclasses.asdict(settings)
    assert config["updates"] == 44


def test_a_picture_is_drawn_at_the_end(tmp_path, settings):
    pytest.importorskip("matplotlib")
    run = LanguageRun.start(tmp_path / "run", dataclasses.replace(settings, steps=7))
    run.run()
    assert run.folder.plot_file.read_bytes().startswith(b"\x89PNG")


def test_lines_that_a_picture_cannot_show_are_left_out(tmp_path, settings):
    pytest.importorskip("matplotlib")
    run = LanguageRun.start(tmp_path / "run", settings)
    run.folder.append_metrics({"step": 1, "train_bits_per_character": "x", "held_out_bits_per_character": [1]})
    run.folder.append_metrics({"step": "x"})
    run.folder.append_metrics({"train_bits_per_character": 1.0})
    run.folder.append_metrics({"step": 10**300, "train_bits_per_character": 1.0})
    run.folder.append_metrics({"step": 2, "train_bits_per_character": 2.0})
    run.draw()
    assert run.folder.plot_file.read_bytes().startswith(b"\x89PNG")


def test_a_start_that_fails_leaves_nothing(tmp_path, settings, monkeypatch):
    def fails(run):
        raise ArgumentError("path: no")

    with monkeypatch.context() as patch:
        patch.setattr(LanguageRun, "checkpoint", fails)
        with pytest.raises(ArgumentError, match="^path: no"):
            LanguageRun.start(tmp_path / "run", settings)
    assert not list((tmp_path / "run").iterdir())
    LanguageRun.start(tmp_path / "run", settings)


def test_a_checkpoint_that_cannot_be_written_costs_no_old_run(tmp_path, settings, monkeypatch):
    LanguageRun.start(tmp_path / "run", settings).folder.lock.give()
    before = {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr("gated.files.tensor_file.LONGEST_DOCUMENT", 100)
        with pytest.raises(ArgumentError, match="letters of JSON, expected at most 100"):
            LanguageRun.start(tmp_path / "run", settings, overwrite=True)
    assert {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()} == before


def test_an_older_object_of_a_run_that_went_on_does_not_write(tmp_path, settings):
    first = LanguageRun.start(tmp_path / "run", settings)
    assert LanguageRun.resume(tmp_path / "run").run(minutes=1e-9) is False
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes() if first.folder.metrics_file.exists() else b""
    with pytest.raises(ArgumentError, match="where another run went on meanwhile, expected the one that did"):
        first.run()
    after = (tmp_path / "run" / "metrics.jsonl").read_bytes() if first.folder.metrics_file.exists() else b""
    assert after == before
    assert LanguageRun.resume(tmp_path / "run").run()


def test_damage_in_the_metrics_is_told_at_once(tmp_path, settings):
    run = LanguageRun.start(tmp_path / "run", settings)
    run.run(minutes=1e-9)
    run.folder.append_metrics({"step": 1})
    run.checkpoint()
    content = run.folder.metrics_file.read_bytes()
    run.folder.metrics_file.write_bytes(b"x" + content[1:])
    with pytest.raises(FileFormatError, match="got a bad line, number 1 .*, expected a JSON object"):
        LanguageRun.resume(tmp_path / "run")
    assert not (tmp_path / "run" / ".lock").exists()


def test_without_matplotlib_there_is_no_picture_and_no_error(tmp_path, settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run = LanguageRun.start(tmp_path / "run_without_picture", dataclasses.replace(settings, steps=7))
    assert run.run()
    assert not run.folder.plot_file.exists()


def test_the_model_file_is_the_best_one_on_the_held_out_text(tmp_path, settings):
    run = LanguageRun.start(tmp_path / "run", settings)
    ids = run.corpus.held_out
    untrained = CharacterLanguageModel.load(run.folder.model_file)
    assert untrained.evaluate(ids) == run.model.evaluate(ids)
    values = []

    def watch(update, run, evaluated):
        if evaluated:
            values.append(run.records.latest)
            if len(values) == 3:  # spoil what was learned: the file must keep the best
                run.model.network.theta[:] = 5 * np.random.default_rng(0).standard_normal(run.model.network.theta.size)

    run.run(on_update=watch)
    assert min(values[3:]) > min(values)
    best = CharacterLanguageModel.load(run.folder.model_file)
    assert best.evaluate(ids, streams=4) == min(values)
    assert best.about["held_out_bits_per_character"] == min(values)


def test_minutes_end_a_run_that_can_go_on(tmp_path, settings):
    run = LanguageRun.start(tmp_path / "run", settings)
    assert not run.run(minutes=1e-9)
    assert run.step == 1
    assert LanguageRun.resume(tmp_path / "run").run()


def test_a_finished_run_that_is_resumed_is_finished(tmp_path, settings):
    run = LanguageRun.start(tmp_path / "run", settings)
    run.run()
    before = _metrics(run)
    again = LanguageRun.resume(tmp_path / "run")
    assert again.run()
    assert _metrics(again) == before
    longer = LanguageRun.resume(tmp_path / "run", epochs=3)
    assert longer.run()
    assert longer.step == 66
    assert longer.folder.read_config()["settings"]["epochs"] == 3


CHANGES = [
    {"hidden": 9}, {"layers": 1, "dropout": 0.0}, {"dropout": 0.5}, {"embed": 5}, {"batch": 5}, {"window": 8},
    {"epochs": 1},
    {"steps": 40}, {"optimizer": "rmsprop"}, {"optimizer": "sgd"}, {"optimizer": "adamw"}, {"lr": 1e-3}, {"warmup": 0},
    {"clip": 0.05}, {"clip": 0.0}, {"dtype": "float64"}, {"seed": 1}, {"evaluate_every": 5}, {"log_every": 2},
    {"held_out": 0.2}, {"cell": "gru"}, {"units": "words"}, {"units": "bytes"},
]  # fmt: skip


OF_WORDS = [{"minimum_count": 5}, {"maximum_size": 25}, {"chinese": "words"}]


@pytest.mark.parametrize("change", OF_WORDS, ids=str)
def test_each_setting_of_words_changes_the_vocabulary(settings, change):
    if "chinese" in change:
        pytest.importorskip("jieba")
    with open(settings.corpus, "a", encoding="utf-8") as file:
        file.write("我们在北京。" * 30)
    words = dataclasses.replace(settings, units="words")
    first, other = (Corpus.of(each) for each in (words, dataclasses.replace(words, **change)))
    assert first.vocabulary != other.vocabulary and first.sha256 == other.sha256
    for corpus in (first, other):
        text = corpus.vocabulary.decode(corpus.train) + corpus.vocabulary.decode(corpus.held_out)
        assert text == TEXT + "我们在北京。" * 30, "what is too rare is spelled"


@pytest.mark.parametrize("units", ["words", "bytes"])
def test_a_run_of_other_units_goes_on_and_tells_bits_per_character(tmp_path, settings, units):
    asked = dataclasses.replace(settings, units=units, steps=20)
    whole, first = LanguageRun.start(tmp_path / "whole", asked), LanguageRun.start(tmp_path / "parts", asked)
    assert whole.run() and not first.run(minutes=1e-9)
    second = LanguageRun.resume(tmp_path / "parts")
    assert second.run()
    assert _metrics(second) == _metrics(whole)
    np.testing.assert_array_equal(second.model.network.theta, whole.model.network.theta)
    corpus = whole.corpus
    config = whole.folder.read_config()
    assert config[units]["train"] == len(corpus.train) and config["settings"]["units"] == units
    bits = whole.model.bits(corpus.held_out, 4) * (len(corpus.held_out) - 1)
    text = corpus.vocabulary.decode(corpus.held_out)
    rest = len(text) - len(corpus.vocabulary.decode(corpus.held_out[:1]))
    assert _metrics(whole)[-1]["held_out_bits_per_character"] == pytest.approx(bits / rest, rel=1e-12)
    best = LanguageModel.load(whole.folder.model_file)
    assert best.units == units and len(best.sample(30, seed=1)) > 5
    with pytest.raises(FileFormatError, match="got a gated language model, expected a gated character language model"):
        CharacterLanguageModel.load(whole.folder.model_file)


BASE: list = []  # the metrics of the run without a change, made once


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_each_setting_changes_the_run(tmp_path, settings, change):
    def metrics(name, asked):
        run = LanguageRun.start(tmp_path / name, dataclasses.replace(asked, clip=asked.clip and asked.clip / 5))
        run.run()
        return _metrics(run)

    if not BASE:
        BASE.extend(metrics("base", settings))
    assert metrics("changed", dataclasses.replace(settings, **change)) != BASE


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"hidden": 0}, "hidden"), ({"layers": 1.5}, "layers"), ({"embed": -1}, "embed"), ({"batch": 0}, "batch"),
        ({"window": 0}, "window"), ({"epochs": 0}, "epochs"), ({"steps": 0}, "steps"),
        ({"evaluate_every": 0}, "evaluate_every"),
        ({"warmup": -1}, "warmup"), ({"lr": 0.0}, "lr"), ({"clip": -1.0}, "clip"), ({"dropout": 1.0}, "dropout"),
        ({"layers": 1}, "dropout"), ({"optimizer": "adagrad"}, "optimizer"), ({"dtype": "float16"}, "dtype"),
        ({"seed": -1}, "seed"), ({"cell": "lstm2"}, "cell"), ({"held_out": 1.5}, "held_out"),
        ({"batch": 5000}, "corpus"),
        ({"corpus": "/no/such/file"}, "path"), ({"log_every": 0}, "log_every"),
        ({"units": "letters"}, "units"), ({"units": 3}, "units"), ({"chinese": "no"}, "chinese"),
        ({"minimum_count": 0}, "minimum_count"), ({"maximum_size": 0}, "maximum_size"),
        ({"units": "words", "maximum_size": 3}, "maximum_size"),
    ],
    ids=str,
)  # fmt: skip
def test_a_bad_setting_is_named_before_anything_is_written(tmp_path, settings, change, argument):
    with pytest.raises(GatedError, match=rf"^{argument}: got .*, expected ") as caught:
        LanguageRun.start(tmp_path / "run", dataclasses.replace(settings, **change))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_what_a_run_cannot_go_on_with(tmp_path, settings):
    LanguageRun.start(tmp_path / "run", settings)
    with pytest.raises(ArgumentError, match="^hidden: got 9, expected 8, as the run began$"):
        LanguageRun.resume(tmp_path / "run", hidden=9)
    with pytest.raises(ArgumentError, match="^folder: got .*, expected the folder of a run"):
        LanguageRun.resume(tmp_path / "other")
    with open(settings.corpus, "a") as file:
        file.write("!")
    with pytest.raises(ArgumentError, match="^corpus: got another text than the run"):
        LanguageRun.resume(tmp_path / "run")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda config: config.pop("settings"), "settings of another kind"),
        (lambda config: config["settings"].update(colour="red"), "settings of another kind"),
        (lambda config: config["settings"].update(hidden="many"), "hidden: got 'many', expected a whole number"),
    ],
)
def test_a_damaged_config_is_refused(tmp_path, settings, damage, words):
    run = LanguageRun.start(tmp_path / "run", settings)
    config = run.folder.read_config()
    damage(config)
    run.folder.write_config(config)
    with pytest.raises(FileFormatError, match=words):
        LanguageRun.resume(tmp_path / "run")


@pytest.mark.parametrize("name", ["progress", "rng", "records", "network"])
def test_a_damaged_checkpoint_is_refused(tmp_path, settings, name):
    run = LanguageRun.start(tmp_path / "run", settings)
    arrays, values = run.folder.read_checkpoint()
    run.folder.write_checkpoint(arrays, {**values, name: {"x": 1}})
    with pytest.raises(FileFormatError) as caught:
        LanguageRun.resume(tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_a_cell_of_the_users_trains_and_resumes_without_its_file(tmp_path, settings):
    @gated.cell
    def mine(x, h, *, W, U, b):
        h = gated.tanh(W.h @ x + U.h @ h + b.h)
        return h

    run = LanguageRun.start(tmp_path / "run", dataclasses.replace(settings, cell="gone.py:mine"), mine)
    assert not run.run(minutes=1e-9)
    again = LanguageRun.resume(tmp_path / "run")
    assert again.run()
    assert again.model.network.layers["rnn"].cell.name == "mine"


def config_of(folder, **changes):
    file = folder / "config.json"
    config = json.loads(file.read_text())
    for name, value in changes.items():
        if name in config["settings"]:
            config["settings"][name] = value
        elif value is None:
            del config[name]
        else:
            config[name] = value
    file.write_text(json.dumps(config))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
@pytest.mark.timeout(60)
def test_a_stranger_s_folder_names_a_device_or_a_pipe_as_its_text(tmp_path, settings):
    """/dev/zero was read until the memory was full, a pipe for ever, before the sum over the text was compared."""
    import os

    LanguageRun.start(tmp_path / "run", settings).folder.lock.give()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for bad in ("/dev/null", str(tmp_path / "pipe"), str(tmp_path / "link")):  # /dev/zero: tests/fuzz/heavy_files.py
        config_of(tmp_path / "run", corpus=bad)
        with pytest.raises(ArgumentError, match="^path: got .*, which is a device or a pipe, expected a text file$"):
            LanguageRun.resume(tmp_path / "run")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2**40)
    config_of(tmp_path / "run", corpus=str(tmp_path / "large"))
    with pytest.raises(ArgumentError, match="^path: got .*large' of 1,099,511,627,776 bytes, expected at most 3,004$"):
        LanguageRun.resume(tmp_path / "run")


def test_the_same_text_with_other_ends_of_lines_goes_on(tmp_path, settings):
    from pathlib import Path

    LanguageRun.start(tmp_path / "run", settings).folder.lock.give()
    Path(settings.corpus).write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert LanguageRun.resume(tmp_path / "run").step == 0


def test_a_folder_of_an_older_version_goes_on(tmp_path, settings):
    LanguageRun.start(tmp_path / "run", settings).folder.lock.give()
    config_of(tmp_path / "run", corpus_bytes=None)
    assert LanguageRun.resume(tmp_path / "run").step == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_a_pipe_of_the_user_s_own_may_be_learned_from(tmp_path, settings):
    import os
    import threading

    os.mkfifo(tmp_path / "pipe")
    thread = threading.Thread(target=(tmp_path / "pipe").write_text, args=(TEXT,))
    thread.start()
    run = LanguageRun.start(tmp_path / "run", dataclasses.replace(settings, corpus=str(tmp_path / "pipe")))
    thread.join()
    assert len(run.corpus.train) + len(run.corpus.held_out) == len(TEXT)


@pytest.mark.parametrize("option", ["batch_first", "bidirectional"])
def test_a_checkpoint_of_another_network_is_refused(tmp_path, settings, option):
    run = LanguageRun.start(tmp_path / "run", settings)
    arrays, values = run.training.state()
    size = len(run.corpus.vocabulary)
    rnn = gated.LSTM(4, 8, **{option: True})
    layers = {"embed": gated.Embedding(size, 4), "rnn": rnn, "head": gated.Dense(rnn.output_size, size)}
    network = gated.Network(layers)
    values |= {"network": network.config(), "records": dataclasses.asdict(run.records)}
    run.folder.write_checkpoint({"theta": network.theta}, values)
    run.folder.lock.give()
    with pytest.raises(FileFormatError, match=f"got {option}=True in layer 'rnn', expected False"):
        LanguageRun.resume(tmp_path / "run")
