"""What a translator of dates is asked to learn: the settings of `gated translate train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gated.data.dates import DateSplit, split_dates
from gated.models.model_settings import CHANGEABLE, ModelSettings
from gated.models.saved_settings import saved_settings
from gated.number_checks import one_of, whole_above_zero


@dataclass(frozen=True)
class DateSettings(ModelSettings):
    """What a run is asked to do; the defaults are those of `gated translate train`. Kept in config.json."""

    lang: str = "both"
    pairs: int = 100_000  # to learn from
    years: int = 20  # that none of them is of
    held_out: int = 1000  # pairs to judge by in the end, of each kind
    judge: int = 500
    embed: int = 32
    batch: int = 64
    clip: float = 1.0
    evaluate_every: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("lang", self.lang, "both", "en", "zh")
        for name in ("pairs", "years", "held_out", "evaluate_every"):
            whole_above_zero(name, getattr(self, name))

    def splits(self) -> tuple[DateSplit, DateSplit]:
        """What to learn from and what to judge by in the end; the same with what to judge by on the way."""
        both = split_dates(self.pairs, self.seed, held_out=self.held_out + self.judge, years=self.years, lang=self.lang)
        kinds = both[1:]
        end, way = slice(self.held_out), slice(self.held_out, None)
        return DateSplit(both.train, *(own[end] for own in kinds)), DateSplit(both.train, *(own[way] for own in kinds))


def settings_from(path: str, saved: Any, changes: dict[str, Any]) -> DateSettings:
    """Those of a run, see `saved_settings`."""
    return saved_settings(DateSettings, path, saved, changes, CHANGEABLE)
