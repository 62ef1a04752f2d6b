"""`fit` and runs: going on to the bit, early stopping, callbacks and their order, what is refused."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest
from tests.learning.small_run import LEARN, Sums, judged, network, train, without_times

import gated
from gated.data import stream_windows
from gated.errors import ArgumentError, FileFormatError, GatedError
from gated.interop.model_file import load_model, save_model
from gated.learning import SGD, Adam, Callback, GradientWatch, Judge, Report, Run, Sequences, Training, fit
from gated.learning.training.run_folder import RunFolder
from gated.losses import SoftmaxCrossEntropy, SquaredError


@pytest.fixture(autouse=True)
def without_pictures(request, monkeypatch):
    """A picture takes longer than the training here."""
    if "picture" not in request.node.name:
        monkeypatch.setattr("gated.learning.runs.run.draw_run", lambda *given: None)


class Stop(Callback):
    def __init__(self, step, how):
        self.step, self.how = step, how

    def on_update(self, run, update):
        if update.step == self.step:
            self.how(run)


def interrupt(run):
    signal.raise_signal(signal.SIGINT)


def terminate(run):
    signal.raise_signal(signal.SIGTERM)


def fail(run):
    raise RuntimeError("of the user's own")


def ask(run):
    run.stop("enough")


def first_part(folder, step, how):
    """Until something happens at an update; the callbacks with a state are those of `train`."""
    from tests.learning.small_run import JUDGE

    from gated.learning import GateWatch

    watch = GateWatch(next(iter(stream_windows(JUDGE, 2, 50)))[0], every=5)
    return train(network(), folder=folder, callbacks=[Sums(), watch, Stop(step, how)])


@pytest.fixture(scope="module")
def whole():
    net = network()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gated.learning.runs.run.draw_run", lambda *given: None)
        history = train(net)
    return net.theta.copy(), history


def same(whole, net, history):
    theta, expected = whole
    np.testing.assert_array_equal(net.theta, theta)
    assert without_times(history.metrics) == without_times(expected.metrics)
    assert (history.best, history.best_step, history.steps, history.ended) == (
        expected.best,
        expected.best_step,
        expected.steps,
        expected.ended,
    )


def test_the_small_run_has_all_that_it_should(whole):
    _, history = whole
    assert history.ended == "patience" and 24 < history.steps < 60
    assert history.best_step == history.steps - 6 * 4
    assert history.column == "held_out"
    assert any("gates" in line for line in history.metrics) and any("sum" in line for line in history.metrics)
    assert all(0.0 <= share <= 1.0 for _, share in history.column_of("clipped"))


@pytest.mark.parametrize(
    "how, error", [(interrupt, KeyboardInterrupt), (terminate, SystemExit), (fail, RuntimeError), (ask, None)]
)
@pytest.mark.parametrize("step", [1, 4, 15, 23])
def test_a_run_that_was_ended_and_goes_on_equals_one_that_was_not(tmp_path, whole, how, error, step):
    folder = tmp_path / "run"
    if error is None:
        history = first_part(folder, step, how)
        assert history.ended == "enough" and history.steps == step
    else:
        with pytest.raises(error) as caught:
            first_part(folder, step, how)
        if error is SystemExit:
            assert caught.value.code == 143
    assert not (folder / ".lock").exists()
    net = network()
    net.theta[:] = 7.0  # all comes from the checkpoint
    history = train(net, folder=folder, resume=True)
    same(whole, net, history)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert without_times(lines) == without_times(history.metrics)
    again = network()  # a run that is finished is finished
    same(whole, again, train(again, folder=folder, resume=True))


def test_a_longer_patience_lets_an_ended_run_go_on(tmp_path, whole):
    train(network(), folder=tmp_path / "run")
    longer, straight = network(), network()
    train(longer, folder=tmp_path / "run", resume=True, patience=9)
    history = train(straight, patience=9)
    assert history.steps > whole[1].steps
    np.testing.assert_array_equal(longer.theta, straight.theta)


def test_the_network_ends_with_the_best_weights(tmp_path):
    seen = {}

    class Keep(Callback):
        def on_evaluation(self, run, line):
            seen[run.step] = (line["held_out"], run.network.theta.copy())

    for folder in (None, tmp_path / "run"):
        net = network()
        history = train(net, folder=folder, callbacks=[Keep()])
        best = min(seen, key=lambda step: seen[step][0])
        assert (history.best, history.best_step) == (seen[best][0], best) and best < history.steps
        np.testing.assert_array_equal(net.theta, seen[best][1])
        assert judged(net)["held_out"] == history.best


def test_higher_is_better_if_it_is_said(tmp_path):
    net = network()
    history = train(net, decides="right", better="higher")
    values = history.column_of("right")
    assert history.best == max(value for _, value in values)
    assert history.best_step == next(step for step, value in values if value == history.best)


def test_the_model_file_is_of_the_best_weights(tmp_path):
    net = network()
    train(net, folder=tmp_path / "run", save_model=lambda path: save_model(path, "small", net, {}))
    again, _ = load_model(tmp_path / "run" / "model.safetensors", "small")
    np.testing.assert_array_equal(again.theta, net.theta)


def test_without_validation_the_last_weights_stay(tmp_path):
    net, straight = network(), network()
    options = {"validate": None, "patience": None, "updates": 9, "callbacks": ()}
    history = train(net, folder=tmp_path / "run", **options)
    training = Training(
        straight, SoftmaxCrossEntropy(), Adam(0.05), lambda epoch: stream_windows(LEARN, 3, 7), carry_state=True,
        clip=0.5, seed=11,
    )  # fmt: skip
    losses = [update.loss for _, update in zip(range(9), training, strict=False)]
    np.testing.assert_array_equal(net.theta, straight.theta)
    assert history.best is None and history.column is None and history.ended == "updates"
    assert history.column_of("train_loss")[0] == (3, pytest.approx(np.mean(losses[:3]), rel=1e-12))


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(network())
    assert not list(tmp_path.iterdir())


class Diary(Callback):
    def __init__(self, name, pages):
        self.name, self.pages = name, pages

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name.startswith("on_"):
            self.pages.append((self.name, name[3:]))
        return found


def test_callbacks_are_called_in_order():
    pages = []
    options = {"updates": 3, "evaluate_every": 2, "patience": None}
    train(network(), callbacks=[Diary("a", pages), Diary("b", pages)], **options)
    assert [name for _, name in pages[::2]] == [
        "start", "update", "update", "evaluation", "checkpoint", "update", "evaluation", "checkpoint", "checkpoint",
        "end",
    ]  # fmt: skip
    assert [who for who, _ in pages] == ["a", "b"] * (len(pages) // 2)


@pytest.mark.parametrize("when", ["start", "update", "evaluation", "checkpoint", "end"])
def test_an_error_of_a_callback_leaves_a_run_that_goes_on(tmp_path, whole, when):
    class Breaks(Callback):
        ended = None

        def on_end(self, run):
            self.ended = run.ended

    breaks, again = Breaks(), Breaks()

    def fails(*given):
        raise KeyError(when)

    setattr(breaks, f"on_{when}", fails)
    folder = tmp_path / "run"
    with pytest.raises(KeyError, match=when):
        train(network(), folder=folder, callbacks=[breaks])
    if when != "end":
        assert breaks.ended == "error"
    net = network()
    history = train(net, folder=folder, resume=True, callbacks=[again])
    np.testing.assert_array_equal(net.theta, whole[0])
    assert history.steps == whole[1].steps


def test_a_validation_that_fails_leaves_the_checkpoint_before_it(tmp_path, whole):
    calls = iter(range(100))
    net = network()

    def validate():
        if next(calls) == 3:
            raise OSError("the held-out file is gone")
        return judged(net)

    with pytest.raises(OSError, match="gone"):
        train(net, folder=tmp_path / "run", validate=validate)
    other = network()
    same(whole, other, train(other, folder=tmp_path / "run", resume=True))


@pytest.mark.parametrize(
    "gives, message",
    [
        (lambda: float("nan"), r"^validate: got nan, expected a finite number$"),
        (lambda: {"a": 1.0, "b": float("inf")}, r"^validate\['b'\]: got inf, expected a finite number$"),
        (lambda: "good", r"^validate: got 'good', expected a number$"),
        (lambda: {}, r"^validate: got an empty dict, expected at least one number$"),
        (lambda: {1: 2.0}, r"^validate: got a dict with the key 1, expected texts as keys$"),
        (lambda: {"step": 2.0}, r"^validate: got a number called 'step', expected another name: the metrics have"),
    ],
)
def test_what_validation_may_not_give(gives, message):
    with pytest.raises(GatedError, match=message):
        train(network(), validate=gives)


def test_validation_may_give_arrays_of_one_number():
    history = train(network(), validate=lambda: np.float32(0.5), patience=2)
    assert history.best == 0.5 and history.steps == 12 and history.column == "validation"


def test_epochs_are_passes_and_each_ends_with_an_evaluation():
    history = train(network(), updates=None, epochs=3, evaluate_every=None, patience=None)
    per_epoch = len(list(stream_windows(LEARN, 3, 7)))
    assert history.steps == 3 * per_epoch
    assert [step for step, _ in history.column_of("held_out")] == [per_epoch, 2 * per_epoch, 3 * per_epoch]
    assert history.column_of("epoch")[-1][1] == 3.0


def test_a_list_of_batches_will_do():
    rng = np.random.default_rng(0)
    batches = [Sequences(rng.standard_normal((4, 3, 2)), rng.standard_normal((4, 3, 5))) for _ in range(3)]
    net = gated.Network({"rnn": gated.GRU(2, 5, dtype="float64", seed=0)})
    history = fit(net, SquaredError(), SGD(0.1), batches, epochs=20, progress=False, log_every=3)
    losses = [loss for _, loss in history.column_of("train_loss")]
    assert len(losses) == 20 and losses[-1] < 0.9 * losses[0]


def test_minutes_end_it_and_the_best_weights_are_there():
    net = network()
    history = train(net, minutes=1e-9, evaluate_every=1)
    assert history.ended == "minutes" and history.steps == 1 and judged(net)["held_out"] == history.best


@pytest.mark.parametrize(
    "options, message",
    [
        ({"updates": None}, "^updates: got neither updates nor epochs, expected one of the two$"),
        ({"epochs": 3}, "^updates: got both updates and epochs, expected one of the two$"),
        ({"updates": 0}, "^updates: got 0, expected a whole number of at least 1$"),
        ({"updates": 1.5}, "^updates: got 1.5, expected a whole number$"),
        ({"updates": None, "epochs": 0}, "^epochs: got 0, expected a whole number of at least 1$"),
        ({"validate": 3}, "^validate: got int 3, expected a function without arguments, or None$"),
        ({"validate": None}, "^validate: got None, expected a function: decides and patience"),
        ({"better": "more"}, "^better: got 'more', expected 'lower' or 'higher'$"),
        ({"decides": "loss"}, "^decides: got 'loss', expected one of held_out, right: that is what validate gives$"),
        ({"decides": 1}, "^decides: got int 1, expected the name of a number"),
        ({"patience": 0}, "^patience: got 0, expected a whole number of at least 1$"),
        ({"evaluate_every": 0}, "^evaluate_every: got 0, "), ({"log_every": -1}, "^log_every: got -1, "),
        ({"clip": 0.0}, "^clip: got 0.0, expected"), ({"minutes": 0}, "^minutes: got 0, expected a finite "),
        ({"checkpoint_seconds": 0}, "^checkpoint_seconds: got 0, "),
        ({"callbacks": [Report]}, "^callbacks: got .* \\(its class, not an object of it\\), expected objects of a sub"),
        ({"callbacks": Report()}, "^callbacks: got Report alone, expected a list"),
        ({"callbacks": [Sums(), Sums()]}, "^callbacks: got two of the name 'Sums', expected different ones"),
        ({"callbacks": 3}, "^callbacks: got int 3, expected a list"),
        ({"resume": True}, "^folder: got None, expected a path: resume, overwrite, config and save_model are about"),
        ({"config": {"a": 1}}, "^folder: got None, "), ({"save_model": print}, "^folder: got None, "),
        ({"save_model": 3}, "^save_model: got int 3, expected a function of a path, or None$"),
        ({"config": 3}, "^config: got int 3, expected a dict of JSON values, or None$"),
    ],
    ids=lambda given: given if isinstance(given, str) else ", ".join(given),
)  # fmt: skip
def test_what_fit_refuses(options, message):
    with pytest.raises(GatedError, match=message) as caught:
        train(network(), **options)
    assert "\n" not in str(caught.value)


def test_iterators_are_no_batches():
    batches = stream_windows(LEARN, 3, 7)
    with pytest.raises(GatedError, match="^batches: got a generator, expected a list of batches, or a function"):
        fit(network(), SoftmaxCrossEntropy(), Adam(0.1), batches, updates=3)
    with pytest.raises(ArgumentError, match="^batches: got none in pass 0, expected at least one$"):
        fit(network(), SoftmaxCrossEntropy(), Adam(0.1), [], epochs=3)


def test_a_folder_that_is_taken_is_refused_and_overwritten_if_asked(tmp_path):
    folder = tmp_path / "run"
    train(network(), folder=folder, updates=4)
    with pytest.raises(ArgumentError, match="^folder: got .*, which is not empty, expected a new folder"):
        train(network(), folder=folder, updates=4)
    with pytest.raises(ArgumentError, match="^overwrite: got it together with resume, expected one of the two$"):
        train(network(), folder=folder, resume=True, overwrite=True)
    net = network()
    train(net, folder=folder, updates=4, overwrite=True, config={"note": "second"})
    config = json.loads((folder / "config.json").read_text())
    assert config["note"] == "second" and config["updates"] == 4 and config["optimizer"] == "Adam"
    with pytest.raises(ArgumentError, match="^updates: got 3, but the run is at update 4 already, expected more$"):
        train(network(), folder=folder, updates=3, resume=True)
    assert not (folder / ".lock").exists()


def test_a_run_of_another_network_or_optimizer_is_refused(tmp_path):
    folder = tmp_path / "run"
    train(network(), folder=folder, updates=4)
    with pytest.raises(FileFormatError, match="network: got another one than this run's, expected the same layers$"):
        train(network("float64"), folder=folder, resume=True)
    batches = lambda epoch: stream_windows(LEARN, 3, 7)  # noqa: E731
    with pytest.raises(FileFormatError, match="optimizer"):
        fit(network(), SoftmaxCrossEntropy(), SGD(0.1), batches, updates=9, folder=folder, resume=True)


def damaged(change):
    def damage(folder):
        run = RunFolder(folder)
        arrays, values = run.read_checkpoint()
        change(arrays, values)
        run.write_checkpoint(arrays, values)

    return damage


def cut(folder):
    file = folder / "checkpoint.safetensors"
    file.write_bytes(file.read_bytes()[:-5])


def junk(folder):
    (folder / "checkpoint.safetensors").write_bytes(b"no checkpoint")


@pytest.mark.parametrize(
    "damage, words",
    [
        (cut, "checkpoint"), (junk, "checkpoint"),
        (damaged(lambda arrays, values: values.pop("records")), "records: got something damaged"),
        (damaged(lambda arrays, values: values["records"].update(waited=-1)), "records: got something damaged"),
        (damaged(lambda arrays, values: values["records"].update(waited=1.5)), "records: got something damaged"),
        (damaged(lambda arrays, values: values["records"].update(best="low")), "records: got something damaged"),
        (damaged(lambda arrays, values: values["records"].update(colour=1)), "records: got something damaged"),
        (damaged(lambda arrays, values: values.update(callbacks=[1])), "callbacks: got list .*expected states by name"),
        (damaged(lambda arrays, values: values["callbacks"].update(Sums="x")), "callbacks: Sums: got a damaged state"),
        (damaged(lambda arrays, values: values["callbacks"].update(GateWatch={})), "GateWatch: got a damaged state"),
        (damaged(lambda arrays, values: values["callbacks"].update(GradientWatch={"norms": 1, "warned": {}})),
         "GradientWatch: got a damaged state"),
        (damaged(lambda arrays, values: values["progress"].update(step=-1)), "progress: got something damaged"),
        (damaged(lambda arrays, values: arrays.update(best=np.ones(3, "float32"))), "best: got an array of shape"),
        (damaged(lambda arrays, values: arrays.pop("theta")), "theta: got none"),
    ],
)  # fmt: skip
def test_a_damaged_checkpoint_is_refused(tmp_path, damage, words):
    folder = tmp_path / "run"
    train(network(), folder=folder, updates=8)
    damage(folder)
    with pytest.raises(FileFormatError, match=words) as caught:
        train(network(), folder=folder, resume=True)
    assert "\n" not in str(caught.value)
    assert not (folder / ".lock").exists()


def test_a_checkpoint_of_an_older_version_is_read():
    from gated.learning.runs.records import Records, records_from

    older = {"nats": 3.5, "characters": 7, "seconds": 2.0, "best": 1.5, "latest": 1.75}
    assert records_from(older) == Records(loss=3.5, predictions=7, seconds=2.0, best=1.5, latest=1.75)


def test_a_run_without_fit():
    net = network()
    training = Training(net, SoftmaxCrossEntropy(), Adam(0.05), lambda e: stream_windows(LEARN, 3, 7), carry_state=True)
    run = Run(training, 9, judge=Judge(lambda: judged(net)["held_out"]), evaluate_every=2)
    assert not run.finished and run.run() and run.ended == "updates"
    last = net.theta.copy()
    assert run.restore_best() and run.best_weights is not None
    assert run.records.best_step == 9 or not np.array_equal(last, net.theta)
    for given, message in (
        ((net, 3), "^training: got Network .*, expected a gated.learning.Training$"),
        ((training, 3, {"judge": print}), "^judge: got .*, expected a Judge"),
    ):
        with pytest.raises(GatedError, match=message):
            Run(given[0], given[1], **(given[2] if len(given) > 2 else {}))


def test_gradients_that_explode_and_vanish_are_told():
    class Loud(Callback):
        """Its gradients are what the watcher is told."""

        def on_start(self, run):
            import dataclasses

            update = next(iter(run.training))
            watch = GradientWatch()
            for step in range(1, 40):
                watch.on_update(run, dataclasses.replace(update, step=step, norm=1.0 + 0.1 * (step % 3)))
            assert not run.notes
            watch.on_update(run, dataclasses.replace(update, step=40, norm=500.0))
            watch.on_update(run, dataclasses.replace(update, step=41, norm=600.0))
            watch.on_update(run, dataclasses.replace(update, step=42, norm=0.0))
            other = GradientWatch()
            other.load_state(json.loads(json.dumps(watch.state())))
            assert other.state() == watch.state() and len(watch.norms) == 42

    history = train(network(), updates=2, callbacks=[Loud()])
    assert history.warnings == [
        "the gradient explodes at update 40: its norm is 500, the median of those before 1.1",
        "the gradient vanishes at update 42: its norm is 0",
    ]
    assert [line["warning"] for line in history.metrics if "warning" in line] == history.warnings


def test_a_report_of_lines(capsys):
    train(network(), updates=8, progress=True, patience=None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("update 3 of 8   loss ") and lines[0].endswith(" left")
    assert lines[1].startswith("update 4 of 8   loss ") and "   held_out " in lines[1] and "   right " in lines[1]
    assert lines[1].endswith("   best") and "/s   0:00:0" in lines[1]
    assert lines[-1].startswith("best held_out: ")


def test_a_bar_on_a_terminal(capsys, monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    train(network(), updates=12, progress=True, patience=None)
    captured = capsys.readouterr()
    assert "12/12" in captured.err or "10/12" in captured.err or "%|" in captured.err
    assert captured.out.count("held_out ") == 3


def test_pictures_of_a_run(tmp_path):
    pytest.importorskip("matplotlib")
    history = train(network(), folder=tmp_path / "run", updates=12)
    history.plot(tmp_path / "plot.png")
    train(network(), folder=tmp_path / "run", updates=12, overwrite=True, callbacks=())
    for name in ("run/loss.png", "run/norm.png", "plot.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_lines_that_a_picture_cannot_show_are_left_out():
    pytest.importorskip("matplotlib")
    from gated.learning.runs.gate_pictures import gate_figure
    from gated.learning.runs.run_pictures import loss_figure, norm_figure, points

    gate = {"low": 0.1, "high": 0.2, "stuck": 0.0, "bins": [0.05] * 20}
    lines = [
        {"step": "x"}, {"train_loss": 1.0}, {"step": 10**300, "train_loss": 1.0}, {"step": 1, "gates": 3},
        {"step": 2, "train_loss": 2.0, "gates": {"f": {**gate, "bins": [1]}, "g": gate}, "gradient_norm": True},
    ]  # fmt: skip
    assert points(lines, "train_loss") == [(2, 2.0)] and points(lines, "gradient_norm") == []
    loss_figure(lines, "held_out")
    norm_figure(lines)
    assert len(gate_figure(lines).axes) == 2
    assert gate_figure([]) is None


def test_a_start_that_was_killed_before_its_first_checkpoint_begins_again(tmp_path, whole):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text('{"gated": "0')
    net = network()
    same(whole, net, train(net, folder=folder, resume=True))
    (folder / "checkpoint.safetensors").unlink()
    (folder / "letter.txt").write_text("of somebody")
    with pytest.raises(ArgumentError, match="with 'letter.txt' in it, expected nothing but a run's files$"):
        train(network(), folder=folder, resume=True)
