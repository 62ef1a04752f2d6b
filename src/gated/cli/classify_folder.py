"""The folder of one classification: the model, what was said of each sequence, the report."""

from __future__ import annotations

import csv
import io
import os
from typing import Any

from numpy.typing import NDArray

from gated.data.series import SequenceSet
from gated.files.atomic import write_atomically
from gated.files.kept_folder import KeptFolder


class ClassificationFolder(KeptFolder):
    """Paths of a classification; see the module."""

    argument, whose, again = "out", "a classification's", "--overwrite to start again"
    names = ("model.safetensors", "predictions.csv", "report.html")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.model_file, self.predictions_file, self.report_file = self._files

    def write_predictions(self, data: SequenceSet, classes: NDArray[Any], probabilities: NDArray[Any]) -> None:
        """Replace predictions.csv: a row for each sequence, in their order."""
        write_atomically(self.predictions_file, predictions_text(data, classes, probabilities).encode())


def predictions_text(data: SequenceSet, classes: NDArray[Any], probabilities: NDArray[Any]) -> str:
    """A table: the sequence's name, its true class if it is known, what is said, the probability of every class.

    Args:
        data: N sequences.
        classes: (C,).
        probabilities: (N, C).
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    true = [] if data.y is None else ["true"]
    writer.writerow(["sequence", *true, "said", "probability", *(f"p({name})" for name in classes)])
    for n, name in enumerate(data.names):
        best = int(probabilities[n].argmax())
        row = [name, *([] if data.y is None else [data.y[n]]), classes[best], f"{probabilities[n, best]:.4f}"]
        writer.writerow([*row, *(f"{part:.4f}" for part in probabilities[n])])
    return stream.getvalue()
