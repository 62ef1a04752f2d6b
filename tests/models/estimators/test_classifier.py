"""SequenceClassifier: labels of any type, forms of X, weights, early stopping, learning by parts."""

from __future__ import annotations

import copy
import pickle
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits

import gated
from gated.errors import ArgumentError, ArgumentTypeError
from gated.learning import Callback
from gated.models import SequenceClassifier

sys.path.insert(0, str(Path(__file__).parent))
from estimator_cases import QUICK, waves  # noqa: E402


def test_it_learns_from_few_and_from_many() -> None:
    X, y = waves(60)
    other, labels = waves(60, seed=1)
    assert SequenceClassifier(random_state=0).fit(X, y).score(other, labels) >= 0.95
    digits, numbers = load_digits(return_X_y=True)
    digits = digits.reshape(-1, 8, 8)
    learned = SequenceClassifier(random_state=0, epochs=30).fit(digits[:1000], numbers[:1000])
    assert learned.score(digits[1000:], numbers[1000:]) > 0.85
    assert learned.history_.column == "validation_loss"  # from 500 sequences on some are kept apart


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"num_layers": 2, "dropout": 0.2}, {"cell": "gru"}])
def test_every_network_learns(pooling: str, options: dict[str, Any]) -> None:
    X, y = waves(40)
    found = SequenceClassifier(pooling=pooling, hidden_size=12, epochs=25, random_state=0, **options).fit(X, y)
    assert found.score(X, y) >= 0.95


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", "bb"]),
        np.array([False, True]),
        np.array([7, -3]),
        np.array(["x", "y"], dtype=object),
        np.array([1.0, 2.0]),
        ["list", "of texts"],
        pd.Categorical(["low", "high"]),
    ],
    ids=lambda labels: type(labels).__name__ + str(getattr(labels, "dtype", "")),
)
def test_labels_of_any_type(labels: Any) -> None:
    X, y = waves(24)
    kinds = np.asarray(labels)[(y == "up").astype(int)]
    found = SequenceClassifier(**{**QUICK, "epochs": 20}).fit(X, kinds)
    assert set(found.classes_.tolist()) == set(np.asarray(labels).tolist())
    assert found.score(X, kinds) > 0.9 and found.predict(X).dtype == found.classes_.dtype
    three = np.array(["a", "b", "c"])[np.arange(24) % 3]
    found.fit(X, three)
    assert found.predict_proba(X).shape == found.decision_function(X).shape == (24, 3)
    np.testing.assert_allclose(found.predict_proba(X).sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(np.exp(found.predict_log_proba(X)), found.predict_proba(X), rtol=1e-10)


def test_forms_of_x_are_one() -> None:
    """(N, T, D), lists of arrays, arrays of arrays, frames: the same numbers, the same bits."""
    X, y = waves(20, least=6, most=6)
    whole = np.stack(X)
    named = [pd.DataFrame(each, columns=["a", "b"]) for each in X]
    objects = np.empty(20, object)
    objects[:] = X
    nested = [each.tolist() for each in X]
    proba = [SequenceClassifier(**QUICK).fit(own, y).predict_proba(own) for own in (whole, X, named, objects, nested)]
    for found in proba[1:]:
        np.testing.assert_array_equal(found, proba[0])
    one = SequenceClassifier(**QUICK).fit(whole[:, :, 0], y)
    assert one.n_features_in_ == 6 and one.n_channels_ == 1
    for form in ([each[:, 0] for each in X], [each[:, 0].tolist() for each in X], whole[:, :, :1]):
        np.testing.assert_array_equal(one.predict_proba(form), one.predict_proba(whole[:, :, 0]))
    ragged = SequenceClassifier(**QUICK).fit([[1.0, 2.0, 3.0], [3.0, 2.0], [1.0, 3.0], [2.0, 1.0, 0.0]], [0, 1, 0, 1])
    assert ragged.n_features_in_ == 1 and ragged.predict(np.zeros((2, 9))).shape == (2,)
    swapped = [frame[["b", "a"]] for frame in named]
    framed = SequenceClassifier(**QUICK).fit(named, y)
    assert framed.channel_names_ == ("a", "b")
    np.testing.assert_array_equal(framed.predict_proba(swapped), proba[0])


def test_neither_order_nor_padding_changes_an_answer() -> None:
    """Each sequence alone, and all in another order: padding and neighbours leave no trace, but for rounding."""
    X, y = waves(30)
    for pooling in ("mean", "max", "last"):
        found = SequenceClassifier(pooling=pooling, bidirectional=True, dtype="float64", **QUICK).fit(X, y)
        proba = found.predict_proba(X)
        order = np.random.default_rng(0).permutation(30)
        np.testing.assert_allclose(found.predict_proba([X[n] for n in order]), proba[order], rtol=1e-12)
        for n in range(5):
            np.testing.assert_allclose(found.predict_proba([X[n]])[0], proba[n], rtol=1e-12)


def test_the_same_random_state_gives_the_same_bits() -> None:
    X, y = waves(30)
    kind = SequenceClassifier(**QUICK, early_stopping=True, dropout=0.2)
    one, two = kind.fit(X, y).predict_proba(X), clone(kind).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(one, two)
    for other in (pickle.loads(pickle.dumps(kind)), copy.deepcopy(kind)):
        np.testing.assert_array_equal(other.predict_proba(X), one)
        np.testing.assert_array_equal(other.fit(X, y).predict_proba(X), one)
    assert not np.array_equal(clone(kind).set_params(random_state=1).fit(X, y).predict_proba(X), one)
    state = np.random.RandomState(0)
    assert SequenceClassifier(**{**QUICK, "random_state": state}).fit(X, y).network_ is not None


def test_missing_numbers() -> None:
    """With a mask, what is missing may be what tells the classes apart; carried forward it cannot."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 8, 2))
    y = np.arange(60) % 2
    X[y == 1, 5:, 0] = X[y == 1, 4:5, 0]  # so that carrying forward changes nothing
    X[y == 0, 5:, 0] = X[y == 0, 4:5, 0]
    gaps = X.copy()
    gaps[y == 1, 5:, 0] = np.nan
    options = {"hidden_size": 16, "epochs": 80, "random_state": 0}
    masked = SequenceClassifier(**options).fit(gaps[:40], y[:40])
    assert masked.scaling_.gapped.tolist() == [0] and masked.network_.layers["rnn"].input_size == 3
    assert masked.score(gaps[40:], y[40:]) >= 0.9
    carried = SequenceClassifier(missing="carry", **options).fit(gaps[:40], y[:40])
    assert carried.network_.layers["rnn"].input_size == 2
    np.testing.assert_array_equal(carried.predict_proba(gaps), carried.predict_proba(X))
    with pytest.raises(ArgumentError, match=r"X: got NaN in sequence 1, step 5, expected numbers; missing='mask'"):
        SequenceClassifier(missing="error", **options).fit(gaps, y)
    first = X[:1].copy()
    first[0, 0, 1] = np.nan  # before anything was measured: the mean; of a channel that had no gaps
    mean = first.copy()
    mean[0, 0, 1] = masked.scaling_.mean[1]
    np.testing.assert_array_equal(masked.predict_proba(first), masked.predict_proba(mean))


def test_class_weights() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 5, 1))  # there is nothing to learn but how often a label comes
    y = np.where(np.arange(80) < 70, "often", "seldom")
    options = {"hidden_size": 2, "epochs": 80, "batch_size": 40, "learning_rate": 0.02, "random_state": 0}

    def mean(**more: Any) -> float:
        return float(SequenceClassifier(**options, **more).fit(X, y).predict_proba(X)[:, 1].mean())

    assert mean() == pytest.approx(10 / 80, abs=0.1)
    assert mean(class_weight="balanced") == pytest.approx(0.5, abs=0.1)
    assert mean(class_weight={"seldom": 7.0}) == pytest.approx(0.5, abs=0.1)
    assert mean(class_weight={"often": 0.0}) > 0.9
    weights = np.where(y == "seldom", 7.0, 1.0)
    weighted = SequenceClassifier(**options).fit(X, y, sample_weight=weights).predict_proba(X)
    by_class = SequenceClassifier(**options, class_weight={"seldom": 7.0}).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(weighted, by_class)


def test_weight_zero_is_as_if_it_were_not_there() -> None:
    X, y = waves(30)
    weights = np.ones(30)
    weights[20:] = 0
    weights[:3] = 0
    for options in ({}, {"class_weight": "balanced"}):
        one = SequenceClassifier(**QUICK, **options).fit(X, y, sample_weight=weights)
        two = SequenceClassifier(**QUICK, **options).fit(X[3:20], y[3:20])
        np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_early_stopping_keeps_the_best_weights() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 6, 2)), np.arange(60) % 2  # nothing to learn: it gets worse soon
    found = SequenceClassifier(
        early_stopping=True, validation_fraction=0.3, patience=4, epochs=200, hidden_size=32, random_state=0
    ).fit(X, y)
    history = found.history_
    assert history.ended == "patience" and history.steps < 200 * 11
    assert history.best == min(value for _, value in history.column_of("validation_loss"))
    assert history.best_step < history.steps
    assert {"validation_loss", "validation_accuracy"} <= set(history.metrics[-1])


def test_no_group_is_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    from gated.models.estimators import base

    sides: list[Any] = []
    kept = base.kept_apart
    monkeypatch.setattr(base, "kept_apart", lambda *given: sides.append(kept(*given)) or sides[-1])
    X, y = waves(40)
    groups = np.array(list("abcdefgh"))[np.arange(40) // 5]
    for seed in range(5):
        options = {**QUICK, "random_state": seed}
        SequenceClassifier(**options, early_stopping=True, validation_fraction=0.25).fit(X, y, groups=groups)
        learned, apart = sides[-1]
        assert not set(groups[learned]) & set(groups[apart]) and len(apart) == 10 and len(learned) == 30
    SequenceClassifier(**QUICK, early_stopping=True, validation_fraction=0.25).fit(X, y)
    learned, apart = sides[-1]
    assert np.unique(y[apart], return_counts=True)[1].tolist() == [5, 5]  # each label its share
    assert sorted([*learned, *apart]) == list(range(40))
    SequenceClassifier(**QUICK).fit(X, y)
    assert sides[-1][1] is None  # too few to keep some apart


def test_labels_at_each_step() -> None:
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((int(rng.integers(1, 9)), 1)) for _ in range(50)]
    y = [np.where(np.cumsum(each[:, 0]) > 0, "above", "below") for each in X]
    found = SequenceClassifier(pooling=None, hidden_size=16, random_state=0, epochs=60).fit(X, y)
    assert found.score(X, y) > 0.93
    answers = found.predict(X)
    assert [len(each) for each in answers] == [len(each) for each in X] and answers[0].dtype == found.classes_.dtype
    assert found.predict_proba(X)[3].shape == (len(X[3]), 2) and found.decision_function(X)[3].shape == (len(X[3]),)
    assert "one call of machine code" in found.network_.explain().splitlines()[0]
    whole, labels = np.stack([X[0][:1]] * 4), np.array([["above"], ["below"]] * 2)
    again = SequenceClassifier(pooling=None, **QUICK).fit(whole, labels)
    assert again.predict(whole).shape == (4, 1) and again.predict_proba(whole).shape == (4, 1, 2)
    assert 0 <= again.score(whole, labels, sample_weight=[1, 2, 0, 1]) <= 1
    heavy = SequenceClassifier(pooling=None, class_weight={"above": 20.0}, **QUICK).fit(X, y)
    light = SequenceClassifier(pooling=None, **QUICK).fit(X, y)
    assert np.concatenate(heavy.predict_proba(X))[:, 0].mean() > np.concatenate(light.predict_proba(X))[:, 0].mean()
    stopped = SequenceClassifier(pooling=None, early_stopping=True, **QUICK).fit(X, y)
    assert stopped.history_.best is not None


def test_learning_by_parts() -> None:
    X, y = waves(60)
    found = SequenceClassifier(hidden_size=12, random_state=0, batch_size=8)
    for _ in range(12):
        for part in range(0, 60, 20):
            found.partial_fit(X[part : part + 20], y[part : part + 20], classes=["up", "down"])
    assert found.score(X, y) > 0.95 and found.n_iter_ == 36
    one = SequenceClassifier(**QUICK).partial_fit(X, y, classes=["down", "up"])
    other = pickle.loads(pickle.dumps(one)).partial_fit(X, y)
    np.testing.assert_array_equal(one.partial_fit(X, y).predict_proba(X), other.predict_proba(X))
    one.fit(X, y)
    before = one.predict_proba(X)
    one.partial_fit(X[:7], y[:7])
    assert not np.array_equal(one.predict_proba(X), before)
    with pytest.raises(ArgumentError, match="classes: got None in the first call of partial_fit, expected all labels"):
        SequenceClassifier().partial_fit(X, y)
    with pytest.raises(ArgumentError, match=r"classes: got \['a', 'b'\], expected \['down', 'up'\], as before"):
        one.partial_fit(X, y, classes=["a", "b"])
    with pytest.raises(ArgumentError, match="pooling: got None, expected that with which it began to learn"):
        copy.deepcopy(one).set_params(pooling=None).partial_fit(X, y)
    with pytest.raises(ArgumentError, match="y: got the label 'sideways', expected one of 'down', 'up'"):
        one.partial_fit(X[:1], ["sideways"])


def test_an_interrupted_fit_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from gated.models.estimators import training

    class Interrupting(Callback):
        def on_update(self, run: Any, update: Any) -> None:
            if update.step == 5:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training, "Report", Interrupting)
    X, y = waves(30)
    found = SequenceClassifier(**{**QUICK, "epochs": 50}, early_stopping=True, verbose=True, batch_size=9)
    with pytest.raises(KeyboardInterrupt):
        found.fit(X, y)
    assert found.history_.ended == "interrupt" and found.history_.steps == 5
    assert found.predict(X).shape == (30,)


def test_verbose_tells_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = waves(30)
    SequenceClassifier(**QUICK, early_stopping=True, verbose=1).fit(X, y)
    told = capsys.readouterr().out
    assert "validation_loss" in told and "best validation_loss" in told
    SequenceClassifier(**QUICK, early_stopping=True).fit(X, y)
    assert capsys.readouterr().out == ""


def test_a_cell_of_ones_own() -> None:
    @gated.cell
    def leaky(x, h, *, W, U, b):  # type: ignore[no-untyped-def]
        return 0.9 * h + 0.1 * gated.tanh(W.h @ x + U.h @ h + b.h)

    X, y = waves(20)
    found = clone(SequenceClassifier(cell=leaky, **QUICK)).fit(X, y)
    assert found.network_.layers["rnn"].cell.name == "leaky"
    for name in ("rnn", "projected_lstm", "slstm", "indrnn"):
        assert SequenceClassifier(cell=name, **QUICK).fit(X, y).predict(X).shape == (20,)


def test_scale_clip_and_dtype_do_something() -> None:
    X, y = waves(20)
    plain = SequenceClassifier(**QUICK).fit(X, y).predict_proba(X)
    for options in ({"scale": False}, {"clip": 0.01}, {"dtype": "float64"}, {"dropout": 0}):
        other = SequenceClassifier(**QUICK, **options).fit(X, y)
        assert not np.array_equal(other.predict_proba(X), plain), options
    assert other.network_.dtype == np.float32
    two = SequenceClassifier(**QUICK, pooling=None, num_layers=2)
    steps = [np.repeat(label, len(each)) for each, label in zip(X, y, strict=True)]
    dropped = np.concatenate(two.fit(X, steps).predict_proba(X))
    assert not np.array_equal(np.concatenate(two.set_params(dropout=0).fit(X, steps).predict_proba(X)), dropped)
    scaled = [1e3 * each + 5 for each in X]
    np.testing.assert_allclose(SequenceClassifier(**QUICK).fit(scaled, y).predict_proba(scaled), plain, atol=1e-4)


X3 = np.zeros((4, 3, 2))
Y = [0, 1, 0, 1]
WRONG: dict[str, tuple[dict[str, Any], Any, Any, str]] = {
    "cell": (
        {"cell": "lstmm"},
        X3,
        Y,
        "cell: got 'lstmm', expected the name of a cell of the zoo .* did you mean 'lstm'",
    ),
    "texts": ({}, [["x", "1"], ["2", "3"]], [0, 1], "X: got 'x' in row 0, column 0, expected numbers"),
    "texts 2": (
        {},
        pd.DataFrame({"a": ["1", "2"], "b": ["3", "y"]}),
        [0, 1],
        "X: got 'y' in row 1, column b, expected numbers",
    ),
    "no sequences": ({}, "abcd", Y, r"X: got str 'abcd', expected \(N, T\) or \(N, T, D\) numbers, or a list of N"),
    "no sequences 2": ({}, None, Y, r"X: got None, expected \(N, T\)"),
    "no sequences 3": ({}, {"a": 1}, Y, r"X: got dict \{'a': 1\}, expected \(N, T\)"),
    "one axis": ({}, np.zeros(4), Y, r"X: got an array of shape \(4,\).*; Reshape your data: X\[None\] is one"),
    "four axes": ({}, np.zeros((4, 3, 2, 1)), Y, r"X: got an array of shape \(4, 3, 2, 1\).*expected \(N, T\) or"),
    "complex table": ({}, np.zeros((4, 3), complex), Y, "X: got complex numbers, expected real ones"),
    "dates": ({}, np.zeros((4, 3), "datetime64[D]"), Y, r"X: got an array of shape \(4, 3\) and dtype datetime64"),
    "unequal": ({}, X3, [[0, 1, 0], [1, 2], [0], [1]], "y: got answers of unequal length, expected one for each"),
    "cell type": ({"cell": 3}, X3, Y, "cell: got int 3, expected a gated.Cell, or the name of one in gated.cells.ZOO"),
    "hidden": ({"hidden_size": 0}, X3, Y, "hidden_size: got 0, expected a positive whole number"),
    "layers": ({"num_layers": 1.5}, X3, Y, "num_layers: got float 1.5, expected a positive whole number"),
    "both": ({"bidirectional": 1}, X3, Y, "bidirectional: got int 1, expected True or False"),
    "pooling": ({"pooling": "sum"}, X3, Y, "pooling: got 'sum', expected 'last', 'mean' or 'max'"),
    "dropout": ({"dropout": 1.0}, X3, Y, "dropout: got 1.0, expected a probability, 0 <= p < 1"),
    "epochs": ({"epochs": "many"}, X3, Y, "epochs: got 'many', expected 'auto' or a whole number of at least 1"),
    "epochs 0": ({"epochs": 0}, X3, Y, "epochs: got 0, expected a whole number of at least 1"),
    "batch": ({"batch_size": -1}, X3, Y, "batch_size: got -1, expected a whole number of at least 1"),
    "rate": ({"learning_rate": 0}, X3, Y, "learning_rate: got 0, expected a finite number above 0"),
    "stop": ({"early_stopping": "yes"}, X3, Y, "early_stopping: got 'yes', expected True, False or 'auto'"),
    "fraction": ({"validation_fraction": 1}, X3, Y, "validation_fraction: got 1, expected a number between 0 and 1"),
    "patience": ({"patience": 0}, X3, Y, "patience: got 0, expected a whole number of at least 1"),
    "missing": ({"missing": "drop"}, X3, Y, "missing: got 'drop', expected 'mask', 'carry' or 'error'"),
    "scale": ({"scale": None}, X3, Y, "scale: got None, expected True or False"),
    "clip": ({"clip": -1}, X3, Y, "clip: got -1, expected a finite number of at least 0"),
    "dtype": ({"dtype": "float16"}, X3, Y, "dtype: got 'float16', expected 'float32' or 'float64'"),
    "dtype complex": ({"dtype": "complex128"}, X3, Y, "dtype: got 'complex128', expected 'float32' or 'float64'"),
    "verbose": ({"verbose": "loud"}, X3, Y, "verbose: got str 'loud', expected True or False"),
    "weights": ({"class_weight": "even"}, X3, Y, "class_weight: got str 'even', expected a dict of label -> weight"),
    "labels": ({"class_weight": {"a": 1}}, X3, Y, "class_weight: got the labels 'a', expected labels of y: 0, 1"),
    "negative": ({"class_weight": {0: -1}}, X3, Y, r"class_weight\[0\]: got -1, expected a finite number of at least"),
    "empty": ({}, np.zeros((0, 3, 2)), [], r"X: got an array of shape \(0, 3, 2\).*expected \(N, T, D\), none of them"),
    "no steps": (
        {},
        [np.zeros((3, 2)), np.zeros((0, 2))],
        [0, 1],
        r"X\[1\]: .*expected at least one step and one chan",
    ),
    "channels": ({}, [np.zeros((3, 2)), np.zeros((3, 1))], [0, 1], r"X\[1\]: got 1 channels, expected 2, as in X\[0\]"),
    "4-d": ({}, [np.zeros((3, 2, 2))], [0], r"X\[0\]: got an array of shape \(3, 2, 2\).*expected \(steps, channels\)"),
    "inf": ({}, [np.zeros(3), np.array([0, np.inf])], [0, 1], "X: got inf in sequence 1, step 1, expected finite num"),
    "text": ({}, [np.array(["a", "b"])], [0], r"X\[0\]: got an array.*expected real numbers, NaN where one is missing"),
    "objects": ({}, [np.array([{}], object)], [0], r"X\[0\]: got an array.*expected real numbers, NaN where"),
    "complex": ({}, [np.zeros(3, complex)], [0], r"X\[0\]: got an array.*expected real numbers"),
    "huge": (
        {"scale": False},
        [np.array([1e300, 0])] * 2,
        [0, 1],
        "X: got a number in sequence 0, step 0 that float32",
    ),
    "count": ({}, X3, [0, 1], "y: got 2 answers, expected 4, one for each sequence of X"),
    "types": (
        {},
        X3,
        np.array([0, "a", 1, "b"], object),
        "y: got labels of the types int, str, expected labels of one",
    ),
    "per step": ({"pooling": None}, X3, Y, r"y\[0\]: got int 0, expected 3 answers, one for every step: pooling is No"),
    "per step 1": ({"pooling": None}, X3, np.array(Y), r"y: got an array of shape \(4,\).*expected \(N, T\), or a lis"),
    "per step 2": ({"pooling": None}, X3, [[0, 1, 0]] * 3, "y: got 3 answers, expected 4, one for each sequence of X"),
    "per step 3": ({"pooling": None}, X3, "abcd", r"y: got str 'abcd', expected a list of N arrays"),
    "per step 4": ({"pooling": None}, X3, np.zeros((4, 3, 1)), r"y: got labels of shape \(1,\), expected one label at"),
    "one": ({"early_stopping": True}, X3[:1], [0], "early_stopping: got True with 1 sequence, expected two at least"),
}


@pytest.mark.parametrize("case", WRONG)
def test_messages(case: str) -> None:
    options, X, y, message = WRONG[case]
    with pytest.raises((ArgumentError, ArgumentTypeError), match=f"^{message}") as caught:
        SequenceClassifier(**options).fit(X, y)
    assert "\n" not in str(caught.value)


def test_more_messages() -> None:
    X, y = waves(10)
    with pytest.raises(ValueError, match="Sample weights must contain at least one non-zero number"):
        SequenceClassifier(**QUICK).fit(X, y, sample_weight=np.zeros(10))
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        SequenceClassifier(**QUICK).fit(X, y, sample_weight=-np.ones(10))
    with pytest.raises(ArgumentError, match=r"groups: got an array of shape \(3,\).*expected shape \(10,\)"):
        SequenceClassifier(**QUICK).fit(X, y, groups=[1, 2, 3])
    with pytest.raises(
        ArgumentError, match="early_stopping: got True with 1 group of sequences, expected two at least"
    ):
        SequenceClassifier(**QUICK, early_stopping=True).fit(X, y, groups=[1] * 10)
    found = SequenceClassifier(**QUICK).fit(X, y)
    with pytest.raises(ArgumentError, match="X: got 1 channel, expected 2, as in fit"):
        found.predict([np.zeros((3, 1))])
    with pytest.raises(ArgumentError, match=r"X: got 1 channel, expected 2, as in fit; a single sequence is \[X\]"):
        found.predict(X[0])
    frames = [pd.DataFrame(each, columns=["a", "b"]) for each in X]
    framed = SequenceClassifier(**QUICK).fit(frames, y)
    with pytest.raises(ArgumentTypeError, match="X: got arrays, expected frames with the columns a, b, as in fit"):
        framed.predict(X)
    with pytest.raises(ArgumentError, match=r"X\[0\]: got the columns a, c, expected one called 'b' among them"):
        framed.predict([frames[0].rename(columns={"b": "c"})])
    with pytest.raises(ArgumentError, match=r"X\[0\]: got a column 'c', expected the channels a, b alone"):
        framed.predict([frames[0].assign(c=1.0)])
    with pytest.raises(ArgumentTypeError, match=r"X\[0\]: got a column that is no numbers, expected numbers in all"):
        framed.predict([frames[0].assign(b="text")])
    with pytest.raises(ArgumentTypeError, match="X: got frames beside other sequences, expected frames alone, or"):
        framed.predict([frames[0], X[1]])
    with pytest.raises(ArgumentError, match="y: SequenceClassifier requires y to be passed, but the target y is None"):
        found.fit(X, None)
