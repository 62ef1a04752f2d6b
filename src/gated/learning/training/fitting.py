"""`fit`: a network, a loss, an optimizer and batches, trained to the end, in one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gated.learning.training.callbacks import Callback
from gated.learning.training.loop import Training
from gated.learning.training.progress import ProgressBar
from gated.learning.training.run import VALIDATION, Run, Validate
from gated.learning.training.run_folder import RunFolder


@dataclass
class History:
    """What came of a run.

    Attributes:
        lines: of metrics: "step", "loss", "learning_rate", "gradient_norm", what the judge said, ...
        updates: made in all.
        best, best_update: the best number of the judge, and when it came; None without one.
        ended: why the run ended before its last update; None if it did not.
        notes: on what was not as it should be.
    """

    lines: list[dict[str, Any]]
    updates: int
    best: float | None
    best_update: int | None
    ended: str | None
    notes: list[str] = field(default_factory=list)
    decides: str = VALIDATION

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the curves into a PNG file.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from gated.errors import require_extra
        from gated.learning.training.pictures import draw_run

        require_extra("matplotlib", "plot")
        draw_run(path, self.lines, self.decides)

    @classmethod
    def of(cls, run: Run) -> History:
        """Of a run as it is now."""
        records = run.records
        return cls(
            run.all_lines(),
            run.step,
            records.best,
            records.best_step,
            records.ended,
            list(run.notes),
            run.decides or VALIDATION,
        )


def fit(
    network: Any,
    loss: Any,
    optimizer: Any,
    batches: Callable[[int], Iterable[Any]],
    *,
    updates: int,
    carry_state: bool = False,
    clip: float | None = None,
    seed: int = 0,
    validate: Validate | None = None,
    decides: str | None = None,
    higher: bool = False,
    patience: int | None = None,
    evaluate_every: int = 200,
    log_every: int = 20,
    callbacks: Sequence[Callback] = (),
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    minutes: float | None = None,
    progress: bool = True,
) -> History:
    """Train a network.

    Args:
        network: a `gated.Network` or `gated.WiredNetwork`; its parameters change in place. Where there is a judge, they
            are the best ones in the end.
        loss: from gated.losses.
        optimizer: from gated.learning.
        batches: `batches(epoch)` gives those of one pass, see `Training`.
        updates: so many in all.
        carry_state: whether the batches are windows of one stream, see `Training`.
        clip: bound on the gradient's global norm.
        seed: of the dropout masks.
        validate: judges the network as it is: a function that gives a number, or several by name.
        decides: which of several; None: the first.
        higher: whether more is better.
        patience: end after so many validations in a row that were not the best.
        evaluate_every: updates between validations.
        log_every: updates between lines of metrics.
        callbacks: see `gated.learning.Callback`; `GateWatch`, `GradientWatch` and `TensorBoard` are some.
        folder: where config, metrics, checkpoints and pictures are kept; None: nowhere.
        resume: go on in that folder, exactly where its last checkpoint was made.
        overwrite: remove the run in that folder first.
        minutes: stop after this time at the latest.
        progress: show a bar, if tqdm is installed and the output is a terminal.

    Raises:
        ArgumentError, ArgumentTypeError: something does not fit, or the folder is not free.
        FileFormatError: a file in the folder is damaged.
        GatedError: a loss or gradient is not finite.
        KeyboardInterrupt, SystemExit: Ctrl-C or SIGTERM came; the update under way was finished, and in a folder the
            checkpoint is written.
    """
    training = Training(network, loss, optimizer, batches, carry_state=carry_state, clip=clip, seed=seed)
    run = Run(
        training,
        updates,
        validate=validate,
        decides=decides,
        higher=higher,
        patience=patience,
        evaluate_every=evaluate_every,
        log_every=log_every,
        callbacks=[*([ProgressBar()] if progress and _has_tqdm() else []), *callbacks],
        folder=None if folder is None else RunFolder(folder),
        config={"updates": updates, "network": network.config() if hasattr(network, "config") else None},
    )
    if resume:
        run.go_on()
    else:
        run.begin(overwrite)
    run.run(minutes)
    return History.of(run)


def _has_tqdm() -> bool:
    import importlib.util

    return importlib.util.find_spec("tqdm") is not None
