"""What a captioner of drawn scenes is asked to learn, and the pictures that it learns from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gated.data.scenes import SceneSet, split_scenes, write_caption
from gated.errors import ArgumentTypeError, describe
from gated.learning.rules import schedules
from gated.learning.rules.optimizers import OPTIMIZERS
from gated.models.saved_settings import saved_settings
from gated.number_checks import not_negative, one_of, whole, whole_above_zero, within

CHANGEABLE = ("passes", "evaluate_every", "log_every", "patience")
Tell = Callable[[str, int, int], object]


@dataclass(frozen=True)
class SceneSettings:
    """What a run is asked to do; the defaults are those of `gated caption train`. Kept in config.json."""

    lang: str = "en"
    pictures: int = 32_000  # to learn from
    captions: int = 6  # of each
    held_out: int = 500  # pictures to judge by in the end, of seen pairs of colour and shape, and of unseen ones
    judge: int = 1000  # pictures to judge by on the way
    cell: str = "gru"  # for the record; the equations are in the model file
    hidden: int = 256
    layers: int = 1
    embed: int = 64
    read: int = 128  # units that read the places of a picture, in each direction
    show: str = "both"  # what is seen becomes the "state" of the beginning, stands beside all "steps", or both
    passes: int = 8  # over all captions
    batch: int = 32
    optimizer: str = "adam"
    lr: float = 3e-3  # the highest rate; it rises over `warmup` updates and falls along a cosine
    warmup: int = 50
    clip: float = 5.0
    dropout: float = 0.0
    dtype: str = "float32"
    seed: int = 0
    evaluate_every: int = 4000
    log_every: int = 100
    patience: int | None = None

    def __post_init__(self) -> None:
        one_of("lang", self.lang, "en", "zh")
        one_of("show", self.show, "both", "state", "steps")
        one_of("optimizer", self.optimizer, *OPTIMIZERS)
        one_of("dtype", self.dtype, "float32", "float64")
        if not isinstance(self.cell, str):
            raise ArgumentTypeError(f"cell: got {describe(self.cell)}, expected a text")
        for name in ("pictures", "captions", "held_out", "judge", "hidden", "layers", "embed", "read", "passes"):
            whole_above_zero(name, getattr(self, name))
        for name in ("batch", "evaluate_every", "log_every"):
            whole_above_zero(name, getattr(self, name))
        if self.patience is not None:
            whole_above_zero("patience", self.patience)
        schedules.constant(self.lr)
        not_negative("clip", self.clip)
        whole("warmup", self.warmup, 0)
        whole("seed", self.seed, 0)
        within("dropout", self.dropout, 0.0, 1.0)

    @property
    def updates(self) -> int:
        """In all."""
        return self.passes * self.per_pass

    @property
    def per_pass(self) -> int:
        return -(-self.pictures * self.captions // self.batch)


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
    def of(cls, settings: SceneSettings, tell: Tell = lambda what, done, total: None) -> SceneData:
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
