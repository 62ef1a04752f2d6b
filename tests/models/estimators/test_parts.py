"""The parts of an estimator, each against loops: gaps, scaling, batches, what is kept apart, the network's sizes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gated.errors import ArgumentError
from gated.models import SequenceClassifier
from gated.models.estimators.apart import kept_apart
from gated.models.estimators.network import sequence_network
from gated.models.estimators.panel import has_sequences, panel_of
from gated.models.estimators.scaling import Scaling
from gated.models.estimators.settings import Settings, seed_of
from gated.models.estimators.training import SequenceBatches
from gated.nn.losses import SoftmaxCrossEntropy, SquaredError


def ragged(seed: int = 0, gaps: float = 0.3) -> list[Any]:
    rng = np.random.default_rng(seed)
    found = [rng.standard_normal((int(rng.integers(1, 7)), 3)) * [1, 10, 0] + [5, -3, 2] for _ in range(12)]
    for each in found:
        each[:, :2][rng.random((len(each), 2)) < gaps] = np.nan
    return found


def test_gaps_are_filled_as_a_loop_would() -> None:
    X = ragged()
    panel = panel_of(X)
    every = np.concatenate(X)
    scaling = Scaling.of(panel.values, mask=True)
    np.testing.assert_allclose(scaling.mean, np.nanmean(every, axis=0))
    np.testing.assert_allclose(scaling.spread, [*np.nanstd(every[:, :2], axis=0), 1.0])
    assert scaling.gapped.tolist() == [0, 1] and scaling.inputs == 5
    rows = []
    for each in X:
        latest = scaling.mean.copy()
        for step in each:
            latest = np.where(np.isnan(step), latest, step)
            rows.append([*(latest - scaling.mean) / scaling.spread, *~np.isnan(step[:2])])
    np.testing.assert_allclose(scaling.apply(panel, "float64"), rows, rtol=1e-12, atol=1e-12)
    again = Scaling.from_json(scaling.to_json())
    np.testing.assert_array_equal(again.apply(panel, "float32"), scaling.apply(panel, "float32"))
    np.testing.assert_allclose(scaling.unscaled(scaling.scaled(every)), every, rtol=1e-12)
    plain = Scaling.of(panel.values, scale=False)
    assert plain.mean.tolist() == [0, 0, 0] and plain.inputs == 3
    nothing = Scaling.of(np.full((3, 1), np.nan), mask=True)
    assert nothing.apply(panel_of([np.full((3, 1), np.nan)]), "float32").tolist() == [[0, 0]] * 3


def test_a_channel_that_hardly_changes_is_not_blown_up() -> None:
    constant = np.full((50, 1), 0.1) * (1 + np.finfo(float).eps * (np.arange(50) % 2)[:, None])
    assert Scaling.of(constant).spread.tolist() == [1.0]


@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("at_steps", [False, True])
def test_batches_are_padded_sequences(even: bool, at_steps: bool) -> None:
    rng = np.random.default_rng(0)
    lengths = np.full(7, 4) if even else np.array([3, 1, 5, 2, 5, 4, 1])
    parts = [rng.standard_normal((length, 2)).astype("float32") for length in lengths]
    rows = np.concatenate(parts)
    answers = rng.integers(0, 3, len(rows) if at_steps else 7)
    weights = rng.uniform(0.5, 1.5, len(answers))
    batches = SequenceBatches(rows, lengths, answers, weights, at_steps)
    starts = np.cumsum(lengths) - lengths
    chosen = np.array([5, 0, 2])
    batch = batches.of(chosen)
    x = batch.x if at_steps else batch.x["x"]
    assert x.shape == (lengths[chosen].max(), 3, 2)
    for column, n in enumerate(chosen):
        np.testing.assert_array_equal(x[: lengths[n], column], parts[n])
        assert not x[lengths[n] :, column].any()
        if at_steps:
            own = slice(starts[n], starts[n] + lengths[n])
            np.testing.assert_array_equal(batch.target[: lengths[n], column], answers[own])
            np.testing.assert_allclose(batch.mask[: lengths[n], column], weights[own] / lengths[chosen].sum())
            assert not batch.mask[lengths[n] :, column].any()
    if not at_steps:
        np.testing.assert_array_equal(batch.target, answers[chosen])
        np.testing.assert_allclose(batch.mask, weights[chosen] / 3)
    seen = [n for own in batches.shuffled(3, 0)(0) for n in own.indices]
    assert sorted(seen) == list(range(7)) and seen != sorted(seen)
    assert [len(own.indices) for own in batches.shuffled(3, 0)(1)] == [3, 2, 2]  # none is much smaller
    network = sequence_network(2, 3, hidden_size=4, pooling=None if at_steps else "max", dtype="float32")
    outputs = batches.outputs(network)
    for n in range(7):
        alone = SequenceBatches(parts[n], lengths[n : n + 1], None, None, at_steps).outputs(network)
        own = slice(starts[n], starts[n] + lengths[n]) if at_steps else slice(n, n + 1)
        np.testing.assert_allclose(outputs[own], alone, rtol=1e-5, atol=1e-6)
    mean = SoftmaxCrossEntropy()(outputs, answers, weights)[0]
    assert batches.loss(outputs, SoftmaxCrossEntropy("sum")) == pytest.approx(mean)
    right = (outputs.argmax(axis=1) == answers).astype(float)
    assert batches.accuracy(outputs) == pytest.approx(np.average(right, weights=weights))


def test_many_sequences_are_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from gated.models.estimators import training

    rng = np.random.default_rng(0)
    rows, lengths = rng.standard_normal((60, 2)).astype("float32"), np.array([10, 20, 5, 25])
    network = sequence_network(2, 1, hidden_size=4, pooling="last")
    whole = SequenceBatches(rows, lengths, rng.standard_normal((4, 1)), None, False)
    outputs = whole.outputs(network)
    monkeypatch.setattr(training, "AT_ONCE", 50)
    assert [len(batch.indices) for batch in whole.in_order()] == [2, 2]
    np.testing.assert_allclose(whole.outputs(network), outputs, rtol=1e-5, atol=1e-6)
    assert whole.loss(outputs, SquaredError("sum")) > 0


def settings(**options: Any) -> Settings:
    from gated.models import SequenceClassifier

    return Settings.of(SequenceClassifier(**options))


def test_sizes_for_few_and_for_many() -> None:
    for sequences in (1, 2, 7, 60, 600, 6000):
        batch, epochs = settings().sizes(sequences)
        updates = epochs * -(-sequences // batch)
        assert 1 <= batch <= min(sequences, 32) and epochs >= 20 and updates >= 800
        assert updates < 800 + -(-sequences // batch) or epochs == 20
    assert settings(batch_size=50, epochs=3).sizes(20) == (20, 3)
    assert [settings().keeps_apart(count) for count in (499, 500)] == [False, True]
    assert settings(early_stopping=True).keeps_apart(2) and not settings(early_stopping=False).keeps_apart(9000)


def test_shares_of_what_is_kept_apart() -> None:
    strata = np.repeat([0, 1, 2], [60, 30, 10])
    there = np.ones(100, bool)
    there[:5] = False
    learned, apart = kept_apart(
        settings(early_stopping=True, validation_fraction=0.2), there, strata, None, np.random.default_rng(0)
    )
    assert apart is not None and sorted([*learned, *apart]) == list(range(5, 100))
    assert np.bincount(strata[apart]).tolist() == [11, 6, 2]
    single = np.array([0] * 9 + [1])  # of which one alone stays where it can be learned from
    third = settings(early_stopping=True, validation_fraction=0.3)
    for seed in range(8):
        _, few = kept_apart(third, single >= 0, single, None, np.random.default_rng(seed))
        assert few is not None and len(few) == 3 and 9 not in few


def test_what_is_a_list_of_sequences() -> None:
    pair = [np.zeros((3, 2)), np.zeros((4, 2))]
    objects = np.empty(2, object)
    objects[:] = pair
    yes = [pair, tuple(pair), objects, pd.Series(pair), np.zeros((2, 3, 2)), [[1, 2], [3]], [[[1, 2]], [[3, 4]]]]
    no = [np.zeros((2, 3)), [[1, 2], [3, 4]], pd.DataFrame({"a": [1]}), np.zeros(3), [1, 2], [], "text", None, 5]
    assert all(has_sequences(each) for each in yes) and not any(has_sequences(each) for each in no)


def test_inputs_are_what_the_network_takes() -> None:
    from gated.models import SequenceClassifier

    X = ragged()
    y = np.arange(12) % 2
    found = SequenceClassifier(epochs=1, hidden_size=4, random_state=0).fit(X, y)
    x, lengths = found.inputs(X)
    assert x.shape == (max(map(len, X)), 12, 5) and lengths.tolist() == [len(each) for each in X]
    logits = found.network_.infer({"x": x}, None, {"x": lengths})[0]
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], found.decision_function(X), rtol=1e-5, atol=1e-6)
    assert SimpleNamespace(**vars(found)).n_channels_ == 3


def test_a_seed_is_what_a_random_state_says() -> None:
    assert seed_of(7) == seed_of(7) != seed_of(8)
    state = np.random.RandomState(7)
    assert seed_of(state) == seed_of(7) != seed_of(state), "the next call differs"
    assert all(0 <= seed_of(None) < 2**31 for _ in range(9))


def test_a_list_of_nothing_is_told_in_one_line() -> None:
    with pytest.raises(ArgumentError, match="^X: got no sequences, expected at least one$"):
        SequenceClassifier().fit([], [])
