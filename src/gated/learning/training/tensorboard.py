"""Event files for TensorBoard."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from gated.errors import MissingExtraError
from gated.learning.training.callbacks import Callback
from gated.learning.training.records import is_number
from gated.learning.training.watches import GateWatch

if TYPE_CHECKING:
    from gated.learning.training.run import Run

WRITERS = "tensorboardX", "torch.utils.tensorboard"


class TensorBoard(Callback):
    """Every number of a line of metrics as a scalar, and the gates that a `GateWatch` sees as histograms.

    tensorboardX writes them, or PyTorch's writer if that is what is installed.

    Args:
        folder: of the event files; None: beside the run's folder, `-tensorboard` behind its name, for what lies in the
            folder itself is the run's alone.

    Raises:
        MissingExtraError: neither is installed.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = folder
        self._class = _writer()
        self._writer: Any = None

    def on_start(self, run: Run) -> None:
        where = self.folder
        if where is None:
            where = "tensorboard" if run.folder is None else f"{run.folder.path}-tensorboard"
        self._writer = self._class(os.fspath(where), purge_step=run.step + 1 if run.step else None)

    def on_line(self, run: Run, line: dict[str, Any]) -> None:
        step = int(line["step"])
        for name, value in _flat(line):
            if name != "step":
                self._writer.add_scalar(name, value, step)
        for callback in run.callbacks:
            if isinstance(callback, GateWatch) and "gates" in line:
                for name, counts in callback.histograms.items():
                    edges = [k / len(counts) for k in range(len(counts) + 1)]
                    middles = [(a + b) / 2 for a, b in zip(edges, edges[1:], strict=False)]
                    total = float(sum(counts)) or 1.0
                    self._writer.add_histogram_raw(
                        f"gate/{name}",
                        min=0.0,
                        max=1.0,
                        num=total,
                        sum=float(sum(c * m for c, m in zip(counts, middles, strict=True))),
                        sum_squares=float(sum(c * m * m for c, m in zip(counts, middles, strict=True))),
                        bucket_limits=edges[1:],
                        bucket_counts=[float(count) for count in counts],
                        global_step=step,
                    )

    def on_checkpoint(self, run: Run) -> None:
        if self._writer is not None:
            self._writer.flush()

    def on_end(self, run: Run) -> None:
        self._writer.close()


def _writer() -> Any:
    for module in WRITERS:
        try:
            return importlib.import_module(module).SummaryWriter
        except ImportError:
            continue
    raise MissingExtraError(
        "tensorboardX is needed for this (or torch with tensorboard); install it with: pip install 'gated[tensorboard]'"
    )


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{name}/")
        elif is_number(value):
            found.append((prefix + name, value))
    return found
