"""Training a language model in a run folder: start, stop at any update, go on exactly.

The text is cut in two (`gated.data.split`); windows of the first part are learned in order,
state carried (truncated backpropagation through time); the second part is the judge.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from gated.errors import ArgumentError, FileFormatError, GatedError, MissingExtraError, shown
from gated.interop.model_file import check_description, numbers_at_most, rebuild
from gated.learning.training.curves import draw_curves
from gated.learning.training.interrupts import delayed_interrupt
from gated.learning.training.loop import Update
from gated.learning.training.run_folder import RunFolder, checkpoint_content
from gated.models.language_fit import training_of
from gated.models.language_model import CharacterLanguageModel, LanguageModel, misfit
from gated.models.language_settings import Corpus, Settings, settings_from

Watcher = Callable[[Update, "LanguageRun", bool], None]
CHECKPOINT_SECONDS = 60.0  # at least so often, besides every evaluation


@dataclass
class Records:
    """Running numbers of a run that its metrics need and a checkpoint keeps."""

    nats: float = 0.0  # since the last line
    characters: int = 0
    seconds: float = 0.0  # of training and evaluation so far, over all sessions
    best: float | None = None  # lowest held-out bits per character so far
    latest: float | None = None  # the last one


class LanguageRun:
    """One run folder with its model and training. Made by `start` or `resume`."""

    def __init__(self, folder: RunFolder, settings: Settings, corpus: Corpus, model: LanguageModel) -> None:
        self.folder, self.settings, self.corpus, self.model = folder, settings, corpus, model
        self.records = Records()
        self.notes: list[str] = []  # lines for the user, on what was not as it should be
        self.per_epoch = _windows(corpus, settings)
        planned = settings.epochs * self.per_epoch
        self.total = planned if settings.steps is None else settings.steps
        self.training = training_of(model.network, corpus.train, settings, self.total)

    @classmethod
    def start(cls, path: str, settings: Settings, cell: Any = None, overwrite: bool = False) -> LanguageRun:
        """A new run.

        Args:
            path: its folder.
            settings: what is asked for.
            cell: the cell called `settings.cell`; None: that of the zoo.
            overwrite: an old run's files are removed before.

        Raises:
            ArgumentError: the corpus or a setting is bad, or the folder not free; nothing is written then.
        """
        corpus = Corpus.of(settings)
        model = _model_class(settings).build(
            corpus.vocabulary,
            _zoo_cell(settings.cell) if cell is None else cell,
            embedding_size=settings.embed,
            hidden_size=settings.hidden,
            num_layers=settings.layers,
            dropout=settings.dropout,
            dtype=settings.dtype,
            seed=settings.seed,
        )
        run = cls(RunFolder(path), settings, corpus, model)
        check_description(model.network.config(), model.network)  # else the first checkpoint would be refused
        checkpoint_content(*run._state())
        run.folder.start(run._config(), overwrite, run.checkpoint)
        return run

    @classmethod
    def resume(cls, path: str, **changes: Any) -> LanguageRun:
        """Go on where the last checkpoint was made.

        Where the disk lost lines of metrics.jsonl, it goes on with those that are left, and `notes` says so.

        Args:
            path: the folder.
            changes: settings to replace, such as do not shape the model.

        Raises:
            ArgumentError: there is no run, its corpus is another one now, or another process is at work in the folder.
            FileFormatError: a file in the folder is damaged.
        """
        folder = RunFolder(path)
        config = folder.read_config()
        settings = settings_from(str(folder.config_file), config.get("settings"), changes)
        corpus = Corpus.of(settings, config)
        if corpus.sha256 != config.get("corpus_sha256"):
            raise ArgumentError(
                f"corpus: got another text than the run in {path!r} learned from, expected the same"
                f" ({shown(settings.corpus or 'the reference of one Python version')})"
            )
        folder.go_on()
        try:
            return cls._from(folder, settings, corpus, changes)
        except BaseException:
            folder.lock.give()
            raise

    @classmethod
    def _from(cls, folder: RunFolder, settings: Settings, corpus: Corpus, changes: dict[str, Any]) -> LanguageRun:
        """The run of the checkpoint in a folder whose lock is held."""
        arrays, values = folder.read_checkpoint()
        numbers = arrays["theta"].size if "theta" in arrays else 0
        network = rebuild(str(folder.checkpoint_file), values.get("network"), numbers_at_most(numbers))
        wrong = misfit(network, corpus.vocabulary)
        if wrong is not None:
            raise FileFormatError(f"{str(folder.checkpoint_file)!r}: {wrong}")
        run = cls(folder, settings, corpus, _model_class(settings)(network, corpus.vocabulary))
        try:
            run.training.load_state(arrays, values)
        except GatedError as error:
            raise FileFormatError(f"{str(folder.checkpoint_file)!r}: {shown(error, 200)}") from None
        for name in changes.keys() & {"steps", "epochs"}:
            if run.total < run.step and (name == "steps" or settings.steps is None):
                came = f"{name}: got {changes[name]}, but the run is at update {run.step} already"
                raise ArgumentError(f"{came}, expected {'more' if name == 'steps' else 'more passes'}")
        run.records = _records_from(values.get("records"))
        missing = folder.cut_metrics()
        folder.read_metrics()  # damage is told now, not after hours
        if missing:
            run.notes.append(
                f"{str(folder.metrics_file)!r} has {missing} bytes less than at the checkpoint: its last lines before "
                f"update {run.step} are lost, and the run goes on"
            )
            run.checkpoint()  # it counts the bytes that there are
        if changes:
            folder.write_config(run._config())
        return run

    @property
    def step(self) -> int:
        """Updates made so far."""
        return self.training.progress.step

    def run(self, minutes: float | None = None, on_update: Watcher = lambda update, run, evaluated: None) -> bool:
        """Train until all updates are made, or the time is over, or Ctrl-C; then leave a checkpoint.

        Nobody else can write the folder meanwhile; at the end its lock is given back.

        Args:
            minutes: the time; None: without end.
            on_update: `on_update(update, run, evaluated)` is called after each update, and after the evaluation that
                may follow it.

        Returns:
            True if all updates are made.

        Raises:
            KeyboardInterrupt: Ctrl-C came; the update under way is finished and the checkpoint written.
            SystemExit: SIGTERM came, with which batch systems end a job; likewise, with the code 143.
        """
        with self.folder.working(), delayed_interrupt() as interrupted:
            self._train(minutes, on_update, interrupted)
            self.checkpoint()
            self.draw()
            if interrupted():
                interrupted.leave()
        return self.step >= self.total

    def _train(self, minutes: float | None, on_update: Watcher, interrupted: Callable[[], bool]) -> None:
        started = checkpointed = time.monotonic()
        offset = self.records.seconds
        for update in self._updates():
            now = time.monotonic()
            self.records.seconds = offset + now - started
            evaluated = self._record(update)
            on_update(update, self, evaluated)
            if evaluated or now - checkpointed > CHECKPOINT_SECONDS:
                self.checkpoint()
                checkpointed = now
            if interrupted() or (minutes is not None and now - started >= 60.0 * minutes):
                break

    def evaluate(self) -> float:
        """Held-out bits per character of the model as it is now, in many streams side by side."""
        streams = min(self.settings.batch, len(self.corpus.held_out) - 1)
        return self.model.bits(self.corpus.held_out, streams) * self.corpus.units_per_character[1]

    def checkpoint(self) -> None:
        """Write the checkpoint; and the model file, as long as no evaluation has chosen one."""
        if self.records.best is None:
            self._save_model()
        self.folder.write_checkpoint(*self._state())

    def _state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arrays and values of a checkpoint."""
        arrays, values = self.training.state()
        return arrays, values | {"records": asdict(self.records), "network": self.model.network.config()}

    def draw(self) -> None:
        """Draw loss.png, if matplotlib is installed."""
        names = {"train": "train_bits_per_character", "held_out": "held_out_bits_per_character"}
        lines = [{k: v for k, v in line.items() if _is_number(v)} for line in self.folder.read_metrics()]
        lines = [line for line in lines if "step" in line]
        title = f"{self.settings.cell}, {self.settings.layers} x {self.settings.hidden}"
        try:
            draw_curves(self.folder.plot_file, lines, **names, unit="bits per character", title=title)
        except MissingExtraError:
            return

    def _updates(self) -> Any:
        """The updates that are left to make."""
        if self.step < self.total:
            for update in self.training:
                yield update
                if update.step >= self.total:
                    return

    def _record(self, update: Update) -> bool:
        """Write the metrics line that is due, if one is; True if the model was evaluated."""
        records = self.records
        records.nats += update.loss * update.predictions
        records.characters += update.predictions
        evaluate = update.step == self.total or update.step % self.settings.evaluate_every == 0
        if not evaluate and update.step % self.settings.log_every:
            return False
        line: dict[str, Any] = {
            "step": update.step,
            "epoch": round(update.step / self.per_epoch, 4),
            "train_bits_per_character": records.nats
            / records.characters
            / math.log(2.0)
            * self.corpus.units_per_character[0],
            "learning_rate": update.rate,
            "gradient_norm": update.norm,
        }
        if evaluate:
            line["held_out_bits_per_character"] = records.latest = self.evaluate()
            if records.best is None or records.latest < records.best:
                records.best = records.latest
                self._save_model()
        units = update.step * self.settings.batch * self.settings.window
        line["characters_per_second"] = round(units / self.corpus.units_per_character[0] / max(records.seconds, 1e-9))
        line["seconds"] = round(records.seconds, 3)
        self.folder.append_metrics(line)
        records.nats, records.characters = 0.0, 0
        return evaluate

    def _save_model(self) -> None:
        self.model.about = {
            "settings": asdict(self.settings),
            "step": self.step,
            "held_out_bits_per_character": self.records.best,
        }
        self.model.save(self.folder.model_file)

    def _config(self) -> dict[str, Any]:
        from gated import __version__

        return {
            "gated": __version__,
            "settings": asdict(self.settings),
            "corpus_sha256": self.corpus.sha256,
            **({} if self.corpus.bytes is None else {"corpus_bytes": self.corpus.bytes}),
            self.settings.units: {
                "train": len(self.corpus.train),
                "held_out": len(self.corpus.held_out),
                "vocabulary": len(self.corpus.vocabulary),
            },
            "parameters": int(self.model.network.theta.size),
            "updates": self.total,
        }


def _windows(corpus: Corpus, settings: Settings) -> int:
    """Updates in one pass."""
    length = (len(corpus.train) - 1) // settings.batch
    if length < 1 or len(corpus.held_out) < 2:
        raise ArgumentError(
            f"corpus: got {len(corpus.train)} {settings.units} to learn from and {len(corpus.held_out)} held out, "
            f"expected at least {settings.batch + 1} and 2"
        )
    return -(-length // settings.window)


def _model_class(settings: Settings) -> type[LanguageModel]:
    return CharacterLanguageModel if settings.units == "characters" else LanguageModel


def _zoo_cell(name: str) -> Any:
    from gated.cells import ZOO

    if name not in ZOO:
        raise ArgumentError(f"cell: got {name!r}, expected one of {', '.join(ZOO)}")
    return ZOO[name]


def _records_from(saved: Any) -> Records:
    names = {field.name: field.default for field in fields(Records)}
    whole = isinstance(saved, dict) and set(saved) == set(names)
    # what is None at first may be None
    if not whole or not all(_is_number(saved[k]) or saved[k] is first is None for k, first in names.items()):
        raise FileFormatError("records: got something damaged in the checkpoint, expected running numbers")
    return Records(**saved)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**53
