"""The settings that all runs of captioners share, whatever they learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gated.errors import ArgumentTypeError, describe
from gated.learning.rules import schedules
from gated.learning.rules.optimizers import OPTIMIZERS
from gated.models.captioner.network import SHOWN
from gated.number_checks import not_negative, one_of, whole, whole_above_zero, within

CHANGEABLE = ("passes", "evaluate_every", "log_every", "patience")
Tell = Callable[[str, int, int], object]


@dataclass(frozen=True)
class CaptionSettings:
    """What a run is asked to do, but for its pictures. Kept in config.json."""

    lang: str = "en"  # of the captions
    judge: int = 1000  # pictures to judge by on the way
    cell: str = "gru"  # for the record; the equations are in the model file
    hidden: int = 256
    layers: int = 1
    embed: int = 64
    read: int = 128  # units that read the places of a picture, in each direction
    show: str = "both"  # what is seen becomes the "state" of the beginning, stands beside all "steps", or both
    passes: int = 9  # over all captions
    batch: int = 32
    optimizer: str = "adam"
    lr: float = 1.5e-3  # the highest rate; it rises over `warmup` updates and falls along a cosine
    warmup: int = 50
    clip: float = 5.0
    dropout: float = 0.0
    dtype: str = "float32"
    seed: int = 0
    log_every: int = 100
    patience: int | None = None

    def __post_init__(self) -> None:
        one_of("show", self.show, *SHOWN)
        one_of("optimizer", self.optimizer, *OPTIMIZERS)
        one_of("dtype", self.dtype, "float32", "float64")
        if not isinstance(self.cell, str):
            raise ArgumentTypeError(f"cell: got {describe(self.cell)}, expected a text")
        for name in ("judge", "hidden", "layers", "embed", "read", "passes", "batch", "log_every"):
            whole_above_zero(name, getattr(self, name))
        if self.patience is not None:
            whole_above_zero("patience", self.patience)
        schedules.constant(self.lr)
        not_negative("clip", self.clip)
        whole("warmup", self.warmup, 0)
        whole("seed", self.seed, 0)
        within("dropout", self.dropout, 0.0, 1.0)
