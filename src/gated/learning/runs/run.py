"""A run: a training with an end, judged on the way, that can be stopped at any update and goes on to the bit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gated.errors import ArgumentError, FileFormatError, GatedError, MissingExtraError, describe, shown, wrong_type
from gated.learning.runs.callbacks import Callback, checked_callbacks
from gated.learning.training.interrupts import delayed_interrupt
from gated.learning.runs.judge import Judge
from gated.learning.training.loop import Training, Update
from gated.learning.runs.no_folder import NoFolder
from gated.learning.runs.records import Records
from gated.learning.training.run_folder import RunFolder, checkpoint_content
from gated.learning.runs.run_pictures import draw_run
from gated.learning.runs.run_state import check_network, load_state, state_of
from gated.number_checks import above_zero, whole_above_zero

CHECKPOINT_SECONDS = 60.0  # at least so often, besides every evaluation


class Run:
    """`begin` or `go_on`, if it has a folder; then `run`.

    Args:
        training: it is iterated; its network changes.
        updates: how many in all.
        judge: the validation and what follows from it, see `Judge`; None: there is none.
        folder: path of the run's folder, see `gated.learning.training.run_folder`; None: nothing is written.
        callbacks: objects of `gated.learning.Callback`.
        evaluate_every: updates between evaluations; there is one at the end too.
        log_every: updates between lines of metrics.
        checkpoint_seconds: a checkpoint is made at least so often, besides after every evaluation.
        per_epoch: updates of one pass, for the column `epoch` of the metrics; None: passes are counted whole.
        save_model: `save_model(path)` writes the network as it is, as `gated.interop.model_file.save_model` does: into
            the folder's model.safetensors, whenever an evaluation was the best so far.
        keep_best: a copy of the best weights is kept, in the checkpoint too, for `restore_best`.

    Attributes:
        records: running numbers, see `Records`.
        notes: lines for the user, on what was not as it should be.
        evaluated: whether there was an evaluation after the last update.
        best_weights: a copy of them, (P,); None before the first evaluation.
        ended: why the last session did: "updates" (all are made), "patience", "minutes", "interrupt", "error", or the
            reason that a callback gave to `stop`; None while it runs.

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used.
    """

    def __init__(
        self,
        training: Training,
        updates: int,
        *,
        judge: Judge | None = None,
        folder: str | os.PathLike[str] | RunFolder | None = None,
        callbacks: Iterable[Callback] = (),
        evaluate_every: int = 200,
        log_every: int = 20,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        per_epoch: int | None = None,
        save_model: Callable[[Any], Any] | None = None,
        keep_best: bool = True,
    ) -> None:
        if not isinstance(training, Training):
            raise wrong_type("training", describe(training), "a gated.learning.Training")
        if save_model is not None and not callable(save_model):
            raise wrong_type("save_model", describe(save_model), "a function of a path, or None")
        if judge is not None and not isinstance(judge, Judge):
            raise wrong_type("judge", describe(judge), "a Judge(validate, ...), or None")
        self.training, self.judge, self.total = training, judge, whole_above_zero("updates", updates)
        self.callbacks = checked_callbacks(callbacks)
        self.evaluate_every = whole_above_zero("evaluate_every", evaluate_every)
        self.log_every = whole_above_zero("log_every", log_every)
        self.checkpoint_seconds = above_zero("checkpoint_seconds", checkpoint_seconds)
        self.per_epoch = None if per_epoch is None else whole_above_zero("per_epoch", per_epoch)
        self.save_model, self.keep_best = save_model, keep_best
        self.folder: Any = NoFolder()
        if folder is not None:
            self.folder = folder if isinstance(folder, RunFolder) else RunFolder(folder)
        self.records = Records()
        self.notes: list[str] = []
        self.evaluated = False
        self.ended: str | None = None
        self.best_weights: Any = None
        self._asked: str | None = None
        self._line_began = 0.0

    @property
    def network(self) -> Any:
        """That of the training."""
        return self.training.network

    @property
    def step(self) -> int:
        """Updates made so far."""
        return self.training.progress.step

    @property
    def impatient(self) -> bool:
        """Whether the validation has been no better for `patience` evaluations."""
        patience = None if self.judge is None else self.judge.patience
        return patience is not None and self.records.waited >= patience

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do: all updates are made, or it was ended early for want of progress."""
        return self.step >= self.total or self.impatient

    # the folder

    def begin(self, config: Mapping[str, Any], overwrite: bool = False) -> None:
        """Make the folder, with the first checkpoint in it.

        Args:
            config: what config.json is to hold; JSON-able.
            overwrite: an old run's files are removed before.

        Raises:
            ArgumentError: there is something in the folder already, or it cannot be written. Nothing is, then.
        """
        checkpoint_content(*state_of(self))
        self.folder.start(config, overwrite, self.checkpoint)

    def go_on(self) -> None:
        """Go on where the folder's last checkpoint was made.

        Where the disk lost lines of metrics.jsonl, it goes on with those that are left, and `notes` says so.

        Raises:
            ArgumentError: there is no run, it has more updates behind it than it is to make, or another process is at
                work in the folder.
            FileFormatError: a file in the folder is damaged, or is of another network or optimizer.
        """
        self.folder.read_config()
        self.folder.go_on()
        try:
            arrays, values = self.folder.read_checkpoint()
            check_network(self, values)
            self.load(arrays, values)
            if self.total < self.step:
                raise ArgumentError(
                    f"updates: got {self.total}, but the run is at update {self.step} already, expected more"
                )
            self.read_lines()
        except BaseException:
            self.folder.lock.give()
            raise

    def load(self, arrays: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Take over the state of a checkpoint. Raises FileFormatError if it does not fit."""
        try:
            load_state(self, arrays, values)
        except GatedError as error:
            raise FileFormatError(f"{str(self.folder.checkpoint_file)!r}: {shown(error, 200)}") from None

    def read_lines(self) -> None:
        """Cut the metrics to what the checkpoint counts. Damage is told now, not after hours."""
        missing = self.folder.cut_metrics()
        self.folder.read_metrics()
        if missing:
            self.notes.append(
                f"{str(self.folder.metrics_file)!r} has {missing} bytes less than at the checkpoint: its last lines "
                f"before update {self.step} are lost, and the run goes on"
            )
            self.checkpoint()  # it counts the bytes that there are

    def checkpoint(self) -> None:
        """Write the checkpoint; and the model file, as long as no evaluation has chosen one."""
        if self.records.best is None:
            self._save_model()
        self.folder.write_checkpoint(*state_of(self))

    def _save_model(self) -> None:
        if self.save_model is not None and self.folder.path is not None:
            self.save_model(self.folder.model_file)

    # what callbacks ask for

    def stop(self, reason: str = "a callback") -> None:
        """End the session after this update, with a checkpoint; `ended` is the reason then."""
        self._asked = str(reason)

    def log(self, numbers: Mapping[str, Any]) -> None:
        """One more line of metrics, with the number of the update in front."""
        self.folder.append_metrics({"step": self.step, **numbers})

    def warn(self, text: str) -> None:
        """A line for the user: in `notes`, in the metrics, and every callback hears of it."""
        self.notes.append(text)
        self.log({"warning": text})
        self._tell("on_warning", text)

    def lines(self) -> list[dict[str, Any]]:
        """All lines of metrics so far."""
        return list(self.folder.read_metrics())

    # training

    def run(self, minutes: float | None = None) -> bool:
        """Train until all updates are made, or patience or the time is over, or Ctrl-C; then leave a checkpoint.

        Nobody else can write the folder meanwhile; at the end its lock is given back.

        Args:
            minutes: the time; None: without end.

        Returns:
            True if it is finished: all updates are made, or patience is over.

        Raises:
            KeyboardInterrupt: Ctrl-C came; the update under way is finished and the checkpoint written.
            SystemExit: SIGTERM came, with which batch systems end a job; likewise, with the code 143.
        """
        if minutes is not None:
            above_zero("minutes", minutes)
        with self.folder.working(), delayed_interrupt() as interrupted:
            self.ended, self._asked, self._line_began = None, None, self.records.seconds
            try:
                self._tell("on_start")
                self._train(minutes, interrupted)
                self.checkpoint()
                self._tell("on_checkpoint")
                self.draw()
            finally:
                self.ended = self.ended or "error"
                self._tell("on_end")
            if interrupted():
                interrupted.leave()
        return self.finished

    def _train(self, minutes: float | None, interrupted: Callable[[], bool]) -> None:
        started = checkpointed = time.monotonic()
        offset, reason = self.records.seconds, None
        for update in self._updates():
            self.records.seconds = offset + time.monotonic() - started
            line = self._record(update)
            self._tell("on_update", update)
            if line is not None:
                self._tell("on_evaluation", line)
            now = time.monotonic()
            self.records.seconds = offset + now - started
            if not self.records.updates:  # a line was written: the next one's speed is without the evaluation
                self._line_began = self.records.seconds
            if self.evaluated or now - checkpointed > self.checkpoint_seconds:
                self.checkpoint()
                self._tell("on_checkpoint")
                checkpointed = now
            reason = self._asked
            if interrupted():
                reason = "interrupt"
            elif minutes is not None and now - started >= 60.0 * minutes:
                reason = reason or "minutes"
            if reason is not None:
                break
        done = "updates" if self.step >= self.total else "patience" if self.impatient else None
        self.ended = "interrupt" if reason == "interrupt" else done or reason

    def _updates(self) -> Iterator[Update]:
        """The updates that are left to make."""
        updates = iter(self.training)
        while not self.finished:
            yield next(updates)

    def _tell(self, method: str, *given: Any) -> None:
        """Call every callback. An error of one leaves a checkpoint: the update before it is whole."""
        try:
            for callback in self.callbacks:
                getattr(callback, method)(self, *given)
        except Exception:
            if method not in ("on_checkpoint", "on_end"):
                self.checkpoint()
            raise

    def _record(self, update: Update) -> dict[str, Any] | None:
        """Write the metrics line that is due, if one is; the line if the model was evaluated."""
        records = self.records
        records.add(update.loss, update.predictions, update.norm, self.training.clip)
        due = update.step == self.total or update.step % self.evaluate_every == 0
        self.evaluated = due and self.judge is not None
        if not due and update.step % self.log_every:
            return None
        line = {"step": update.step, "epoch": self._epoch(update), **self.learned(update)}
        if self.evaluated:
            line |= self._evaluate(line)
        line |= self.speed(update)
        line["seconds"] = round(records.seconds, 3)
        self.folder.append_metrics(line)
        records.begin_line()
        return line if self.evaluated else None

    def _epoch(self, update: Update) -> float:
        return update.epoch if self.per_epoch is None else round(update.step / self.per_epoch, 4)

    def _evaluate(self, line: Mapping[str, Any]) -> dict[str, float]:
        assert self.judge is not None
        values, value = self.judge(line)
        records = self.records
        records.latest, records.waited = value, records.waited + 1
        if self.judge.is_better(value, records.best):
            records.best, records.best_step, records.waited = value, self.step, 0
            if self.keep_best:
                self.best_weights = self.network.theta.copy()
            self._save_model()
        return values

    def learned(self, update: Update) -> dict[str, Any]:
        """The columns of a line on what was learned since the last one."""
        records = self.records
        line = {
            "train_loss": records.mean_loss(),
            "learning_rate": update.rate,
            "gradient_norm": update.norm,
            "gradient_norm_max": records.norm_max,
        }
        if self.training.clip is not None:
            line["clipped"] = round(records.clipped / max(records.updates, 1), 4)
        return line

    def speed(self, update: Update) -> dict[str, Any]:
        """The column on how fast it was since the last line: predictions are places that count in the loss."""
        seconds = max(self.records.seconds - self._line_began, 1e-9)
        return {"predictions_per_second": round(self.records.predictions / seconds)}

    # afterwards

    def restore_best(self) -> bool:
        """Give the network the best weights so far; False if there was no evaluation, or they were not kept.

        The training goes on from its last ones nevertheless if another `Run` reads the checkpoint.
        """
        if self.best_weights is None:
            return False
        self.network.theta[:] = self.best_weights
        return True

    def draw(self) -> None:
        """Draw the pictures of the folder, if matplotlib is installed."""
        if self.folder.path is None:
            return
        try:
            draw_run(self.folder, self.lines(), None if self.judge is None else self.judge.column)
        except MissingExtraError:
            return
