"""Training a model of piano rolls in a run folder: start, stop at any update, go on exactly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import partial
from typing import Any

from gated.data.music import MusicSplit, Piece
from gated.errors import ArgumentError
from gated.learning import Judge
from gated.learning.training.run_folder import RunFolder
from gated.models.model_run import WATCHED, ModelRun
from gated.models.model_settings import Tell, quiet
from gated.models.music.batches import side_by_side
from gated.models.music.music_settings import MusicSettings, settings_from
from gated.models.music.network import misfit
from gated.models.music.piano_roll_model import PianoRollModel
from gated.models.saved_network import refuse_misfit, saved_network

NATS = "valid_nats_per_step"  # the column that decides


class MusicRun(ModelRun):
    """One run folder with its model and training. Made by `start` or `resume`.

    Attributes:
        pieces: to learn from, to choose by, to judge by in the end.
        left_out: files of the user's folder that cannot be read -> why.
    """

    settings: MusicSettings
    left_out: dict[str, str]

    def __init__(self, folder: RunFolder, settings: MusicSettings, pieces: MusicSplit, model: PianoRollModel) -> None:
        self.model, self.pieces, self.left_out = model, pieces, {}
        training = partial(model.training, pieces.train, transpose=settings.transpose)
        judge = Judge(lambda: {NATS: model.evaluate(pieces.valid)}, decides=NATS, patience=settings.patience)
        cell = model.network.layers["rnn"].cell

        def watched() -> Any:
            return side_by_side([piece.roll for piece in pieces.valid[:WATCHED]], model.network.dtype)

        super().__init__(folder, settings, model, len(pieces.train), training, judge, cell, watched, None)

    @classmethod
    def start(
        cls, path: str, settings: MusicSettings, cell: Any, overwrite: bool = False, tell: Tell = quiet
    ) -> MusicRun:
        """A new run.

        Args:
            path: its folder.
            settings: what is asked for.
            cell: the cell called `settings.cell`.
            overwrite: an old run's files are removed before.
            tell: hears of the reading.

        Raises:
            ArgumentError: a setting is bad, there is no music, or the folder is not free; nothing is written then.
            MissingExtraError: music21 is not installed.
        """
        folder = RunFolder(path)
        folder.look(overwrite)
        pieces, left_out = settings.pieces(tell)
        model = PianoRollModel.build(
            cell,
            pieces=pieces.train,
            hidden_size=settings.hidden,
            num_layers=settings.layers,
            dropout=settings.dropout,
            dtype=settings.dtype,
            seed=settings.seed,
        )
        run = cls(folder, settings, pieces, model)
        run.left_out = left_out
        run.begin_new(overwrite)
        return run

    @classmethod
    def resume(cls, path: str, tell: Tell = quiet, **changes: Any) -> MusicRun:
        """Go on where the last checkpoint was made.

        Args:
            path: the folder.
            tell: hears of the reading.
            changes: settings to replace, such as do not shape model or data.

        Raises:
            ArgumentError: there is no run, its music is another one now, or another process is at work in the folder.
            FileFormatError: a file in the folder is damaged.
        """
        folder = RunFolder(path)
        config = folder.read_config()
        settings = settings_from(str(folder.config_file), config.get("settings"), changes)
        network = saved_network(folder)
        refuse_misfit(folder, misfit(network))
        pieces, left_out = settings.pieces(tell)
        if config.get("music_sha256") != digest(pieces):
            raise ArgumentError(f"folder: got other music than the run in {path!r} learned from, expected the same")
        run = cls(folder, settings, pieces, PianoRollModel(network))
        run.left_out = left_out
        run.go_on_with(changes)
        return run

    def facts(self, file: str) -> dict[str, Any]:
        """See `ModelRun`."""
        if file != "config":
            return {}
        counts = {name: len(own) for name, own in self.pieces._asdict().items()}
        return {"music_sha256": digest(self.pieces), "pieces": counts}


def digest(pieces: Iterable[Iterable[Piece]]) -> str:
    """Of the rolls of a split, in their order."""
    found = hashlib.sha256()
    for part in pieces:
        for piece in part:
            found.update(f"{piece.roll.shape}".encode())
            found.update(piece.roll.tobytes())
        found.update(b"|")
    return found.hexdigest()
