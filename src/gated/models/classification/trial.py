"""A classifier and its data: learned, judged by sequences that it has not seen, laid beside the yardsticks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gated.data.series import SequenceSet
from gated.errors import shown, wrong
from gated.models.classification.outcome import Outcome
from gated.models.classification.over_time import accuracy_by_share, over_time
from gated.models.classification.splitting import fold_rows, held_out_rows, possible_folds
from gated.models.classification.yardsticks import commonest, nearest
from gated.models.estimators.scaling import Scaling

Made = Callable[[], Any]  # a fresh `SequenceClassifier`


class Trial(NamedTuple):
    """What came of it, and the classifier to be kept."""

    outcome: Outcome
    classifier: Any


def check_classes(data: SequenceSet) -> None:
    """Raises ArgumentError for sequences without classes, or with numbers that are none."""
    if data.y is None:
        raise wrong("data", f"{data.name!r} without labels", "a class for each sequence")
    here = "; gated.models.SequenceRegressor foretells numbers"
    if data.has_numbers:
        odd = next(own for own in data.y.tolist() if own != int(own))
        raise wrong("label", f"numbers such as {odd:g}", f"classes{here}")
    many = len(np.unique(data.y))
    if data.y.dtype.kind in "iu" and many > 20 and many > len(data) / 3:
        raise wrong("label", f"{many:,} different numbers for {len(data):,} sequences", f"classes{here}")


def with_test(make: Made, train: SequenceSet, test: SequenceSet) -> Trial:
    """Learn from one part, judge by the other.

    Raises:
        ArgumentError: they do not fit together.
    """
    for own in (train, test):
        check_classes(own)
    assert train.y is not None and test.y is not None
    if test.size != train.size:
        raise wrong("test", f"sequences of {test.size} numbers a step", f"{train.size}, as in what is learned from")
    if {train.y.dtype.kind, test.y.dtype.kind} not in ({"U"}, {train.y.dtype.kind}):
        train, test = (_as_texts(own) for own in (train, test))
    classifier = make().fit(train.x, train.y)
    probabilities = classifier.predict_proba(test.x)
    found = _outcome(classifier, train, test, classifier.classes_, probabilities, _yardsticks(train, test))
    return Trial(replace(found, early=accuracy_by_share(classifier, test)), classifier)


def with_held_out(make: Made, data: SequenceSet, share: float, seed: int) -> Trial:
    """Hold a share of the sequences out, learn from the others."""
    check_classes(data)
    assert data.y is not None
    keep, out = held_out_rows(data.y, data.groups, share, seed)
    found = with_test(make, data.select(keep), data.select(out))
    return found._replace(outcome=replace(found.outcome, possible_folds=possible_folds(data.y, data.groups)))


def with_folds(make: Made, data: SequenceSet, folds: int, seed: int) -> Trial:
    """Every sequence is judged by a classifier that has not seen it; the one that is kept learned from all."""
    check_classes(data)
    assert data.y is not None
    classes = np.unique(data.y)
    probabilities = np.zeros((len(data), len(classes)))
    said: dict[str, Any] = {"nearest": data.y.copy(), "commonest": data.y.copy()}
    right: Any = 0.0
    for keep, out in fold_rows(data.y, data.groups, folds, seed):
        train, test = data.select(keep), data.select(out)
        classifier = make().fit(train.x, train.y)
        columns = np.searchsorted(classes, classifier.classes_)
        probabilities[np.ix_(out, columns)] = classifier.predict_proba(test.x)
        for name, own in _yardsticks(train, test).items():
            said[name][out] = own
        shares, accuracies = accuracy_by_share(classifier, test)
        right = right + accuracies * len(out) / len(data)
    classifier = make().fit(data.x, data.y)
    found = _outcome(classifier, data, data, classes, probabilities, said)
    return Trial(replace(found, folds=folds, early=(shares, right)), classifier)


def with_model(classifier: Any, data: SequenceSet) -> Outcome:
    """What a classifier that learned before makes of sequences whose classes are known."""
    check_classes(data)
    if data.size != classifier.n_channels_:
        raise wrong(
            "data", f"sequences of {data.size} numbers a step", f"{classifier.n_channels_}, as the model learned"
        )
    data = _as_classes(data, classifier.classes_)
    found = _outcome(classifier, None, data, classifier.classes_, classifier.predict_proba(data.x), {})
    return replace(found, early=accuracy_by_share(classifier, data))


def _as_texts(own: SequenceSet) -> SequenceSet:
    """Classes that are texts in one file and numbers in the other."""
    return SequenceSet(own.name, own.x, np.asarray(own.y).astype(str), own.groups, own.names, own.channels)


def _as_classes(data: SequenceSet, classes: Any) -> SequenceSet:
    """Labels of the kind that a model knows: "1" for a model of numbers is 1."""
    assert data.y is not None
    if data.y.dtype.kind == classes.dtype.kind:
        return data
    known = {str(own): own for own in classes.tolist()}
    strange = [own for own in map(str, data.y.tolist()) if own not in known]
    if strange:
        raise wrong("label", f"the class {shown(repr(strange[0]), 40)}", f"one of {shown(', '.join(known), 100)}")
    y = np.array([known[str(own)] for own in data.y.tolist()], classes.dtype)
    return SequenceSet(data.name, data.x, y, data.groups, data.names, data.channels)


def _yardsticks(train: SequenceSet, test: SequenceSet) -> dict[str, Any]:
    assert train.y is not None
    return {"nearest": nearest(train.x, train.y, test.x), "commonest": commonest(train.y, len(test))}


def _outcome(
    classifier: Any,
    train: SequenceSet | None,
    test: SequenceSet,
    classes: Any,
    probabilities: Any,
    said: Mapping[str, Any],
) -> Outcome:
    """With an example; `classifier` is the one that is kept."""
    learned = (train or test).x
    scaling = Scaling.of(np.concatenate(learned))
    found = Outcome(
        held_out=test,
        classes=np.asarray(classes),
        probabilities=np.asarray(probabilities),
        learned=0 if train is None else len(train),
        mean=scaling.mean,
        deviation=scaling.spread,
        yardsticks=said,
        curves=_curves(classifier),
    )
    return replace(found, over_time=over_time(classifier, test, found.typical()))


def _curves(classifier: Any) -> dict[str, tuple[Any, Any]]:
    """Name -> (updates, numbers) of what was noted while it learned; of one that was loaded there is nothing."""
    history = getattr(classifier, "history_", None)
    names = ("train_loss", "validation_loss", "validation_accuracy")
    found = {} if history is None else {name: history.column_of(name) for name in names}
    return {name: tuple(zip(*points, strict=True)) for name, points in found.items() if points}  # type: ignore[misc]
