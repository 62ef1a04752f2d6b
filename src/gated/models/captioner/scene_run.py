"""Training a captioner on drawn scenes in a run folder: start, stop at any update, go on exactly."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

from gated.data.scenes import Score, score_captions
from gated.errors import FileFormatError
from gated.interop.model_file import check_description, numbers_at_most, rebuild
from gated.learning import Callback, GateWatch, GradientWatch, Judge, Run
from gated.learning.runs.gate_watch import gates_of
from gated.learning.training.run_folder import RunFolder
from gated.models.captioner.batches import Pairs
from gated.models.captioner.captioner import Captioner
from gated.models.captioner.eye import Eye, Filters
from gated.models.captioner.network import misfit
from gated.models.captioner.scene_settings import SceneData, SceneSettings, Tell, settings_from

RIGHT = "captions_wholly_right"


class Scores(NamedTuple):
    """Of the captions of held-out pictures: of pairs of colour and shape that were seen, and of others."""

    seen: Score
    unseen: Score


def scores_of(captioner: Captioner, data: SceneData, lang: str, beams: int = 1) -> Scores:
    """Of a captioner, over held-out pictures."""
    kinds = data.seen, data.unseen
    return Scores(*(score_captions(captioner.predict(own.pictures, beams), own.scenes, lang) for own in kinds))


class SceneRun(Run):
    """One run folder with its captioner and training. Made by `start` or `resume`."""

    folder: RunFolder
    per_epoch: int

    def __init__(
        self, folder: RunFolder, settings: SceneSettings, data: SceneData, captioner: Captioner, tell: Tell
    ) -> None:
        self.settings, self.data, self.captioner = settings, data, captioner
        features = captioner.eye.features(data.train.pictures, lambda done, total: tell("looking", done, total))
        pairs = Pairs(len(features), data.captions, captioner.vocabulary)
        options = {name: getattr(settings, name) for name in ("batch", "optimizer", "lr", "warmup", "clip", "seed")}
        training = captioner.training(features, pairs, total=settings.updates, **options)
        watched = pairs.batch(pairs.pictures[:64], lambda which: captioner._shown(features[which]))
        callbacks: list[Callback] = [GradientWatch()]
        if gates_of(captioner.network.layers["rnn"].cell):
            callbacks.insert(0, GateWatch(watched, every=settings.evaluate_every))
        super().__init__(
            training,
            settings.updates,
            judge=Judge(self._judged, decides=RIGHT, better="higher", patience=settings.patience),
            evaluate_every=settings.evaluate_every,
            log_every=settings.log_every,
            per_epoch=settings.per_pass,
            callbacks=callbacks,
            folder=folder,
            save_model=self.save_model_to,
            keep_best=False,  # the model file has them
        )
        self._judges = captioner.eye.features(data.judge.pictures)

    @classmethod
    def start(
        cls,
        path: str,
        settings: SceneSettings,
        cell: Any,
        overwrite: bool = False,
        tell: Tell = lambda what, done, total: None,
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
        check_description(captioner.network.config(), captioner.network)
        run = cls(folder, settings, data, captioner, tell)
        run.begin(run._config(), overwrite)
        return run

    @classmethod
    def resume(cls, path: str, tell: Tell = lambda what, done, total: None, **changes: Any) -> SceneRun:
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
        arrays, values = folder.read_checkpoint()
        where = str(folder.checkpoint_file)
        network = rebuild(
            where, values.get("network"), numbers_at_most(arrays["theta"].size if "theta" in arrays else 0)
        )
        data = SceneData.of(settings, tell)
        plain = Captioner.build(data.captions, hidden_size=1, embedding_size=1, read=1)  # for the words
        wrong = misfit(network, len(plain.vocabulary))
        if wrong is not None:
            raise FileFormatError(f"{where!r}: {wrong}")
        captioner = Captioner(network, plain.vocabulary, Eye(Filters().shape, Filters()))
        run = cls(folder, settings, data, captioner, tell)
        run.go_on()
        if changes:
            folder.write_config(run._config())
        return run

    def _judged(self) -> dict[str, float]:
        captions = self.captioner.predict(self._judges)
        score = score_captions(captions, self.data.judge.scenes, self.settings.lang)
        return {RIGHT: score.right, "captions_true": score.true}

    def scores(self, beams: int = 1) -> Scores:
        """Of the best captioner so far, over the held-out pictures."""
        return scores_of(Captioner.load(self.folder.model_file), self.data, self.settings.lang, beams)

    def save_model_to(self, path: Any) -> None:
        """Write the captioner as it is."""
        self.captioner.about = {"settings": asdict(self.settings), "step": self.step, RIGHT: self.records.best}
        self.captioner.save(path)

    def _config(self) -> dict[str, Any]:
        from gated import __version__

        return {
            "gated": __version__,
            "settings": asdict(self.settings),
            "words": len(self.captioner.vocabulary),
            "unseen_pairs": [list(pair) for pair in self.data.unseen_pairs],
            "parameters": int(self.captioner.network.theta.size),
            "updates": self.total,
        }
