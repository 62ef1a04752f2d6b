"""Training a captioner on drawn scenes in a run folder: start, stop at any update, go on exactly."""

from __future__ import annotations

from typing import Any, NamedTuple

from gated.data.scenes import Score, score_captions
from gated.learning import Judge
from gated.learning.training.run_folder import RunFolder
from gated.models.captioner.batches import Pairs
from gated.models.captioner.caption_run import CaptionRun
from gated.models.captioner.captioner import Captioner, vocabulary_of
from gated.models.captioner.eye import Eye, Filters
from gated.models.captioner.network import misfit
from gated.models.captioner.scene_settings import SceneData, SceneSettings, settings_from
from gated.models.model_settings import Tell, quiet
from gated.models.saved_network import refuse_misfit, saved_network

RIGHT = "captions_wholly_right"


class Scores(NamedTuple):
    """Of the captions of held-out pictures: of pairs of colour and shape that were seen, and of others."""

    seen: Score
    unseen: Score


def scores_of(captioner: Captioner, data: SceneData, lang: str, beams: int = 1) -> Scores:
    """Of a captioner, over held-out pictures."""
    kinds = data.seen, data.unseen
    return Scores(*(score_captions(captioner.predict(own.pictures, beams), own.scenes, lang) for own in kinds))


class SceneRun(CaptionRun):
    """One run folder with its captioner and training. Made by `start` or `resume`."""

    settings: SceneSettings

    def __init__(
        self, folder: RunFolder, settings: SceneSettings, data: SceneData, captioner: Captioner, tell: Tell
    ) -> None:
        self.data = data
        features = captioner.eye.features(data.train.pictures, lambda done, total: tell("looking", done, total))
        pairs = Pairs(len(features), data.captions, captioner.vocabulary)
        judge = Judge(self._judged, decides=RIGHT, better="higher", patience=settings.patience)
        super().__init__(folder, settings, captioner, features, pairs, judge, settings.evaluate_every)
        self._judges = captioner.eye.features(data.judge.pictures)

    @classmethod
    def start(
        cls,
        path: str,
        settings: SceneSettings,
        cell: Any,
        overwrite: bool = False,
        tell: Tell = quiet,
    ) -> SceneRun:
        """A new run.

        Args:
            path: its folder.
            settings: what is asked for.
            cell: the cell called `settings.cell`.
            overwrite: an old run's files are removed before.
            tell: called with what is being made, how many are there, and of how many.

        Raises:
            ArgumentError: a setting is bad, or the folder not free; nothing is written then.
        """
        folder = RunFolder(path)
        folder.look(overwrite)  # before minutes are spent
        data = SceneData.of(settings, tell)
        captioner = Captioner.build(
            data.captions,
            cell,
            embedding_size=settings.embed,
            hidden_size=settings.hidden,
            num_layers=settings.layers,
            read=settings.read,
            show=settings.show,
            dropout=settings.dropout,
            dtype=settings.dtype,
            seed=settings.seed,
        )
        run = cls(folder, settings, data, captioner, tell)
        run.begin_new(overwrite)
        return run

    @classmethod
    def resume(cls, path: str, tell: Tell = quiet, **changes: Any) -> SceneRun:
        """Go on where the last checkpoint was made.

        Args:
            path: the folder.
            tell: as for `start`.
            changes: settings to replace, such as do not shape model or data.

        Raises:
            ArgumentError: there is no run, or another process is at work in the folder.
            FileFormatError: a file in the folder is damaged.
        """
        folder = RunFolder(path)
        settings = settings_from(str(folder.config_file), folder.read_config().get("settings"), changes)
        network = saved_network(folder)
        data = SceneData.of(settings, tell)
        vocabulary = vocabulary_of(data.captions)
        refuse_misfit(folder, misfit(network, len(vocabulary)))
        run = cls(folder, settings, data, Captioner(network, vocabulary, Eye(Filters().shape, Filters())), tell)
        run.go_on_with(changes)
        return run

    def _judged(self) -> dict[str, float]:
        captions = self.captioner.predict(self._judges)
        score = score_captions(captions, self.data.judge.scenes, self.settings.lang)
        return {RIGHT: score.right, "captions_true": score.true}

    def scores(self, beams: int = 1) -> Scores:
        """Of the best captioner so far, over the held-out pictures."""
        return scores_of(self.best(), self.data, self.settings.lang, beams)

    def facts(self, file: str) -> dict[str, Any]:
        """See `ModelRun`."""
        own = {"unseen_pairs": [list(pair) for pair in self.data.unseen_pairs]} if file == "config" else {}
        return super().facts(file) | own
