"""What came of a training."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gated.files.atomic import write_atomically
from gated.learning.training.figures import png
from gated.learning.runs.run_pictures import loss_figure, points

if TYPE_CHECKING:
    from gated.learning.runs.run import Run


@dataclass(frozen=True)
class History:
    """The metrics of a run and its best evaluation.

    Attributes:
        metrics: lines of metrics, dicts; those of an evaluation have the numbers of `validate` too.
        steps: updates made.
        best, best_step: the best value of the number that decides, and after which update it was; None without
            validation.
        column: the name of that number.
        ended: "updates" (all are made), "patience", "minutes", or the reason that a callback gave.
        warnings: lines, such as of gates that are saturated.
    """

    metrics: list[dict[str, Any]] = field(repr=False)
    steps: int
    best: float | None
    best_step: int | None
    column: str | None
    ended: str | None
    warnings: list[str]

    @classmethod
    def of(cls, run: Run) -> History:
        """That of a run that has ended."""
        records = run.records
        column = None if run.judge is None else run.judge.column
        return cls(run.lines(), run.step, records.best, records.best_step, column, run.ended, list(run.notes))

    def column_of(self, name: str) -> list[tuple[float, float]]:
        """(update, number) of every line that has a number of this name."""
        return points(self.metrics, name)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw loss and validation against updates into a PNG file.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        write_atomically(path, png(loss_figure(self.metrics, self.column)))
