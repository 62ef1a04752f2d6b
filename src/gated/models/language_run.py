"""Training a language model in a run folder: start, stop at any update, go on exactly.

The text is cut in two (`gated.data.split`); windows of the first part are learned in order,
state carried (truncated backpropagation through time); the second part is the judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from gated.errors import ArgumentError, FileFormatError, MissingExtraError, shown, unlisted
from gated.interop.model_file import check_description, numbers_at_most, rebuild
from gated.learning import Callback, Judge, Run
from gated.learning.runs.records import Records as Records  # it was once here
from gated.learning.training.curves import draw_curves
from gated.learning.training.loop import Update
from gated.learning.training.run_folder import RunFolder
from gated.models.language_fit import training_of
from gated.models.language_model import CharacterLanguageModel, LanguageModel, misfit
from gated.models.language_settings import Corpus, Settings, settings_from

Watcher = Callable[[Update, "LanguageRun", bool], None]
HELD_OUT = "held_out_bits_per_character"  # the column that decides


class Watched(Callback):
    """Calls a function after each update, and after the evaluation that may follow it."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def on_update(self, run: Any, update: Update) -> None:
        self.watcher(update, run, run.evaluated)


class LanguageRun(Run):
    """One run folder with its model and training. Made by `start` or `resume`."""

    def __init__(self, folder: RunFolder, settings: Settings, corpus: Corpus, model: LanguageModel) -> None:
        self.settings, self.corpus, self.model = settings, corpus, model
        per_epoch = _windows(corpus, settings)
        total = settings.epochs * per_epoch if settings.steps is None else settings.steps
        super().__init__(
            training_of(model.network, corpus.train, settings, total),
            total,
            judge=Judge(lambda: {HELD_OUT: self.evaluate()}),
            folder=folder,
            evaluate_every=settings.evaluate_every,
            log_every=settings.log_every,
            per_epoch=per_epoch,
            save_model=self.save_model_to,
            keep_best=False,  # the model file has them
        )

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
        run.begin(run._config(), overwrite)
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
        run.load(arrays, values)
        for name in changes.keys() & {"steps", "epochs"}:
            if run.total < run.step and (name == "steps" or settings.steps is None):
                came = f"{name}: got {changes[name]}, but the run is at update {run.step} already"
                raise ArgumentError(f"{came}, expected {'more' if name == 'steps' else 'more passes'}")
        run.read_lines()
        if changes:
            folder.write_config(run._config())
        return run

    def run(self, minutes: float | None = None, on_update: Watcher = lambda update, run, evaluated: None) -> bool:
        """As `Run.run`.

        Args:
            minutes: the time; None: without end.
            on_update: `on_update(update, run, evaluated)` is called after each update, and after the evaluation that
                may follow it.
        """
        before, self.callbacks = self.callbacks, [*self.callbacks, Watched(on_update)]
        try:
            return super().run(minutes)
        finally:
            self.callbacks = before

    def evaluate(self) -> float:
        """Held-out bits per character of the model as it is now, in many streams side by side."""
        streams = min(self.settings.batch, len(self.corpus.held_out) - 1)
        return self.model.bits(self.corpus.held_out, streams) * self.corpus.units_per_character[1]

    def draw(self) -> None:
        """Draw loss.png, if matplotlib is installed."""
        names = {"train": "train_bits_per_character", "held_out": HELD_OUT}
        lines = [{k: v for k, v in line.items() if _is_number(v)} for line in self.folder.read_metrics()]
        lines = [line for line in lines if "step" in line]
        title = f"{self.settings.cell}, {self.settings.layers} x {self.settings.hidden}"
        try:
            draw_curves(self.folder.plot_file, lines, **names, unit="bits per character", title=title)
        except MissingExtraError:
            return

    def learned(self, update: Update) -> dict[str, Any]:
        return {
            "train_bits_per_character": self.records.mean_loss() / math.log(2.0) * self.corpus.units_per_character[0],
            "learning_rate": update.rate,
            "gradient_norm": update.norm,
        }

    def speed(self, update: Update) -> dict[str, Any]:
        units = update.step * self.settings.batch * self.settings.window
        characters = units / self.corpus.units_per_character[0]
        return {"characters_per_second": round(characters / max(self.records.seconds, 1e-9))}

    def save_model_to(self, path: Any) -> None:
        """Write the model as it is."""
        self.model.about = {
            "settings": asdict(self.settings),
            "step": self.step,
            HELD_OUT: self.records.best,
        }
        self.model.save(path)

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
        raise unlisted("cell", name, ZOO, "the name of a cell of the zoo (`gated cells` lists them)")
    return ZOO[name]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**53
