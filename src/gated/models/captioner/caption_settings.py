"""The settings that all runs of captioners share, whatever they learn from."""

from __future__ import annotations

from dataclasses import dataclass

from gated.models.captioner.network import SHOWN
from gated.models.model_settings import ModelSettings
from gated.number_checks import one_of, whole_above_zero, within


@dataclass(frozen=True)
class CaptionSettings(ModelSettings):
    """What a run is asked to do, but for its pictures. Kept in config.json."""

    hidden: int = 256
    layers: int = 1
    read: int = 128  # units that read the places of a picture, in each direction
    show: str = "both"  # what is seen becomes the "state" of the beginning, stands beside all "steps", or both
    passes: int = 9
    lr: float = 1.5e-3
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("show", self.show, *SHOWN)
        for name in ("layers", "read"):
            whole_above_zero(name, getattr(self, name))
        within("dropout", self.dropout, 0.0, 1.0)
