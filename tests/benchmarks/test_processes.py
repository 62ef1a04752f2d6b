"""Workers in truth: processes that are asked, fail, and measure."""

from __future__ import annotations

import importlib
import time

import numpy as np
import pytest
from benchmarks.cli import main
from benchmarks.comparisons import COMPARISONS
from benchmarks.points import Point
from benchmarks.problem import Problem
from benchmarks.process import Process, Timed, WorkerFailed
from benchmarks.sides.base import Prepared, Unavailable
from benchmarks.suite import Suite

import gated
from benchmarks import agree, language, overhead, pairs, worker

SMALL = Point(10, 3, 20)  # ten steps: torch.compile and its loop take them in tens
EFFORT = pairs.Effort(burst=0.001, least=2, most=2, budget=0.0, trials=1, fresh=1)
COMPARISON = {comparison.key: comparison for comparison in COMPARISONS}


@pytest.fixture(scope="module")
def suite():
    with Suite(2, EFFORT) as suite:
        yield suite


@pytest.mark.parametrize(
    ("key", "package"),
    [
        ("update.lstm", "torch"),
        ("update.gru", "torch"),
        ("update.peephole", "optax"),
        ("update.words", "torch"),
        ("lstm", "torch"),
        ("gru", "torch"),
        ("eager", "torch"),
        ("peephole", "jax"),
        ("infer.torch", "torch"),
        ("infer.onnx", "onnxruntime"),
        ("infer.rate", "numpy"),
        ("infer.bidirectional.torch", "torch"),
        ("infer.bidirectional.onnx", "onnxruntime"),
        ("stream", "onnxruntime"),
        ("sample.torch", "torch"),
        ("sample.onnx", "onnxruntime"),
        ("sample.model", "torch"),
        ("online.steps", "numpy"),
        ("online.step", "numpy"),
        ("user.same", "gated"),
        ("user.lstm", "gated"),
        ("rate.gru.scan", "numpy"),
    ],
)
def test_every_peer_computes_the_same_and_is_timed(suite, key, package):
    pytest.importorskip(package)
    comparison = COMPARISON[key]
    if comparison.task in ("infer", "stream") and not hasattr(gated.Recurrent, comparison.task):
        pytest.skip(f"no Recurrent.{comparison.task}")
    row = suite.row(comparison, SMALL)
    assert row.note == "" and len(row.pairs) == 2
    assert row.ours > 0 and row.theirs > 0 and row.ratio.low <= row.ratio.median <= row.ratio.high
    assert (row.difference is not None) == comparison.same_numbers
    if comparison.same_numbers:
        assert 0 <= row.difference < agree.OF_TASKS.get(comparison.task, agree.TOLERANCE)


@pytest.mark.parametrize(
    ("task", "build"),
    [
        ("infer", "gated_layers.layer_of"),
        ("stream", "gated_layers.layer_of"),
        ("bidirectional", "gated_recurrent.two_layers"),
    ],
)
def test_every_way_to_call_onnx_runtime_gives_our_outputs(suite, task, build):
    pytest.importorskip("onnxruntime")
    module, _, function = build.partition(".")
    layer_of = getattr(importlib.import_module(f"benchmarks.sides.{module}"), function)
    problem = Problem("lstm", Point(10, 1, 20))
    expected = {"y": layer_of(problem).forward(problem.x())[0]}
    process = suite.workers.get("onnx", 1)
    for variant in process.ask("variants", task=task):
        timed = Timed(process, problem, task, variant).prepare()
        agree.check(expected, timed.numbers())
        timed.burst(0.001)
        agree.check(expected, timed.numbers())  # a stream that went on begins anew
        timed.forget()


@pytest.mark.parametrize("point", [SMALL, Point(50, 64, 128)], ids=["one group", "a group per thread"])
def test_the_time_loops_are_a_part_of_the_step(suite, point):
    process = suite.workers.get("gated", 2)
    whole, loops = (Timed(process, Problem("lstm", point), task, {}).prepare() for task in ("train", "scan"))
    # not of times on a busy machine: that the clock sees both loops, and counts their products and no others
    assert 3 * loops.work == whole.work and loops.burst(0.001) > 0
    for timed in (whole, loops):
        timed.forget()


def test_memory(suite):
    pytest.importorskip("torch")
    row = suite.row(COMPARISON["memory.lstm"], Point(200, 16, 64))
    # outputs, and the gates that the backward pass needs, are there at the least: 5 numbers per unit and row
    least = 5 * 200 * 16 * 64 * 4
    assert least < row.ours < 40 * least and least < row.theirs < 40 * least


def test_the_model_writes_what_the_stream_whose_probabilities_are_compared_draws():
    sampling = importlib.import_module("benchmarks.sides.gated_sampling")
    problem = Problem("lstm", Point(40, 1, 20), vocabulary=103)
    text, symbols = sampling.prepare_model(problem).call(), sampling.prepare(problem).call()
    assert [ord(character) - ord(" ") for character in text] == symbols


def test_memory_of_whole_updates(suite):
    pytest.importorskip("torch")
    point = Point(32, 16, 64)
    row = suite.row(COMPARISON["memory.update"], point)
    # what Adam keeps, and the gates and outputs that the backward pass needs
    kept = 2 * sum(value.size for value in language.weights(Problem("lstm", point, vocabulary=103)).values())
    least = (kept + 5 * 32 * 16 * 64) * 4
    assert row.note == "" and least < row.ours < 40 * least and least < row.theirs < 40 * least


@pytest.mark.parametrize("key", ["overhead.call", "overhead.shape", "overhead.update"])
def test_what_a_call_costs_besides_machine_code(suite, monkeypatch, key):
    row = suite.row(COMPARISON[key], Point(20, 4, 16))
    assert row.note == "" and row.ratio.count >= overhead.SHAPES and row.ours == row.ratio.median
    if key == "overhead.call":
        assert 1e-6 < row.ours < 1e-2


def test_the_clock_of_machine_code_leaves_nothing_behind(monkeypatch):
    from gated.backends.native.threads.pool import pool

    monkeypatch.setattr(overhead, "CALLS", 5)
    before = pool()._run, pool()._conduct
    parts = overhead.python_part(Problem("lstm", Point(5, 1, 8)))
    assert len(parts) == 5 and min(parts) > 0 and (pool()._run, pool()._conduct) == before


def test_numbers_that_differ_are_a_note_and_not_a_time(suite, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(agree, "TOLERANCE", 0.0)
    monkeypatch.setattr(agree.check, "__defaults__", (0.0,))
    row = suite.row(COMPARISON["lstm"], SMALL)
    assert row.note.startswith("not timed, the numbers differ: ") and row.ratio is None and row.pairs == []


def test_a_side_goes_on_after_an_error():
    with Process("gated", 1) as process:
        with pytest.raises(WorkerFailed, match="KeyError"):
            process.ask("numbers", key=-1)
        timed = Timed(process, Problem("user", SMALL), "train", {}).prepare()
        assert timed.numbers()["dp.o"].shape == (20,) and timed.burst(0.001) > 0
        assert timed.setting == "1 thread"


def test_a_worker_that_dies_is_an_error_and_no_hanging():
    with Process("gated", 1) as process:
        process._popen.kill()
        with pytest.raises(WorkerFailed, match="the process ended during 'variants'"):
            process.ask("variants", task="train")


def test_what_a_side_cannot_do_is_told_apart(monkeypatch):
    class Side:
        def prepare(self, problem, task, variant):
            raise Unavailable("not yet")

    class Pipe:
        def __init__(self, requests):
            self.requests, self.answers = requests, []

        def recv(self):
            if not self.requests:
                raise EOFError
            return self.requests.pop(0)

        def send(self, answer):
            self.answers.append(answer)

    mine = worker.Worker("gated", 1)
    mine._side = Side()
    pipe = Pipe([{"do": "prepare", "key": 0, "problem": None, "task": "train", "variant": {}}, {"do": "nothing"}])
    worker.serve(pipe, mine)
    assert pipe.answers[0][:2] == ("unavailable", "not yet")
    assert pipe.answers[1][0] == "failed" and "AttributeError" in pipe.answers[1][1]


def test_the_median_of_the_calls_counts(monkeypatch):
    monkeypatch.setattr(worker, "WARM", 0.0)
    times = iter([50.0, 1.0])  # the first wakes things up and is not counted, unless it is as long as this
    prepared = Prepared(lambda: None, dict, seconds=lambda: next(times))
    assert worker.seconds_per_call(prepared, 0.0) == 50.0
    times = iter([0.05, 0.01])
    assert worker.seconds_per_call(prepared, 0.0) == 0.01


def test_calls_are_not_counted_until_some_time_has_passed(monkeypatch):
    monkeypatch.setattr(worker, "LONG", 1e9)
    calls = []

    def number_of_the_call():
        time.sleep(0.01)
        calls.append(0)
        return float(len(calls))

    prepared = Prepared(lambda: None, dict, seconds=number_of_the_call)
    assert worker.seconds_per_call(prepared, 0.0) == len(calls) >= 2


def test_short_calls_are_timed_together():
    calls = []
    seconds = worker.seconds_per_call(Prepared(lambda: calls.append(0), dict), 0.0)
    assert len(calls) > 20 and 0 < seconds < 1e-3


def test_settling_waits_for_threads_that_spin(monkeypatch):
    spent = iter([0.0, 1.0, 1.0, 2.0, 2.0, 2.4, 2.4, 2.4, 9.0])  # seconds of all threads, before and after each wait
    monkeypatch.setattr(worker.time, "process_time", lambda: next(spent))
    monkeypatch.setattr(worker, "QUIET_INTERVAL", 0.001)
    monkeypatch.setattr(worker, "QUIET_LIMIT", 1000.0)
    assert worker.settle()
    assert next(spent) == 9.0  # it ended with the first wait in which nothing ran
    monkeypatch.setattr(worker, "QUIET_LIMIT", 0.0)
    assert not worker.settle()


def test_problems_are_the_same_everywhere():
    problem = Problem("peephole", SMALL)
    first, second = problem.weights(), Problem("peephole", SMALL).weights()
    assert all(np.array_equal(first[name], second[name]) for name in first) and first["U.i"].shape == (20, 20)
    assert not np.array_equal(problem.x(), problem.r())
    assert problem.flops("train") == 3 * 2 * 30 * 80 * 40


def test_a_small_run_from_the_command_line(tmp_path, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    assert main(["--quick", "--only", "lstm", "--points", str(SMALL), "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("lstm") and "LSTM training over PyTorch, everywhere" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "results.md", "results.png"]
    words = ["--quick", "--only", "start", "--keep", "--output", str(tmp_path)]
    assert main(words) == 0
    page = (tmp_path / "results.md").read_text()
    assert "1 of 3 rows are from an earlier run" in page and "LSTM training over PyTorch" in page
