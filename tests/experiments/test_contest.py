"""A contest: trials by seed, honest counts of what was not solved, JSON there and back."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from gated.cells import ZOO
from gated.data import reber_batch, reber_success
from gated.errors import ArgumentError, FileFormatError
from gated.experiments import KINDS, Score, Settings, Task, Trial, run_contest
from gated.experiments.contest import _test, from_document, network_of, to_document
from gated.experiments.contest_report import contest_report
from gated.experiments.summary import median, summarise
from gated.experiments.task import Kind
from gated.losses import SquaredError

BASE = {
    "kind": "reber", "options": {}, "algorithms": ("full",), "cells": ("lstm",), "seeds": 1, "hidden": 4, "batch": 1,
    "window": 4, "max_sequences": 6, "every": 3, "after": 2, "lr": {"full": 0.01, "online": 0.01, "truncated": 0.01},
}  # fmt: skip


def _settings(**changes):
    return Settings(**{**BASE, **changes})


def _run(settings, kind=KINDS["reber"], **options):
    trials = []
    for trial in run_contest(settings, kind, ZOO, **options):
        if not trials or trials[-1] is not trial:
            trials.append(trial)
    return trials


def _without_times(trial):
    return {key: value for key, value in vars(trial).items() if key != "seconds"}


def _kind(passes, value=1.0):
    """Adding, with a judge that passes the tests named by their numbers."""
    made = KINDS["adding"].make(0)
    seen = iter(range(1000))

    def judge(outputs):
        return Score({"right": value}, next(seen) in passes)

    task = Task(2, 1, SquaredError(), made.draw, made.test, judge)
    return Kind("adding", "t", "a", lambda seed: task, ("right",), {"full": 0.01}, milestones=("right",))


def test_trials_do_not_depend_on_the_company_they_are_in():
    several = _run(_settings(algorithms=("online", "full"), cells=("lstm", "peephole_lstm"), seeds=2))
    assert [t.key for t in several] == [
        (algorithm, cell, seed)
        for seed in (0, 1)
        for cell in ("lstm", "peephole_lstm")
        for algorithm in ("online", "full")
    ]
    alone = _run(_settings(cells=("peephole_lstm",), seeds=2))
    picked = [t for t in several if t.algorithm == "full" and t.cell == "peephole_lstm"]
    assert [_without_times(t) for t in alone] == [_without_times(t) for t in picked]
    assert alone[0].figures != alone[1].figures


def test_the_algorithms_meet_the_same_weights_and_data():
    task = KINDS["reber"].make(3)
    again = KINDS["reber"].make(3)
    other = KINDS["reber"].make(4)
    np.testing.assert_array_equal(task.test.x, again.test.x)
    assert task.test.x.shape != other.test.x.shape or not np.array_equal(task.test.x, other.test.x)
    a, b = (network_of(ZOO["lstm"], task, 5, seed) for seed in (0, 1))
    np.testing.assert_array_equal(a.theta, network_of(ZOO["lstm"], task, 5, 0).theta)
    assert not np.array_equal(a.theta, b.theta)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": 5},
        {"batch": 2},
        {"lr": {"full": 0.02}},
        {"max_sequences": 9},
        {"every": 2},
        {"algorithms": ("truncated",)},
    ],
)
def test_every_setting_changes_something(changes):
    (before,), (after,) = _run(_settings()), _run(_settings(**changes))
    assert _without_times(before) != _without_times(after)


def test_the_window_changes_what_truncated_learns():
    trials = [_run(_settings(algorithms=("truncated",), window=window))[0] for window in (2, 5)]
    assert trials[0].figures != trials[1].figures


def test_a_trial_that_is_never_solved_gives_up_at_the_limit():
    (trial,) = _run(_settings(batch=10, every=10, max_sequences=35), _kind(()))
    assert trial.sequences == [10, 20, 30, 40]
    assert (trial.solved_at, trial.stayed, trial.finished) == (None, (0, 0), True)


def test_after_the_first_test_that_was_passed_it_learns_on_and_tells_whether_it_stays_so():
    (trial,) = _run(_settings(batch=10, every=10, max_sequences=35, after=3), _kind({1, 3}))
    assert trial.sequences == [10, 20, 30, 40, 50]
    assert trial.passed == [False, True, False, True, False]
    assert (trial.solved_at, trial.stayed) == (20, (1, 3))
    (short,) = _run(_settings(batch=10, every=10, max_sequences=35, after=0), _kind({1, 3}))
    assert short.sequences == [10, 20]


def test_finished_trials_are_not_run_again():
    settings = _settings(seeds=2)
    first, second = _run(settings)
    assert [t.key for t in _run(settings, done=[first])] == [second.key]
    first.finished = False
    assert len(_run(settings, done=[first])) == 2


def test_where_online_is_not_defined_the_reason_is_kept():
    (trial,) = _run(_settings(algorithms=("online",), cells=("gru",)))
    assert (trial.defined, trial.finished, trial.sequences) == (False, True, [])
    assert "only through the matrix" in trial.failure
    (row,) = summarise(_settings(algorithms=("online",), cells=("gru",)), [trial])
    assert (row.trials, row.solved) == (0, 0)
    text = contest_report(_settings(algorithms=("online",), cells=("gru",)), KINDS["reber"], [trial])
    assert "| online | gru |" in text
    assert "not defined, see below" in text
    assert f"- online, gru: {trial.failure}" in text


def test_numbers_that_are_not_finite_end_a_trial_and_are_told():
    (trial,) = _run(_settings(batch=10, every=10), _kind((), value=math.nan))
    assert trial.finished
    assert trial.solved_at is None
    assert "right: got nan on the test set after 10 sequences" in trial.failure
    assert trial.first_at_one("right") is None
    assert "right: got nan" in contest_report(_settings(), _kind(()), [trial]), "the report is of what there is"


def test_the_test_of_reber_is_that_of_the_data_package():
    """Judged in one batch as the success test judges string by string, and the hard step is the last but one."""
    task = KINDS["reber"].make(0)
    network = network_of(ZOO["lstm"], task, 4, 0)
    strings = _strings(task.test)
    expected = reber_success(lambda x: network.forward(x[:, None])[0][:, 0], strings)
    trial = Trial("full", "lstm", 0)
    _test(trial, task, network, 7)
    assert trial.figures["hard step"] == [pytest.approx(expected.hard_steps)]
    steps, count = task.test.lengths.sum(), len(strings)
    together = (trial.figures["hard step"][0] * count + trial.figures["other steps"][0] * (steps - count)) / steps
    assert together == pytest.approx(expected.steps)
    perfect = task.judge(task.test.target)
    assert perfect == ({"hard step": 1.0, "other steps": 1.0}, True)
    last = task.test.lengths - 1
    wrong = task.test.target.copy()
    wrong[last - 1, np.arange(count)] = 0
    assert task.judge(wrong) == ({"hard step": 0.0, "other steps": 1.0}, False)


def _strings(batch):
    strings = ["".join("BTPSXVE"[k] for k in batch.x[:n, i].argmax(-1)) + "E" for i, n in enumerate(batch.lengths)]
    assert reber_batch(strings).x.shape == batch.x.shape
    return strings


def test_reber_learns_from_strings_that_the_new_ones_of_the_test_are_not_among():
    task = KINDS["reber"].make(1)
    rng = np.random.default_rng(0)
    learned = {_strings(task.draw(rng, 1))[0] for _ in range(3000)}
    tested = _strings(task.test)
    assert len(tested) == len(set(tested))
    assert len(set(tested) - learned) == 256
    assert learned < set(tested)


@pytest.mark.parametrize("name, tolerance", [("adding", 0.04), ("timing", 0.49)])
def test_an_answer_is_right_within_the_tolerance(name, tolerance):
    task = KINDS[name].make(0)
    outputs = np.zeros(task.test.target.shape)
    outputs[task.test.mask] = task.test.target[task.test.mask] + 0.98 * tolerance
    score = task.judge(outputs)
    assert (score.figures["right"], score.solved) == (1.0, True)
    assert score.figures["mean squared error"] == pytest.approx((0.98 * tolerance) ** 2, rel=1e-3)
    outputs[:, :3] += 0.04 * tolerance
    assert task.judge(outputs).figures["right"] == pytest.approx(1 - 3 / 256)


def test_options_of_tasks():
    assert len(KINDS["adding"].make(0, steps=40).test.x) > 40
    assert set(np.unique(KINDS["timing"].make(0, period=5, delays=(0, 7)).test.lengths)) == {5, 12}


def test_medians_count_the_unsolved_as_infinite():
    assert median([100, 300, None]) == 300
    assert median([100, None, None]) == math.inf
    assert median([100, 300]) == 200
    assert median([100, None]) == math.inf
    assert math.isnan(median([]))


def test_summary_and_report():
    def trial(algorithm, seed, solved_at, hard_at, passed=()):
        done = [1000, 2000, 3000]
        return Trial(
            algorithm, "lstm", seed, 99, [*done, *range(4000, 4000 + len(passed))],
            {"hard step": [float(n >= hard_at) for n in done], "other steps": [0.5, 1.0, 1.0]},
            [n >= solved_at for n in done] + list(passed), None, True, True, 6.0,
        )  # fmt: skip

    settings = _settings(algorithms=("online", "full"), seeds=3, max_sequences=3000)
    trials = [trial("online", s, at, at) for s, at in enumerate((1000, 3000, 9000))]
    trials += [trial("full", s, 9000, 9000) for s in range(2)]
    online, full = summarise(settings, trials, ("other steps", "hard step"))
    assert (online.solved, online.trials, online.median, online.least, online.greatest) == (2, 3, 3000, 1000, 3000)
    assert online.milestones == {"other steps": 2000, "hard step": 3000}
    assert online.stayed == 1.0
    assert online.milliseconds == pytest.approx(2.0)
    assert (full.solved, full.trials, full.median) == (0, 2, math.inf)
    text = contest_report(settings, KINDS["reber"], trials, ["solved.png"])
    assert "| online | lstm | 99 | 2 of 3 | 3,000 | 1,000 to 3,000 | 2,000 | 3,000 | 100% | 2 |" in text
    assert "| full | lstm | 99 | 0 of 2 | more than 3,000 | – | 2,000 | more than 3,000 | – | 2 |" in text
    assert "**Stopped: 5 of 6 trials are finished**" in text
    assert "![solved](solved.png)" in text


def test_results_go_to_json_and_back():
    settings = _settings(options={"delays": (0, 1)})
    trials = _run(_settings())
    document = json.loads(json.dumps(to_document(settings, trials)))
    assert from_document(document) == (settings, trials)
    for damaged in (None, [], {}, {**document, "trials": [{"algorithm": 1}]}, {**document, "settings": {"kind": 3}}):
        with pytest.raises(FileFormatError, match="results of a contest"):
            from_document(damaged)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"hidden": 0}, "hidden: got 0"),
        ({"seeds": 0}, "seeds: got 0"),
        ({"after": -1}, "after: got -1"),
        ({"algorithms": ("bptt",)}, "algorithms: got 'bptt', expected some of online, truncated, full, rtrl"),
        ({"algorithms": ()}, "algorithms: got none"),
        ({"cells": ("lstm", "lstm")}, "cells: got lstm, lstm, expected one or more, each once"),
        ({"lr": {"full": 0}}, "lr of full: got 0"),
        ({"lr": {"sgd": 0.1}}, "lr: got a rate for 'sgd'"),
    ],
)
def test_settings_that_cannot_be_used(changes, words):
    with pytest.raises(ArgumentError, match=words):
        _settings(**changes)
