"""What a model of piano rolls is asked to learn: the settings of `gated music train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gated.data.music import MusicSplit, bach_chorales, music_folder, split_pieces
from gated.errors import describe, wrong_type
from gated.models.model_settings import CHANGEABLE, RunSettings, Tell, quiet
from gated.models.saved_settings import saved_settings
from gated.number_checks import one_of, whole, whole_above_zero, within


@dataclass(frozen=True)
class MusicSettings(RunSettings):
    """What a run is asked to do; the defaults are those of `gated music train`. Kept in config.json."""

    folder: str | None = None  # of one's own files; None: Bach's chorales
    count: int | None = None  # only so many of the pieces, the first
    key: str = "common"  # "common": all in C, as in the papers; "written"
    transpose: int = 0  # semitones by which pieces are moved at random while learning
    valid: float = 0.2  # share of the pieces by which is chosen when to stop
    test: float = 0.2  # share of the pieces to judge by in the end
    split: int = 0  # seed of the split
    cell: str = "lstm"
    layers: int = 2
    dropout: float = 0.5
    passes: int = 60
    batch: int = 8
    lr: float = 1e-2
    clip: float = 1.0
    patience: int | None = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.folder is not None and not isinstance(self.folder, str):
            raise wrong_type("folder", describe(self.folder), "a path, or None")
        if self.count is not None:
            whole_above_zero("count", self.count)
        one_of("key", self.key, "common", "written")
        whole_above_zero("layers", self.layers)
        for name in ("transpose", "split"):
            whole(name, getattr(self, name), 0)
        for name in ("dropout", "valid", "test"):
            within(name, getattr(self, name), 0.0, 1.0)

    def pieces(self, tell: Tell = quiet) -> tuple[MusicSplit, dict[str, str]]:
        """(the pieces, read and split; why files of the folder are left out). `tell`: hears of the reading.

        Raises:
            ArgumentError, FileFormatError, MissingExtraError: there is no such music.
        """
        left_out: dict[str, str] = {}

        def read(done: int, total: int) -> None:
            tell("reading", done, total)

        if self.folder is None:
            found = bach_chorales(self.count, read)
        else:
            found, left_out = music_folder(self.folder, read)
            found = found[: self.count]
        split = split_pieces(found, valid=self.valid, test=self.test, seed=self.split)
        if self.key == "common":
            split = MusicSplit(*([piece.in_c() for piece in own] for own in split))
        return split, left_out


def settings_from(path: str, saved: Any, changes: dict[str, Any]) -> MusicSettings:
    """Those of a run, see `saved_settings`."""
    return saved_settings(MusicSettings, path, saved, changes, CHANGEABLE)
