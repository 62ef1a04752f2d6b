"""Estimators as files: what is written is read again to the bit, and anything else is refused in one line."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError
from gated.files.tensor_file import open_tensors, write_tensors
from gated.interop.model_file import load_model
from gated.models import SequenceClassifier, SequenceRegressor

sys.path.insert(0, str(Path(__file__).parent))
from estimator_cases import QUICK, sums, waves  # noqa: E402

DOCUMENTS = "network", "arguments", "facts", "scaling", "answers", "history"


@pytest.mark.parametrize(
    "labels",
    [["down", "up"], [False, True], [3, 1], [1.0, 2.0], np.array(["a", "b"], object), np.array([1, 2], "int32")],
    ids=str,
)
def test_a_classifier_is_read_again(tmp_path: Path, labels: Any) -> None:
    X, y = waves(24)
    kinds = np.asarray(labels)[(y == "up").astype(int)]
    weights = {np.asarray(labels).tolist()[0]: 2.0}
    found = SequenceClassifier(**QUICK, class_weight=weights, dropout=0.1, early_stopping=True).fit(X, kinds)
    found.save(tmp_path / "c.safetensors")
    again = SequenceClassifier.load(tmp_path / "c.safetensors")
    np.testing.assert_array_equal(again.predict_proba(X), found.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), found.predict(X))
    assert again.get_params() == found.get_params()
    assert again.classes_.tolist() == found.classes_.tolist() and again.classes_.dtype.kind == found.classes_.dtype.kind
    assert again.history_ == found.history_ and again.n_iter_ == found.n_iter_
    np.testing.assert_array_equal(again.fit(X, kinds).predict_proba(X), found.predict_proba(X))
    again.partial_fit(X, kinds)


def test_a_regressor_is_read_again(tmp_path: Path) -> None:
    X, y = sums(30)
    frames = [pd.DataFrame(each, columns=["a", "b"]) for each in X]
    frames[0].iloc[1, 0] = np.nan
    found = SequenceRegressor(**QUICK, bidirectional=True).fit(frames, np.stack([y, 2 * y], axis=1))
    found.save(tmp_path / "r.safetensors")
    again = SequenceRegressor.load(tmp_path / "r.safetensors")
    np.testing.assert_array_equal(again.predict(frames), found.predict(frames))
    assert again.channel_names_ == ("a", "b") and again.scaling_.gapped.tolist() == [0]
    table = pd.DataFrame(np.random.default_rng(0).standard_normal((20, 5)), columns=list("abcde"))
    SequenceRegressor(**QUICK, pooling=None).fit(table, table.to_numpy()).save(tmp_path / "t.safetensors")
    steps = SequenceRegressor.load(tmp_path / "t.safetensors")
    assert steps.feature_names_in_.tolist() == list("abcde") and steps.predict(table).shape == (20, 5)
    with pytest.raises(ValueError, match="feature names should match"):
        steps.predict(table.rename(columns={"a": "z"}))


def test_a_cell_of_ones_own_is_read_again(tmp_path: Path) -> None:
    import gated

    @gated.cell
    def leaky(x, h, *, W, U, b):  # type: ignore[no-untyped-def]
        return 0.9 * h + 0.1 * gated.tanh(W.h @ x + U.h @ h + b.h)

    X, y = waves(20)
    found = SequenceClassifier(cell=leaky, **QUICK).fit(X, y)
    found.save(tmp_path / "c.safetensors")
    again = SequenceClassifier.load(tmp_path / "c.safetensors")
    np.testing.assert_array_equal(again.predict_proba(X), found.predict_proba(X))
    assert again.cell.name == "leaky"


def test_what_a_file_cannot_hold(tmp_path: Path) -> None:
    X, y = waves(10)
    path = tmp_path / "c.safetensors"
    days = np.array([date(2024, 1, 1 + n % 2) for n in range(10)], object)
    found = SequenceClassifier(**QUICK).fit(X, y)
    found.classes_ = np.unique(days)
    with pytest.raises(ArgumentTypeError, match="classes_: got labels such as datetime.date.*expected texts, numbers"):
        found.save(path)
    found.fit(X, y).set_params(random_state=np.random.RandomState(0))
    with pytest.raises(
        ArgumentTypeError, match="random_state: got RandomState.*expected a plain value, for a file: of r"
    ):
        found.save(path)
    found.set_params(random_state=0, class_weight={date(2024, 1, 1): 1.0})
    with pytest.raises(
        ArgumentTypeError, match="class_weight: got dict .*expected texts, numbers or booleans as labels"
    ):
        found.save(path)
    assert not path.exists()
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        SequenceClassifier().save(path)


def _damaged(name: str, change: Any) -> Any:
    def of(documents: dict[str, Any]) -> None:
        documents[name] = change(documents[name])

    return of


DAMAGE = {
    "unknown argument": (_damaged("arguments", lambda a: {**a, "x": 1}), "arguments: got .*expected those of a Sequ"),
    "no arguments": (_damaged("arguments", lambda a: [1]), "arguments: got "),
    "bad argument": (_damaged("arguments", lambda a: {**a, "clip": -1}), "clip: got -1"),
    "bad cell": (_damaged("arguments", lambda a: {**a, "cell": {"a": 1}}), "cell: got dict"),
    "other pooling": (
        _damaged("arguments", lambda a: {**a, "pooling": None}),
        "network: got the layers rnn, pool, drop, h",
    ),
    "no fact": (_damaged("facts", lambda f: {}), "got something damaged"),
    "bad fact": (_damaged("facts", lambda f: {**f, "n_iter_": "a"}), "facts: got str 'a' for n_iter_"),
    "bad truth": (_damaged("facts", lambda f: {**f, "_from_table": 2}), "facts: got int 2 for _from_table"),
    "bad names": (_damaged("facts", lambda f: {**f, "channel_names_": [1]}), "facts: got list .* for channel_names_"),
    "channels": (_damaged("facts", lambda f: {**f, "n_channels_": 9}), "network: got 2 inputs and 2 outputs, expected"),
    "no scaling": (_damaged("scaling", lambda s: 3), "scaling: got something damaged"),
    "zero spread": (_damaged("scaling", lambda s: {**s, "spread": [0, 1]}), "scaling: got numbers that cannot be"),
    "gap": (_damaged("scaling", lambda s: {**s, "gapped": [7]}), r"scaling: got gaps in channels \[7\], expected some"),
    "more gaps": (
        _damaged("scaling", lambda s: {**s, "gapped": [0]}),
        "network: got 2 inputs and 2 outputs, expected 3",
    ),
    "labels": (
        _damaged("answers", lambda a: {**a, "values": ["a", "a"]}),
        "labels: got something damaged, expected dif",
    ),
    "odd labels": (_damaged("answers", lambda a: {**a, "values": [[1], [2]]}), "labels: got something damaged"),
    "more labels": (_damaged("answers", lambda a: {**a, "values": list("abc")}), "network: got 2 inputs and 2 outputs"),
    "history": (_damaged("history", lambda h: {"a": 1}), "got something damaged"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_files(tmp_path: Path, case: str) -> None:
    change, message = DAMAGE[case]
    X, y = waves(10)
    path = tmp_path / "c.safetensors"
    SequenceClassifier(**QUICK).fit(X, y).save(path)
    with open_tensors(path, SequenceClassifier._kind) as file:
        documents = {name: file.document(name) for name in DOCUMENTS}
    network, _ = load_model(path, SequenceClassifier._kind)
    change(documents)
    path.unlink()
    write_tensors(path, SequenceClassifier._kind, dict(network.params), json.loads(json.dumps(documents)))
    with pytest.raises(FileFormatError, match=message) as caught:
        SequenceClassifier.load(path)
    assert "\n" not in str(caught.value)


def test_files_of_something_else(tmp_path: Path) -> None:
    X, y = sums(10)
    SequenceRegressor(**QUICK).fit(X, y).save(tmp_path / "r.safetensors")
    with pytest.raises(FileFormatError, match="gated sequence"):
        SequenceClassifier.load(tmp_path / "r.safetensors")
    with pytest.raises(ArgumentError):
        SequenceClassifier.load(tmp_path / "none.safetensors")
