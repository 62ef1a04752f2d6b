"""Training a translator of dates in a run folder: start, stop at any update, go on exactly."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gated.data import Sequences
from gated.data.dates import DatePair, DateSplit
from gated.learning import Judge
from gated.learning.training.run_folder import RunFolder
from gated.models.date_settings import DateSettings, settings_from
from gated.models.model_run import WATCHED, ModelRun
from gated.models.saved_network import refuse_misfit, saved_network
from gated.models.translator import Letters, Translator, misfit

KINDS = "seen", "years", "combinations"  # of pairs to judge by, see `gated.data.dates.DateSplit`
EXACT = "exact"  # the column that decides: of all kinds together


def scores_of(translator: Translator, split: DateSplit) -> dict[str, float]:
    """The part that is read exactly of each of KINDS."""
    return {kind: translator.exact(*columns(getattr(split, kind))) for kind in KINDS}


class DateRun(ModelRun):
    """One run folder with its translator and training. Made by `start` or `resume`.

    Attributes:
        split: what is learned, and what is judged by in the end.
    """

    settings: DateSettings

    def __init__(
        self, folder: RunFolder, settings: DateSettings, splits: tuple[DateSplit, DateSplit], translator: Translator
    ) -> None:
        self.translator = translator
        self.split, self._way = splits
        texts, dates = columns(self.split.train)
        training = partial(translator.training, texts, dates)
        judge = Judge(self._judged, decides=EXACT, better="higher", patience=settings.patience)
        cell = translator.network.layers["decoder"].cell

        def watched() -> Sequences:
            return translator.batch(texts[:WATCHED], dates[:WATCHED])

        every = settings.evaluate_every
        super().__init__(folder, settings, translator, len(texts), training, judge, cell, watched, every)

    @classmethod
    def start(cls, path: str, settings: DateSettings, cell: Any, overwrite: bool = False) -> DateRun:
        """A new run.

        Args:
            path: its folder.
            settings: what is asked for.
            cell: the cell called `settings.cell`.
            overwrite: an old run's files are removed before.

        Raises:
            ArgumentError: a setting is bad, or the folder not free; nothing is written then.
        """
        folder = RunFolder(path)
        folder.look(overwrite)
        splits = settings.splits()
        texts, dates = columns(splits[0].train)
        translator = Translator.build(
            texts,
            dates,
            cell,
            embedding_size=settings.embed,
            hidden_size=settings.hidden,
            dtype=settings.dtype,
            seed=settings.seed,
        )
        run = cls(folder, settings, splits, translator)
        run.begin_new(overwrite)
        return run

    @classmethod
    def resume(cls, path: str, **changes: Any) -> DateRun:
        """Go on where the last checkpoint was made.

        Args:
            path: the folder.
            changes: settings to replace, such as do not shape model or data.

        Raises:
            ArgumentError: there is no run, or another process is at work in the folder.
            FileFormatError: a file in the folder is damaged.
        """
        folder = RunFolder(path)
        settings = settings_from(str(folder.config_file), folder.read_config().get("settings"), changes)
        network = saved_network(folder)
        splits = settings.splits()
        source, target = map(Letters, columns(splits[0].train))
        refuse_misfit(folder, misfit(network, len(source), len(target)))
        run = cls(folder, settings, splits, Translator(network, source, target))
        run.go_on_with(changes)
        return run

    def _judged(self) -> dict[str, float]:
        found = scores_of(self.translator, self._way)
        return {EXACT: sum(found.values()) / len(found), **{f"{kind}_exact": part for kind, part in found.items()}}

    def facts(self, file: str) -> dict[str, Any]:
        """See `ModelRun`."""
        characters = [len(self.translator.source), len(self.translator.target)]
        return {"characters": characters} if file == "config" else {}


def columns(pairs: Sequence[DatePair]) -> tuple[list[str], list[str]]:
    """What is read, and what it means."""
    return [pair.text for pair in pairs], [pair.iso for pair in pairs]
