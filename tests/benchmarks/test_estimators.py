"""What the defaults of the estimators learn, and other settings beside them: the tasks, the numbers, the pages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from benchmarks.generated import LONGEST, ORDERS, SHORTEST, order, sums, waves  # noqa: E402

from benchmarks import estimator_defaults, estimator_sizes  # noqa: E402

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [("en", "estimators.md"), ("zh", "estimators.zh.md")]


@pytest.mark.parametrize("lang, page", PAGES)
def test_the_pages_have_the_tables(lang, page):
    text = (DOCS / page).read_text(encoding="utf-8")
    assert estimator_sizes.table(estimator_sizes.read(), lang) in text
    kept = json.loads(estimator_defaults.RESULTS.read_text(encoding="utf-8"))
    assert estimator_defaults.table(kept["accuracy"], lang) in text


def test_all_of_it_was_measured_with_three_seeds_or_more():
    rows = {(row.task, row.size, row.method): row for row in estimator_sizes.read()}
    wanted = [(t, n, m) for t in estimator_sizes.TASKS for n in estimator_sizes.SIZES for m in estimator_sizes.METHODS]
    assert set(rows) == set(wanted) and all(len(row.score) >= 3 for row in rows.values())
    kept = json.loads(estimator_defaults.RESULTS.read_text(encoding="utf-8"))
    assert all(len(own) >= 5 for found in kept["accuracy"].values() for own in found.values())


@pytest.mark.parametrize("make", [waves, order, sums])
def test_sequences_are_of_unequal_length_and_the_same_for_the_same_seed(make):
    (X, y), (again, _) = (make(50, np.random.default_rng(3)) for _ in range(2))
    assert len(X) == len(y) == 50 and all(np.array_equal(a, b) for a, b in zip(X, again, strict=True))
    lengths = {len(own) for own in X}
    assert len(lengths) > 5 and min(lengths) >= SHORTEST and max(lengths) < LONGEST


def test_the_answers_are_those_of_the_sequences():
    for own, kind in zip(*order(30, np.random.default_rng(0)), strict=True):
        symbols = own.argmax(1)
        assert (own.sum(1) == 1).all() and tuple(symbols[symbols < 3]) == ORDERS[kind]
    for own, answer in zip(*sums(30, np.random.default_rng(0)), strict=True):
        assert own[:, 1].sum() == 2 and answer == pytest.approx(own[own[:, 1] == 1, 0].sum())


def test_features_by_hand():
    found = estimator_sizes.features(np.arange(20.0)[:, None])
    assert found[:11].tolist() == [9.5, pytest.approx(np.std(np.arange(20))), 0, 19, 9.5, 0, 19, 19, 0, 1, 20]
    assert np.isfinite(estimator_sizes.features(np.ones((20, 2)))).all()


def test_a_run_is_kept_and_printed(tmp_path, capsys):
    output = tmp_path / "out.json"
    words = ["--tasks", "order", "--sizes", "60", "--methods", "trees", "--seeds", "2", "--output", str(output)]
    assert estimator_sizes.main(words) == 0
    (row,) = estimator_sizes.read(output)
    assert (row.task, row.size, row.method, len(row.score)) == ("order", 60, "trees", 2) and row.score[0] < 0.7
    assert "trees on features" in capsys.readouterr().out


def test_digits_are_held_out_in_one_piece_and_others_by_chance():
    y = np.arange(898) % 10
    for seed in range(5):
        learned, held = estimator_defaults.split("digits", y, seed)
        assert len(learned) + len(held) == 898 and (np.diff(held) == 1).all() and not set(learned) & set(held)
    learned, held = estimator_defaults.split("BasicMotions", np.arange(40) % 4, 0)
    assert (len(learned), len(held)) == (30, 10)
    learned, held = estimator_defaults.split("order", np.arange(1260) % 6, 0)
    assert (len(learned), len(held)) == (60, 1200)


def test_differences_are_taken_pair_by_pair_and_counted_over_sets():
    found = {"a": {"defaults": [0.5, 0.7], "other": [0.6, 0.8]}, "b": {"defaults": [0.9, 0.9], "other": [0.9, 1.0]}}
    mean, error = estimator_defaults.compared(found, "other")
    assert mean == pytest.approx(0.075) and error == pytest.approx(np.std([0.1, 0.05], ddof=1) / np.sqrt(2))
    assert "| other | 70.0 | 95.0 | 82.5 | +7.5 ± 2.5 |" in estimator_defaults.table(found)


def test_a_setting_reaches_the_network():
    X, y = order(60, np.random.default_rng(0))
    X, y = X * 21, np.tile(y, 21)
    own = {setting: estimator_defaults.one("order", X, y, setting, 0) for setting in ("defaults", "orthogonal")}
    assert own["defaults"] != own["orthogonal"]
