"""What a captioner of drawn scenes is asked to learn, and the pictures that it learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gated.data.scenes import SceneSet, split_scenes, write_caption
from gated.models.captioner.caption_settings import CaptionSettings
from gated.models.model_settings import CHANGEABLE, Tell, quiet
from gated.models.saved_settings import saved_settings
from gated.number_checks import one_of, whole_above_zero


@dataclass(frozen=True)
class SceneSettings(CaptionSettings):
    """What a run is asked to do; the defaults are those of `gated caption train`. Kept in config.json."""

    pictures: int = 24_000  # to learn from
    captions: int = 7  # of each
    held_out: int = 2000  # pictures to judge by in the end, of seen pairs of colour and shape, and of unseen ones
    evaluate_every: int = 4000

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("lang", self.lang, "en", "zh")
        for name in ("pictures", "captions", "held_out", "evaluate_every"):
            whole_above_zero(name, getattr(self, name))


def settings_from(path: str, saved: Any, changes: dict[str, Any]) -> SceneSettings:
    """Those of a run, see `saved_settings`."""
    return saved_settings(SceneSettings, path, saved, changes, CHANGEABLE)


class SceneData(NamedTuple):
    """Pictures with captions, all made from the seed.

    Attributes:
        train: to learn from, with one caption each; `captions`: all captions of each.
        judge: to judge by on the way.
        seen, unseen: to judge by in the end.
        unseen_pairs: colours and shapes that stand together in no picture and no caption of `train`.
    """

    train: SceneSet
    captions: list[list[str]]
    judge: SceneSet
    seen: SceneSet
    unseen: SceneSet
    unseen_pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, settings: SceneSettings, tell: Tell = quiet) -> SceneData:
        """Draw and write all of it.

        Args:
            tell: called with what is being made, how many are there, and of how many.
        """
        count = settings.held_out + settings.judge
        split = split_scenes(
            settings.pictures,
            settings.seed,
            held_out=count,
            lang=settings.lang,
            progress=lambda done, total: tell("pictures", done, total),
        )
        rng = np.random.default_rng([settings.seed, 1])
        captions = []
        for n, scene in enumerate(split.train.scenes):
            more = [write_caption(scene, rng, settings.lang) for _ in range(settings.captions - 1)]
            captions.append([split.train.captions[n], *more])
            tell("captions", (n + 1) * settings.captions, settings.pictures * settings.captions)
        end = settings.held_out
        return cls(
            split.train,
            captions,
            _part(split.seen, slice(end, None)),
            _part(split.seen, slice(end)),
            _part(split.unseen, slice(end)),
            split.unseen_pairs,
        )


def _part(scenes: SceneSet, which: slice) -> SceneSet:
    return SceneSet(scenes.pictures[which], scenes.captions[which], scenes.scenes[which])
