"""Training a captioner on the user's own pictures in a run folder: start, stop at any update, go on exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gated.data.scores import CaptionScores, caption_scores
from gated.errors import ArgumentError, require_extra, shown
from gated.learning import Judge
from gated.learning.training.run_folder import RunFolder
from gated.models.captioner.caption_data import CaptionData, caption_data
from gated.models.captioner.caption_run import CaptionRun
from gated.models.captioner.captioner import Captioner
from gated.models.captioner.data_settings import DataSettings, settings_from
from gated.models.captioner.eye import Eye, Filters
from gated.models.captioner.neighbours import nearest
from gated.models.captioner.network import feature_shape, misfit
from gated.models.model_settings import Tell, quiet
from gated.models.saved_network import refuse_misfit, saved_network

NATS = "nats_per_word"  # the column that decides


class Written(NamedTuple):
    """Captions of held-out pictures.

    Attributes:
        captions: N texts.
        scores: of them; the references are all captions of each picture.
        nats: for each word of the references that could be learned; None: who wrote them has no probabilities.
    """

    captions: list[str]
    scores: CaptionScores
    nats: float | None


def written_by(captioner: Captioner, data: CaptionData, settings: DataSettings, beams: int = 1) -> Written:
    """What a captioner writes of the held-out pictures."""
    own = data.held_out
    captions = captioner.predict(own.features, beams)
    return _scored(captions, data, settings, captioner.nats(own.features, own.pairs, counted=data.known))


def written_by_neighbours(eye: Eye, data: CaptionData, settings: DataSettings) -> tuple[Written, list[int]]:
    """The first caption of each held-out picture's nearest neighbour, and which that is of `data.train`."""
    which = nearest(eye, data.train, data.held_out).tolist()
    return _scored([data.train.texts(k)[0] for k in which], data, settings, None), which


def _scored(captions: Sequence[str], data: CaptionData, settings: DataSettings, nats: float | None) -> Written:
    references = [data.held_out.texts(k) for k in range(len(data.held_out))]
    return Written(list(captions), caption_scores(captions, references, lang=settings.scored_as), nats)


class DataRun(CaptionRun):
    """One run folder with its captioner and training. Made by `start` or `resume`.

    Attributes:
        data: what is learned from, and what is judged by.
    """

    settings: DataSettings

    def __init__(self, folder: RunFolder, settings: DataSettings, data: CaptionData, captioner: Captioner) -> None:
        self.data = data
        judge = Judge(self._judged, decides=NATS, patience=settings.patience)
        own = data.train
        super().__init__(folder, settings, captioner, own.features, own.pairs, judge, settings.evaluate_every)
        self._judges, self._known = data.held_out.some(settings.judge), data.known

    @classmethod
    def start(
        cls,
        path: str,
        settings: DataSettings,
        cell: Any,
        overwrite: bool = False,
        tell: Tell = quiet,
    ) -> DataRun:
        """A new run.

        Args:
            path: its folder.
            settings: what is asked for.
            cell: the cell called `settings.cell`.
            overwrite: an old run's files are removed before.
            tell: called with what is being done, how many pictures are done, and of how many.

        Raises:
            ArgumentError: a setting is bad, the data is not there, or the folder not free; nothing is written then.
            MissingExtraError: what reads or scores is not installed.
        """
        require_extra("sacrebleu", "scores")  # which is needed in the end
        folder = RunFolder(path)
        folder.look(overwrite)  # before minutes are spent
        data = caption_data(settings, tell)
        seen = _eye(data)
        captioner = Captioner.build(
            data.vocabulary,
            cell,
            features=None if seen.filters is not None else seen.shape,
            look=None if seen.filters is not None else (settings.hidden,),
            embedding_size=settings.embed,
            hidden_size=settings.hidden,
            num_layers=settings.layers,
            read=settings.read,
            show=settings.show,
            dropout=settings.dropout,
            dtype=settings.dtype,
            seed=settings.seed,
        )
        run = cls(folder, settings, data, captioner)
        run.begin_new(overwrite)
        return run

    @classmethod
    def resume(cls, path: str, tell: Tell = quiet, **changes: Any) -> DataRun:
        """Go on where the last checkpoint was made.

        Args:
            path: the folder.
            tell: as for `start`.
            changes: settings to replace, such as do not shape model or data.

        Raises:
            ArgumentError: there is no run, another process is at work in the folder, or the pictures, the captions or
                the vision model are others than the run began with.
            FileFormatError: a file in the folder is damaged.
        """
        folder = RunFolder(path)
        config = folder.read_config()
        settings = settings_from(str(folder.config_file), config.get("settings"), changes)
        network = saved_network(folder)
        data = data_again(settings, config, tell)
        refuse_misfit(folder, misfit(network, len(data.vocabulary)))
        run = cls(folder, settings, data, Captioner(network, data.vocabulary, _eye(data)))
        run.go_on_with(changes)
        return run

    def _judged(self) -> dict[str, float]:
        own = self._judges
        return {NATS: self.captioner.nats(own.features, own.pairs, counted=self._known)}

    def facts(self, file: str) -> dict[str, Any]:
        """See `ModelRun`."""
        sight = None if self.data.sight is None else self.data.sight.to_json()
        pictures = {"learned": len(self.data.train), "held_out": len(self.data.held_out)}
        own = {"pictures": pictures, "digest": self.data.digest()} if file == "config" else {}
        return super().facts(file) | {"sight": sight} | own


def data_again(settings: DataSettings, config: dict[str, Any], tell: Tell = quiet) -> CaptionData:
    """The data of a run, read again. Arguments and errors as `DataRun.resume`; `config`: what its config.json holds."""
    data = caption_data(settings, tell)
    began = config.get("sight")
    model = began.get("sha256") if isinstance(began, dict) else None
    if data.sight is not None and data.sight.sha256 != model:
        expected = f"the one with SHA-256 {shown(model, 64)}" if model else "none: the bank of filters sees"
        raise ArgumentError(f"vision: got {settings.vision!r}, expected {expected}, as the run began")
    if data.digest() != config.get("digest"):
        came = shown(settings.data, 150)
        raise ArgumentError(f"data: got other pictures or captions in {came!r} than the run began with, expected those")
    return data


def _eye(data: CaptionData) -> Eye:
    if data.sight is not None and data.sight.vision is None:
        return Eye(Filters().shape, Filters())
    shape = data.train.features.shape[1:]
    return Eye(feature_shape(shape if len(shape) == 2 else shape[0]))
