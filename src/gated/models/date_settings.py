"""What a translator of dates is asked to learn: the settings of `gated translate train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gated.data.dates import DateSplit, split_dates
from gated.errors import ArgumentTypeError, describe
from gated.learning.rules import schedules
from gated.learning.rules.optimizers import OPTIMIZERS
from gated.models.saved_settings import saved_settings
from gated.number_checks import not_negative, one_of, whole, whole_above_zero

CHANGEABLE = "passes", "evaluate_every", "log_every", "patience"


@dataclass(frozen=True)
class DateSettings:
    """What a run is asked to do; the defaults are those of `gated translate train`. Kept in config.json."""

    lang: str = "both"
    pairs: int = 100_000  # to learn from
    years: int = 20  # that none of them is of
    held_out: int = 1000  # pairs to judge by in the end, of each kind
    judge: int = 500  # pairs to judge by on the way, of each kind
    cell: str = "gru"  # for the record; the equations are in the model file
    hidden: int = 128
    embed: int = 32
    passes: int = 4
    batch: int = 64
    optimizer: str = "adam"
    lr: float = 3e-3  # the highest rate; it rises over `warmup` updates and falls along a cosine
    warmup: int = 50
    clip: float = 1.0
    dtype: str = "float32"
    seed: int = 0
    evaluate_every: int = 1000
    log_every: int = 100
    patience: int | None = None

    def __post_init__(self) -> None:
        one_of("lang", self.lang, "both", "en", "zh")
        one_of("optimizer", self.optimizer, *OPTIMIZERS)
        one_of("dtype", self.dtype, "float32", "float64")
        if not isinstance(self.cell, str):
            raise ArgumentTypeError(f"cell: got {describe(self.cell)}, expected a text")
        for name in ("pairs", "years", "held_out", "judge", "hidden", "embed", "passes", "batch"):
            whole_above_zero(name, getattr(self, name))
        for name in ("evaluate_every", "log_every"):
            whole_above_zero(name, getattr(self, name))
        if self.patience is not None:
            whole_above_zero("patience", self.patience)
        schedules.constant(self.lr)
        not_negative("clip", self.clip)
        whole("warmup", self.warmup, 0)
        whole("seed", self.seed, 0)

    @property
    def updates(self) -> int:
        """In all."""
        return self.passes * self.per_pass

    @property
    def per_pass(self) -> int:
        return -(-self.pairs // self.batch)

    def splits(self) -> tuple[DateSplit, DateSplit]:
        """What to learn from and what to judge by in the end; the same with what to judge by on the way."""
        both = split_dates(self.pairs, self.seed, held_out=self.held_out + self.judge, years=self.years, lang=self.lang)
        kinds = both[1:]
        end, way = slice(self.held_out), slice(self.held_out, None)
        return DateSplit(both.train, *(own[end] for own in kinds)), DateSplit(both.train, *(own[way] for own in kinds))


def settings_from(path: str, saved: Any, changes: dict[str, Any]) -> DateSettings:
    """Those of a run, see `saved_settings`."""
    return saved_settings(DateSettings, path, saved, changes, CHANGEABLE)
