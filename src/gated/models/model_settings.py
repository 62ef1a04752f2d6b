"""The settings that runs of models share, whatever they learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gated.errors import ArgumentTypeError, describe
from gated.learning.rules import schedules
from gated.learning.rules.optimizers import OPTIMIZERS
from gated.number_checks import not_negative, one_of, whole, whole_above_zero

Tell = Callable[[str, int, int], object]  # what is being made or read, how much of it, of how much
CHANGEABLE = ("passes", "evaluate_every", "log_every", "patience")


def quiet(what: str, done: int, total: int) -> None:
    """Nothing is told."""


@dataclass(frozen=True)
class RunSettings:
    """What a run is asked to do, whatever its model reads and writes. Kept in config.json."""

    cell: str = "gru"  # for the record; the equations are in the model file
    hidden: int = 128
    passes: int = 4  # over all examples
    batch: int = 32
    optimizer: str = "adam"
    lr: float = 3e-3  # the highest rate; it rises over `warmup` updates and falls along a cosine
    warmup: int = 50
    clip: float = 5.0
    dtype: str = "float32"
    seed: int = 0
    log_every: int = 100
    patience: int | None = None

    def __post_init__(self) -> None:
        one_of("optimizer", self.optimizer, *OPTIMIZERS)
        one_of("dtype", self.dtype, "float32", "float64")
        if not isinstance(self.cell, str):
            raise ArgumentTypeError(f"cell: got {describe(self.cell)}, expected a text")
        for name in ("hidden", "passes", "batch", "log_every"):
            whole_above_zero(name, getattr(self, name))
        if self.patience is not None:
            whole_above_zero("patience", self.patience)
        schedules.constant(self.lr)
        not_negative("clip", self.clip)
        whole("warmup", self.warmup, 0)
        whole("seed", self.seed, 0)


@dataclass(frozen=True)
class ModelSettings(RunSettings):
    """Those of a model that writes texts, but for its data."""

    lang: str = "en"  # of the texts
    judge: int = 1000  # examples to judge by on the way, of each kind that there is
    embed: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("judge", "embed"):
            whole_above_zero(name, getattr(self, name))
