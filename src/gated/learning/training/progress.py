"""A run as it is seen on a terminal: a bar with losses, speed and the time that is left; a line for each validation."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gated.errors import require_extra
from gated.learning.training.callbacks import Callback

if TYPE_CHECKING:
    from gated.learning.training.loop import Update
    from gated.learning.training.run import Run


class ProgressBar(Callback):
    """A bar (tqdm) on a terminal; where the output is a file, the lines alone. Notes of the run are shown as they come.

    Args:
        unit: of the loss, such as "nats per caption".

    Raises:
        MissingExtraError: at the start of a run, if tqdm is not installed.
    """

    def __init__(self, unit: str = "") -> None:
        self.unit = unit
        self._bar: Any = None
        self._noted = 0

    def on_start(self, run: Run) -> None:
        tqdm = require_extra("tqdm", "cli").tqdm
        self._bar = tqdm(
            total=run.total, initial=run.step, unit="update", disable=None, dynamic_ncols=True, leave=False
        )

    def on_update(self, run: Run, update: Update) -> None:
        self._bar.update(update.step - self._bar.n if not self._bar.disable else 0)
        if update.step % 10 == 0:
            self._bar.set_postfix_str(f"loss {update.loss:.4g} {self.unit}".rstrip())
        self._notes(run)

    def on_evaluation(self, run: Run, values: Mapping[str, float], best: bool) -> None:
        epoch = f"pass {run.step / run.per_epoch:6.2f}   " if run.per_epoch else ""
        told = "   ".join(f"{name} {value:.4g}" for name, value in values.items())
        mark = "   (best)" if best else ""
        self._write(f"{epoch}update {run.step:6d}   {told}   {run.records.seconds:7.1f} s{mark}")

    def on_end(self, run: Run) -> None:
        self._notes(run)
        self._bar.close()
        if run.records.ended:
            self._write(f"ended at update {run.step}: {run.records.ended}")

    def _notes(self, run: Run) -> None:
        for note in run.notes[self._noted :]:
            self._write(f"note: {note}")
        self._noted = len(run.notes)

    def _write(self, text: str) -> None:
        self._bar.write(text)
        sys.stdout.flush()
