"""Event files for TensorBoard: every number of the metrics, and the gates as histograms."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gated.errors import MissingExtraError, require_extra
from gated.learning.runs.callbacks import Callback
from gated.learning.training.loop import Update


class TensorBoard(Callback):
    """Writes event files, by tensorboardX (extra `tensorboard`), else by torch's writer where that is installed.

    A run that goes on writes a further file; of updates that were made again after a kill, TensorBoard shows the later
    values. Histograms of the gates are there if a `GateWatch` stands before it in the list of callbacks.

    Args:
        folder: for the event files; not the run's folder, in which nothing but the run's files may lie.

    Raises:
        MissingExtraError: neither of the two is installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = os.fspath(folder)
        self._make = writer_class()
        self._writer: Any = None

    def on_start(self, run: Any) -> None:
        self._writer = self._make(self.folder)

    def on_update(self, run: Any, update: Update) -> None:
        if update.step % run.log_every == 0:
            for name in ("loss", "norm", "rate"):
                self._writer.add_scalar(f"update/{name}", getattr(update, name), update.step)
        for callback in run.callbacks:
            for name, own in getattr(callback, "latest", lambda step: {})(update.step).items():
                self._writer.add_scalar(f"gates/{name}/below", own.low, update.step)
                self._writer.add_scalar(f"gates/{name}/above", own.high, update.step)
                self._writer.add_histogram(f"gates/{name}", own.sample(), update.step)

    def on_evaluation(self, run: Any, line: Mapping[str, Any]) -> None:
        for name, value in line.items():
            if name != "step":
                self._writer.add_scalar(f"metrics/{name}", value, run.step)

    def on_checkpoint(self, run: Any) -> None:
        self._writer.flush()

    def on_end(self, run: Any) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def writer_class() -> Any:
    """SummaryWriter of tensorboardX, else of torch. Raises MissingExtraError if there is neither."""
    try:
        return require_extra("tensorboardX", "tensorboard").SummaryWriter
    except MissingExtraError as missing:
        try:
            return require_extra("torch.utils.tensorboard", "tensorboard").SummaryWriter
        except MissingExtraError:
            raise missing from None
