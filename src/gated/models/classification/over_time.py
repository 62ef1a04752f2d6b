"""What a classifier makes of a sequence step by step: what it would say, and its gates.

Legend: T steps, C classes, H units, K places that are looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.series import SequenceSet
from gated.learning.runs.gate_watch import gates_of
from gated.models.classification.outcome import OverTime

MOST = 150  # K at most
SHARES = np.arange(1, 11) / 10


def over_time(classifier: Any, held_out: SequenceSet, which: int) -> OverTime:
    """Of one sequence: each of its beginnings is shown to the classifier as if it were all of it.

    Args:
        classifier: a fitted `SequenceClassifier` that gives one class for a sequence.
        held_out: sequences of the kind it learned from.
        which: the number of one.
    """
    own = held_out.x[which]
    steps = np.unique(np.linspace(1, len(own), min(len(own), MOST)).round().astype(np.int64))
    probabilities = np.asarray(classifier.predict_proba([own[:k] for k in steps]))
    cell = classifier.network_.layers["rnn"].cell
    return OverTime(which, steps, probabilities, gates_over_time(classifier, own), cell)


def gates_over_time(classifier: Any, sequence: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Gate -> (T, H), in the order of layers and equations; of a cell without gates nothing."""
    inputs, lengths = classifier.inputs([sequence])
    *_, tape = classifier.network_.forward({"x": inputs}, None, {"x": lengths})
    own = tape.layers["rnn"]
    wanted = gates_of(own.layer.cell)
    found = {name: np.asarray(own[name][:, 0]) for name in own.names() if name.rpartition(".")[2] in wanted}
    if len(found) == len(wanted):  # one layer, one direction: the gates' own names do
        return {name.rpartition(".")[2]: values for name, values in found.items()}
    return found


def accuracy_by_share(classifier: Any, held_out: SequenceSet) -> tuple[NDArray[Any], NDArray[Any]]:
    """(K,) shares of the steps, (K,) accuracies when only the first part of each sequence is seen."""
    found = []
    for part in SHARES:
        seen = [own[: max(1, int(np.ceil(part * len(own) - 1e-9)))] for own in held_out.x]
        found.append(float(np.mean(classifier.predict(seen) == held_out.y)))
    return SHARES, np.array(found)
