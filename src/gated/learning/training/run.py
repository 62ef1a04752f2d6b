"""A training from its first update to its last: lines of metrics, validation, early stopping, callbacks, checkpoints.

Without a folder it lives in memory. In a folder (`RunFolder`) it can be stopped at any update, by Ctrl-C, SIGTERM, an
error or kill -9, and goes on exactly: from the last checkpoint it makes the same updates, to the bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any

import numpy as np

from gated.errors import FileFormatError, GatedError, describe, shown, wrong, wrong_type
from gated.learning.training.callbacks import Callback, load_states, states_of
from gated.learning.training.interrupts import Interrupts, delayed_interrupt
from gated.learning.training.loop import Training, Update
from gated.learning.training.records import Records
from gated.learning.training.run_folder import RunFolder, checkpoint_content
from gated.number_checks import whole_above_zero

Validate = Callable[[], "float | Mapping[str, float]"]
CHECKPOINT_SECONDS = 60.0  # at least so often, besides every validation
VALIDATION = "validation"  # what a single number is called


class Run:
    """See the module. `Run.begin` or `Run.go_on` before `run`, if it has a folder.

    Args:
        training: what makes the updates.
        total: so many updates in all.
        validate: judges the network as it is: a number, or several by name. None: nobody does.
        decides: which of several; None: the first.
        higher: whether more is better.
        patience: the run ends after so many validations in a row that were not the best; None: it does not.
        evaluate_every: updates between validations; there is one at the end too.
        log_every: updates between lines of metrics.
        per_epoch: updates of a pass, for the metrics; None if nobody knows.
        callbacks: see `Callback`, called in this order.
        folder: where everything is kept; None for memory alone.
        config: JSON-able, what config.json says.
        save_model: writes the model that is the best so far (to `folder.model_file`, say).
        keep_best: whether the best parameters are put back at the end of the run; None: if there is a judge and no
            `save_model`.

    Attributes:
        lines: those of metrics that were written in this session, or all of them, in memory.
        records: running numbers, such as `records.best`.
        notes: lines for the user, on what was not as it should be.
    """

    def __init__(
        self,
        training: Training,
        total: int,
        *,
        validate: Validate | None = None,
        decides: str | None = None,
        higher: bool = False,
        patience: int | None = None,
        evaluate_every: int = 200,
        log_every: int = 20,
        per_epoch: int | None = None,
        callbacks: Sequence[Callback] = (),
        folder: RunFolder | None = None,
        config: Mapping[str, Any] | None = None,
        save_model: Callable[[], object] | None = None,
        keep_best: bool | None = None,
    ) -> None:
        if not isinstance(training, Training):
            raise wrong_type("training", describe(training), "a gated.learning.Training")
        for name, value in (("validate", validate), ("save_model", save_model)):
            if value is not None and not callable(value):
                raise wrong_type(name, describe(value), "a function without arguments, or None")
        if patience is not None and validate is None:
            raise wrong("patience", f"{patience!r} without a judge", "validate=, a function that gives a number")
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise wrong_type("callbacks", describe(callback), "gated.learning.Callback alone")
        self.training, self.total = training, whole_above_zero("updates", total)
        self.validate, self.decides, self.higher = validate, decides, higher
        self.patience = None if patience is None else whole_above_zero("patience", patience)
        self.evaluate_every = whole_above_zero("evaluate_every", evaluate_every)
        self.log_every = whole_above_zero("log_every", log_every)
        self.per_epoch, self.callbacks, self.folder = per_epoch, list(callbacks), folder
        self.config, self.save_model = dict(config or {}), save_model
        self.keep_best = validate is not None and save_model is None if keep_best is None else keep_best
        self.records, self.lines, self.notes = Records(), [], []  # type: ignore[var-annotated]
        self._best_theta: np.ndarray | None = None
        self._ending: str | None = None

    # beginnings

    def begin(self, overwrite: bool = False) -> None:
        """Make the folder, with a first checkpoint.

        Raises:
            ArgumentError, ArgumentTypeError: it is not free, or something could not be written; nothing is changed.
        """
        if self.folder is not None:
            checkpoint_content(*self.state())  # else the first one would be refused
            self.folder.start(self.config, overwrite, self.checkpoint)

    def go_on(self) -> None:
        """Go on in the folder of a run that was stopped: with the same network, optimizer and batches as it had.

        Raises:
            ArgumentError: there is no run, or another process is at work in it.
            FileFormatError: a file in it is damaged or does not fit. The network is as it was.
        """
        if self.folder is None:
            raise wrong("folder", "None", "that of a run")
        self.folder.read_config()
        self.folder.go_on()
        try:
            arrays, values = self.folder.read_checkpoint()
            self.load_state(arrays, values)
            if self.total < self.step:
                raise wrong("updates", f"{self.total}, but the run is at update {self.step} already", "more")
            self.take_up()
        except BaseException:
            self.folder.lock.give()
            raise

    def take_up(self) -> None:
        """Cut the lines of metrics that were written behind the checkpoint; what the disk has lost is noted."""
        assert self.folder is not None
        missing = self.folder.cut_metrics()
        self.folder.read_metrics()  # damage is told now, not after hours
        if missing:
            self.notes.append(
                f"{str(self.folder.metrics_file)!r} has {missing} bytes less than at the checkpoint: its last lines "
                f"before update {self.step} are lost, and the run goes on"
            )
            self.checkpoint()  # it counts the bytes that there are

    # the run

    @property
    def step(self) -> int:
        """Updates made so far."""
        return self.training.progress.step

    @property
    def done(self) -> bool:
        """Whether all updates are made, or it has ended before them for good."""
        return self.step >= self.total or self.records.ended is not None

    def stop(self, why: str) -> None:
        """End the run after the update under way: for callbacks."""
        self._ending = why

    def run(
        self, minutes: float | None = None, on_update: Callable[[Update, Any, bool], object] = lambda *_: None
    ) -> bool:
        """Train until all updates are made, somebody ends it, the time is over, or Ctrl-C; then leave a checkpoint.

        Nobody else can write the folder meanwhile; at the end its lock is given back.

        Args:
            minutes: the time; None: without end.
            on_update: `on_update(update, run, evaluated)` is called after each update, and after the validation that
                may follow it.

        Returns:
            True if it is done.

        Raises:
            KeyboardInterrupt: Ctrl-C came; the update under way is finished and the checkpoint written.
            SystemExit: SIGTERM came, with which batch systems end a job; likewise, with the code 143.
        """
        with self._working(), delayed_interrupt() as interrupted:
            try:
                self._tell("on_start")
                self._train(minutes, on_update, interrupted)
            except Exception:
                self._rescue()
                raise
            self.checkpoint()
            self.draw()
            if self.done and self.keep_best and self._best_theta is not None:
                self.training.network.theta[:] = self._best_theta
            self._tell("on_end")
            if interrupted():
                interrupted.leave()
        return self.done

    def _working(self) -> Any:
        return nullcontext() if self.folder is None else self.folder.working()

    def _train(
        self, minutes: float | None, on_update: Callable[[Update, Any, bool], object], interrupted: Interrupts
    ) -> None:
        started = checkpointed = time.monotonic()
        offset = self.records.seconds
        for update in self._updates():
            now = time.monotonic()
            self.records.seconds = offset + now - started
            for callback in self.callbacks:
                callback.on_update(self, update)
            evaluated = self._record(update)
            on_update(update, self, evaluated)
            if self._ending is not None:
                self.records.ended, self._ending = self._ending, None
            if evaluated or now - checkpointed > CHECKPOINT_SECONDS:
                self.checkpoint()
                checkpointed = now
            if self.done or interrupted() or (minutes is not None and now - started >= 60.0 * minutes):
                break

    def _updates(self) -> Iterator[Update]:
        """The updates that are left to make."""
        if not self.done:
            for update in self.training:
                yield update
                if update.step >= self.total:
                    return

    def _rescue(self) -> None:
        """After an error: what has been reached is written, if that is possible."""
        if self.folder is not None:
            with suppress(GatedError, OSError):  # the error that is under way says more
                self.checkpoint()

    # metrics

    def weight_of(self, update: Update) -> float:
        """How much an update's loss counts in the mean of a line: predictions, or 1 for a loss that is a sum."""
        return float(update.predictions) if getattr(self.training.loss, "reduction", "") == "mean" else 1.0

    def _record(self, update: Update) -> bool:
        """Write the line of metrics that is due, if one is; True if the network was judged."""
        records, weight = self.records, self.weight_of(update)
        records.total += update.loss * weight
        records.weight += weight
        last = update.step == self.total or self._ending is not None
        evaluate = self.validate is not None and (last or update.step % self.evaluate_every == 0)
        if not evaluate and not last and update.step % self.log_every:
            return False
        line = self.line_of(update)
        values = self._judge() if evaluate else {}
        line |= values
        line |= self.speed_of(update)
        for callback in self.callbacks:
            callback.on_line(self, line)
        self._write(line)
        records.clear()
        if evaluate:
            best = records.best_step == self.step
            for callback in self.callbacks:
                callback.on_evaluation(self, values, best)
        return evaluate

    def line_of(self, update: Update) -> dict[str, Any]:
        """What a line of metrics says of the training."""
        line: dict[str, Any] = {"step": update.step}
        if self.per_epoch:
            line["epoch"] = round(update.step / self.per_epoch, 4)
        return line | {"loss": self.records.loss(), "learning_rate": update.rate, "gradient_norm": update.norm}

    def speed_of(self, update: Update) -> dict[str, Any]:
        """What a line of metrics says at its end."""
        seconds = self.records.seconds
        return {"updates_per_second": round(update.step / max(seconds, 1e-9), 2), "seconds": round(seconds, 3)}

    def judged(self) -> dict[str, float]:
        """The numbers of the judge, the one that decides first."""
        assert self.validate is not None
        found = self.validate()
        values = dict(found) if isinstance(found, Mapping) else {VALIDATION: found}
        decides = self.decides or next(iter(values), "")
        if decides not in values or not all(isinstance(v, (int, float, np.number)) for v in values.values()):
            raise wrong("validate", shown(repr(found), 60), f"a number, or numbers by name with {decides!r} among them")
        return {name: float(values[name]) for name in [decides, *(n for n in values if n != decides)]}

    def _judge(self) -> dict[str, float]:
        values, records = self.judged(), self.records
        records.latest = latest = next(iter(values.values()))
        better = records.best is None or (latest > records.best if self.higher else latest < records.best)
        if better and math.isfinite(latest):
            records.best, records.best_step, records.waited = latest, self.step, 0
            if self.keep_best:
                self._best_theta = self.training.network.theta.copy()
            if self.save_model is not None:
                self.save_model()
        else:
            records.waited += 1
            if self.patience is not None and records.waited >= self.patience:
                self.stop(
                    f"{records.waited} validations in a row were not better than that of update {records.best_step}"
                )
        return values

    def _write(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        if self.folder is not None:
            self.folder.append_metrics(line)

    def all_lines(self) -> list[dict[str, Any]]:
        """All lines of metrics, of sessions before too."""
        return self.lines if self.folder is None else self.folder.read_metrics()

    def draw(self) -> None:
        """Draw what there is to see, if matplotlib is installed: loss.png, in the folder."""
        if self.folder is not None:
            from gated.learning.training.pictures import draw_run

            draw_run(self.folder.plot_file, self.all_lines(), self.decides or VALIDATION)

    def _tell(self, what: str) -> None:
        for callback in self.callbacks:
            getattr(callback, what)(self)

    # checkpoints

    def checkpoint(self) -> None:
        """Write the checkpoint; and the model, as long as no validation has chosen one."""
        if self.folder is None:
            return
        if self.records.best is None and self.save_model is not None:
            self.save_model()
        self.folder.write_checkpoint(*self.state())
        self._tell("on_checkpoint")

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arrays and values of a checkpoint."""
        arrays, values = self.training.state()
        if self._best_theta is not None:
            arrays["best"] = self._best_theta
        values = values | {"records": self.records.to_json()}
        if self.callbacks:
            values["callbacks"] = states_of(self.callbacks)
        return arrays, values

    def load_state(self, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> None:
        """Go on from `state`.

        Raises:
            FileFormatError: something is missing or does not fit; nothing is changed then, but callbacks may be.
        """
        records = Records.from_json(values.get("records"))
        best = arrays.get("best")
        theta = self.training.network.theta
        if best is not None and (best.shape != theta.shape or best.dtype != theta.dtype):
            raise FileFormatError(f"best: got {describe(best)}, expected {describe(theta)}")
        if self.callbacks and "callbacks" in values:
            load_states(self.callbacks, values["callbacks"])
        self.training.load_state({name: array for name, array in arrays.items() if name != "best"}, values)
        self.records, self._best_theta = records, best
