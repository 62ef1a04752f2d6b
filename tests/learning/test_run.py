"""Runs: what is judged, kept, written and told; stopped in every way, and gone on with to the bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.learning import run_case
from tests.learning.run_case import make_run, without_times

from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, GatedError
from gated.learning import Adam, Callback, GradientWatch, History, TensorBoard, fit
from gated.learning.training.records import Records
from gated.learning.training.run_folder import RunFolder

HERE = Path(__file__).parents[2]


class Diary(Callback):
    """Writes down what it is told."""

    def __init__(self, stop_at=None, fail_at=None):
        self.told, self.stop_at, self.fail_at = [], stop_at, fail_at

    def on_start(self, run):
        self.told.append("start")

    def on_update(self, run, update):
        self.told.append(f"update {update.step}")
        if update.step == self.stop_at:
            run.stop("the diary is full")
        if update.step == self.fail_at:
            raise RuntimeError("the pen is empty")

    def on_line(self, run, line):
        self.told.append(f"line {line['step']}")
        line["mine"] = len(self.told)

    def on_evaluation(self, run, values, best):
        self.told.append(f"evaluation {run.step} {'best' if best else ''}".strip())

    def on_checkpoint(self, run):
        self.told.append(f"checkpoint {run.step}")

    def on_end(self, run):
        self.told.append("end")

    def state(self):
        return {"told": self.told}

    def load_state(self, state):
        self.told = list(state["told"])


def same(one, other):
    np.testing.assert_array_equal(one.training.network.theta, other.training.network.theta)
    assert one.step == other.step
    assert one.records.to_json() | {"seconds": 0} == other.records.to_json() | {"seconds": 0}


def test_callbacks_are_told_in_order():
    run = make_run(total=7, log_every=3, callbacks=[Diary()])
    assert run.run()
    expected = ["start", "update 1", "update 2", "update 3", "line 3", "update 4", "update 5", "update 6", "line 6"]
    assert run.callbacks[0].told == [*expected, "update 7", "line 7", "evaluation 7 best", "end"]
    assert [line["mine"] for line in run.lines] == [5, 9, 11]
    assert run.lines[-1]["validation"] == run.records.best == run.records.latest


def test_a_callback_may_end_the_run():
    run = make_run(total=50, callbacks=[Diary(stop_at=5)])
    assert run.run()
    assert (run.step, run.records.ended) == (5, "the diary is full")
    assert run.lines[-1]["step"] == 5 and "validation" in run.lines[-1]
    assert run.done and run.run() and run.step == 5


def test_what_a_callback_raises_leaves_a_checkpoint(tmp_path):
    run = make_run(tmp_path / "run", callbacks=[Diary(fail_at=5)])
    run.begin()
    with pytest.raises(RuntimeError, match="the pen is empty"):
        run.run()
    again = make_run(tmp_path / "run", callbacks=[Diary()])
    again.go_on()
    assert again.step == 5
    again.run()
    whole = make_run(callbacks=[Diary()])
    whole.run()
    np.testing.assert_array_equal(again.training.network.theta, whole.training.network.theta)


def test_patience_ends_it_and_the_best_weights_are_put_back():
    values = iter([3.0, 2.0, 2.5, 2.0, 4.0, 1.0])
    thetas = []

    def judge():
        thetas.append(run.training.network.theta.copy())
        return next(values)

    run = make_run(validate=judge, patience=3, evaluate_every=2, callbacks=[])
    assert run.run()
    assert (run.step, run.records.best, run.records.best_step, run.records.waited) == (10, 2.0, 4, 3)
    assert run.records.ended == "3 validations in a row were not better than that of update 4"
    np.testing.assert_array_equal(run.training.network.theta, thetas[1])


def test_higher_can_be_better_and_one_of_several_decides():
    values = iter([{"bad": 1.0, "good": 0.1}, {"bad": 2.0, "good": 0.7}, {"bad": 0.0, "good": 0.3}])
    run = make_run(total=6, validate=lambda: next(values), decides="good", higher=True, evaluate_every=2, callbacks=[])
    run.run()
    assert (run.records.best, run.records.best_step) == (0.7, 4)
    assert [line["bad"] for line in run.lines if "bad" in line] == [1.0, 2.0, 0.0]


def test_a_judge_that_says_nan_is_never_the_best():
    values = iter([float("nan"), 2.0, float("nan")])
    run = make_run(total=6, validate=lambda: next(values), evaluate_every=2, callbacks=[])
    run.run()
    assert (run.records.best, run.records.best_step) == (2.0, 4)


def test_the_mean_of_the_losses_counts_predictions():
    run = make_run(total=6, log_every=6, validate=None, callbacks=[])
    losses = []
    run.run(on_update=lambda update, *_: losses.append((update.loss, update.predictions)))
    total = sum(loss * count for loss, count in losses) / sum(count for _, count in losses)
    assert run.lines == [run.lines[0]] and run.lines[0]["loss"] == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("stops", [(1,), (6, 7, 20), (13, 14, 59)])
def test_goes_on_to_the_bit(tmp_path, stops):
    whole = make_run(tmp_path / "whole", patience=5)
    whole.begin()
    whole.run()
    for number, stop in enumerate(stops):
        part = make_run(tmp_path / "parts", patience=5)
        if number:
            part.go_on()
        else:
            part.begin()
        with pytest.raises(KeyboardInterrupt):
            part.run(on_update=lambda update, *_, at=stop: update.step == at and os.kill(os.getpid(), signal.SIGINT))
    part = make_run(tmp_path / "parts", patience=5)
    part.go_on()
    assert part.run()
    same(part, whole)
    assert without_times(part.all_lines()) == without_times(whole.all_lines())
    assert any("gates" in line for line in whole.all_lines()) and "gradient" in whole.all_lines()[0]
    assert (tmp_path / "parts" / "loss.png").read_bytes()[:4] == b"\x89PNG"


def test_minutes_end_a_session_not_the_run(tmp_path):
    run = make_run(tmp_path / "run")
    run.begin()
    assert not run.run(minutes=0.0)
    assert run.step == 1 and not run.done


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_as_if_nothing_had_been(tmp_path):
    """kill -9 at random moments, again and again."""
    draws = random.Random(5)
    whole = make_run(tmp_path / "whole", total=400)
    whole.begin()
    whole.run()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    for number in range(7):
        words = ["-m", "tests.learning.run_case", str(tmp_path / "killed"), "400", "resume" if number else "begin"]
        with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, cwd=HERE, env=environment) as process:
            assert process.stdout.readline() == b"begun\n"
            time.sleep(draws.uniform(0.0, 0.25))
            process.kill()
    last = make_run(tmp_path / "killed", total=400)
    last.go_on()
    last.run()
    same(last, whole)
    assert without_times(last.all_lines()) == without_times(whole.all_lines())


def test_sigterm_leaves_a_checkpoint_and_code_143(tmp_path):
    words = [sys.executable, "-m", "tests.learning.run_case", str(tmp_path / "run"), "100000", "begin"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=HERE, env=environment) as process:
        assert process.stdout.readline() == b"begun\n"
        time.sleep(0.5)
        process.terminate()
        assert process.wait(60) == 143
    run = make_run(tmp_path / "run", total=100000)
    run.go_on()
    assert run.step > 0


def test_damage_is_told_and_changes_nothing(tmp_path):
    run = make_run(tmp_path / "run", total=20)
    run.begin()
    run.run()
    arrays, values = RunFolder(tmp_path / "run").read_checkpoint()
    other = make_run(total=20)
    theta = other.training.network.theta.copy()
    cases = [
        ({**arrays, "best": arrays["best"][1:]}, values, "best: got an array of shape"),
        (arrays, {**values, "records": {}}, "records: got something damaged"),
        (arrays, {**values, "records": {**values["records"], "waited": -1}}, "records: got something damaged"),
        (arrays, {**values, "callbacks": 3}, "callbacks: got something damaged"),
        (arrays, {**values, "callbacks": [["GateWatch", 3]]}, "callbacks: got a damaged state of GateWatch"),
        (arrays, {**values, "callbacks": [["GradientWatch", {}]]}, "callbacks: got a damaged state of GradientWatch"),
        ({**arrays, "theta": arrays["theta"][1:]}, values, "theta: got"),
    ]
    for own, said, message in cases:
        with pytest.raises(FileFormatError, match=message):
            other.load_state(own, said)
        np.testing.assert_array_equal(other.training.network.theta, theta)
    content = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    (tmp_path / "run" / "checkpoint.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(GatedError):
        make_run(tmp_path / "run", total=20).go_on()


def test_records_of_older_runs_are_read():
    old = {"nats": 1.5, "characters": 3, "seconds": 2.0, "best": None, "latest": None}
    assert Records.from_json(old) == Records(1.5, 3, 2.0)


WRONG = [
    ({"total": 0}, "updates: got 0, expected"),
    ({"patience": 2, "validate": None}, "patience: got 2 without a judge, expected validate="),
    ({"patience": 0}, "patience: got 0"),
    ({"evaluate_every": 0}, "evaluate_every: got 0"),
    ({"log_every": -1}, "log_every: got -1"),
    ({"validate": 3}, "validate: got int 3, expected a function without arguments"),
    ({"callbacks": [print]}, "callbacks: got .* expected gated.learning.Callback alone"),
]


@pytest.mark.parametrize("options, message", WRONG)
def test_wrong_arguments_are_told(options, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        make_run(**options)


def test_what_a_judge_says_is_checked():
    for said in ("much", {}, {"a": "b"}):
        with pytest.raises(ArgumentError, match="validate: got .* expected a number, or numbers by name"):
            make_run(total=2, validate=lambda said=said: said, evaluate_every=1, callbacks=[]).run()


def test_a_folder_that_is_not_free_or_no_run(tmp_path):
    run = make_run(tmp_path / "run", total=5)
    run.begin()
    run.run()
    with pytest.raises(ArgumentError, match="overwrite"):
        make_run(tmp_path / "run").begin()
    make_run(tmp_path / "run").begin(overwrite=True)
    with pytest.raises(ArgumentError, match="expected the folder of a run"):
        make_run(tmp_path / "none").go_on()
    with pytest.raises(ArgumentError, match="folder: got None"):
        make_run().go_on()
    done = make_run(tmp_path / "again", total=9)
    done.begin()
    done.run()
    with pytest.raises(ArgumentError, match="updates: got 5, but the run is at update 9 already, expected more"):
        make_run(tmp_path / "again", total=5).go_on()


def test_fit_is_a_run(tmp_path):
    network = run_case.network()
    told = []

    def judge():
        y, _ = network.infer(run_case.HELD_OUT.x, lengths=run_case.HELD_OUT.lengths)
        return run_case.LOSS(y, run_case.HELD_OUT.target, run_case.HELD_OUT.mask)[0]

    options = {"updates": 40, "clip": 1.0, "seed": 4, "validate": judge, "evaluate_every": 7, "log_every": 3}
    options |= {"callbacks": [GradientWatch()], "progress": False}
    history = fit(network, run_case.LOSS, Adam(1e-2), run_case.batches, folder=tmp_path / "run", **options)
    run = make_run(total=40, callbacks=[GradientWatch()], per_epoch=None)
    run.run()
    np.testing.assert_array_equal(network.theta, run.training.network.theta)
    assert isinstance(history, History) and history.best == run.records.best and history.updates == 40
    assert without_times(history.lines) == without_times(run.lines)
    history.plot(tmp_path / "own.png")
    assert (tmp_path / "own.png").read_bytes()[:4] == b"\x89PNG"
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["updates"] == 40 and config["network"]["kind"] == "network"
    options |= {"updates": 50, "resume": True}
    again = fit(run_case.network(), run_case.LOSS, Adam(1e-2), run_case.batches, folder=tmp_path / "run", **options)
    assert again.updates == 50 and len(again.lines) > len(history.lines)
    assert told == []


def test_the_bar_shows_losses_and_validations(capsys):
    network = run_case.network()
    fit(network, run_case.LOSS, Adam(1e-2), run_case.batches, updates=8, validate=lambda: 1.5, evaluate_every=4)
    shown = capsys.readouterr()
    assert "update      4   validation 1.5" in shown.out + shown.err and "(best)" in shown.out + shown.err


def test_event_files_for_tensorboard(tmp_path):
    run = make_run(tmp_path / "run", total=12)
    run.callbacks.append(TensorBoard())
    run.begin()
    run.run()
    scalars, histograms = _events(tmp_path / "run-tensorboard")
    assert [step for step, _ in scalars["loss"]] == [3, 6, 7, 9, 12]
    for (_, value), line in zip(scalars["loss"], run.all_lines(), strict=True):
        assert value == pytest.approx(line["loss"], rel=1e-6)
    assert {"gradient_norm", "validation", "gradient/median", "gates/rnn.l0.f/high"} <= scalars.keys()
    assert histograms["gate/rnn.l1.o"][0][1] == run_case.HELD_OUT.lengths.sum() * 6


def _events(folder):
    """Scalars and the counts of histograms by name: (step, value) each, from the records of the files."""
    from tensorboardX.proto.event_pb2 import Event

    scalars, histograms = {}, {}
    for path in folder.iterdir():
        content, place = path.read_bytes(), 0
        while place < len(content):
            size = int.from_bytes(content[place : place + 8], "little")
            event = Event.FromString(content[place + 12 : place + 12 + size])
            place += 16 + size
            for value in event.summary.value:
                if value.HasField("histo"):
                    histograms.setdefault(value.tag, []).append((event.step, value.histo.num))
                else:
                    scalars.setdefault(value.tag, []).append((event.step, value.simple_value))
    return scalars, histograms
