"""What a captioner of the user's own pictures is asked to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gated.data.captions.folder import check_language
from gated.errors import ArgumentTypeError, describe
from gated.models.captioner.caption_settings import CaptionSettings
from gated.models.model_settings import CHANGEABLE
from gated.models.saved_settings import saved_settings
from gated.number_checks import whole_above_zero

PLACES = ("data", "images", "vision")  # may be elsewhere when a run goes on: what lies there is compared
MOST_HELD_OUT = 1000  # pictures, unless more are asked for


@dataclass(frozen=True)
class DataSettings(CaptionSettings):
    """What a run is asked to do; the defaults are those of `gated caption train DATA`. Kept in config.json."""

    data: str = ""  # path of a folder of pictures with texts, of COCO's captions, or of the course's folder
    images: str | None = None  # the folder of COCO's images
    vision: str | None = None  # path of an ONNX model that sees the pictures; None: the bank of filters
    minimum_count: int = 1  # how often a word has to stand in the captions to be learned
    held_out: int | None = None  # pictures to judge by; None: a tenth of all, at most MOST_HELD_OUT
    passes: int = 20
    lr: float = 3e-3
    evaluate_every: int | None = None  # None: after every pass, at the latest after 2,500 updates
    log_every: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        check_language("lang", self.lang)
        for name in PLACES:
            value = getattr(self, name)
            if not isinstance(value, str) and (value is not None or name == "data"):
                raise ArgumentTypeError(f"{name}: got {describe(value)}, expected a path")
        whole_above_zero("minimum_count", self.minimum_count)
        for name in ("held_out", "evaluate_every"):
            if getattr(self, name) is not None:
                whole_above_zero(name, getattr(self, name))

    @property
    def scored_as(self) -> str:
        """The language by which words are told apart in scores and pages: "en" or "zh"."""
        return "zh" if self.lang.startswith("zh") else "en"

    def held_out_of(self, pictures: int) -> int:
        """How many of so many pictures are judged by."""
        return self.held_out or max(1, min(round(pictures / 10), MOST_HELD_OUT))


def settings_from(path: str, saved: Any, changes: dict[str, Any]) -> DataSettings:
    """Those of a run, see `saved_settings`."""
    return saved_settings(DataSettings, path, saved, changes, (*CHANGEABLE, *PLACES))
