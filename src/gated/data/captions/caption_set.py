"""Pictures with their captions.

Legend: N pictures, S pixels of a side, n pairs of a minibatch, D numbers of features, P places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data.captions.rows import read_rows
from gated.data.captions.splitting import held_out_rows, sharing_captions
from gated.data.pictures import Pictures, chosen_rows
from gated.data.task_batch import generator_of
from gated.errors import ArgumentError, FileFormatError, describe, wrong, wrong_type
from gated.number_checks import one_of, real, told, whole_above_zero


class CaptionBatch(NamedTuple):
    """Some pairs of a picture and a caption.

    Attributes:
        captions: n texts.
        features: (n, D) or (n, P, D), or None if the set has none.
        pictures: (n, S, S, 3) uint8; None if the set has features, or has no pictures.
        which: (n,), of which picture of the set each caption is.
    """

    captions: list[str]
    features: NDArray[Any] | None
    pictures: NDArray[np.uint8] | None
    which: NDArray[np.int64]


class CaptionSet:
    """N pictures, each with one or several captions, and features if they are known.

    Pictures are read from their files when they are asked for. What a captioner learns from:
    `captioner.fit(found.pictures, found.captions)`, or `found.features` in the place of pictures.

    Args:
        pictures: `gated.data.Pictures`; or N paths or arrays, of which such are made; None: only texts and features.
        captions: of each picture a text, or a list of some.
        features: (N, D) or (N, P, D): an array, or a dataset of HDF5 that is read row by row.
        names: N texts that tell the pictures apart; None: their numbers.
        left_out: what was found and is not in the set: reason -> count.
        languages: language -> how many pictures have captions in it, if a loader had to choose.

    Raises:
        ArgumentError, ArgumentTypeError: counts that differ, a picture without captions.
    """

    def __init__(
        self,
        pictures: Any,
        captions: Sequence[str | Sequence[str]],
        *,
        features: Any = None,
        names: Sequence[str] | None = None,
        left_out: Mapping[str, int] | None = None,
        languages: Mapping[str, int] | None = None,
    ) -> None:
        self.captions = _captions(captions)
        self.pictures = pictures if pictures is None or isinstance(pictures, Pictures) else Pictures(pictures)
        self.features = features
        self.names = list(map(str, range(len(self)))) if names is None else list(names)
        self.left_out = {reason: int(n) for reason, n in (left_out or {}).items() if n}
        self.languages = dict(languages or {})
        if features is not None and (getattr(features, "ndim", 0) not in (2, 3) or features.dtype.kind != "f"):
            raise wrong("features", describe(features), "floats of shape (N, D) or (N, P, D)")
        for name, own in (("pictures", self.pictures), ("features", features), ("names", self.names)):
            if own is not None and len(own) != len(self):
                raise wrong(name, f"{len(own)} of them", f"{len(self)}, as many as have captions")

    def __len__(self) -> int:
        return len(self.captions)

    def __repr__(self) -> str:
        parts = [f"{len(self):,} pictures", f"{self.pairs:,} captions"]
        if self.features is not None:
            parts.append(f"features {tuple(self.features.shape[1:])}")
        if self.languages:
            parts.append("in " + ", ".join(f"{lang} ({n:,})" for lang, n in self.languages.items()))
        left_out = [f"{n:,} {reason}" for reason, n in self.left_out.items()]
        return f"<CaptionSet: {', '.join(parts)}{'; left out: ' if left_out else ''}{', '.join(left_out)}>"

    @property
    def pairs(self) -> int:
        """How many captions there are, of all pictures together."""
        return sum(map(len, self.captions))

    @property
    def texts(self) -> list[str]:
        """All captions, one picture after the other: what a vocabulary is made of."""
        return [caption for own in self.captions for caption in own]

    def select(self, which: Any) -> CaptionSet:
        """Some of the pictures with all that belongs to them; nothing of them is read.

        Args:
            which: a slice, numbers, or (N,) booleans.

        Raises:
            ArgumentError, ArgumentTypeError: there are no such pictures.
        """
        chosen = chosen_rows(which, len(self))
        if not len(chosen):
            raise wrong("which", "none of the pictures", "at least one")
        return CaptionSet(
            None if self.pictures is None else self.pictures.select(chosen),
            [self.captions[k] for k in chosen],
            features=None if self.features is None else read_rows(self.features, chosen),
            names=[self.names[k] for k in chosen],
        )

    def readable(self, progress: Callable[[int, int], object] | None = None) -> CaptionSet:
        """The pictures that can be read. Every one is read for this; how many are damaged is counted in `left_out`.

        Args:
            progress: called with (pictures read, N).

        Raises:
            ArgumentError: none can be read.
            MissingExtraError: what reads them is not installed.
        """
        if self.pictures is None:
            return self
        good = np.ones(len(self), bool)
        for k in range(len(self)):
            try:
                self.pictures[k]
            except (ArgumentError, FileFormatError):
                good[k] = False
            if progress is not None:
                progress(k + 1, len(self))
        if not good.any():
            raise ArgumentError(f"pictures: got {len(self):,} of which none can be read, expected pictures")
        found = self.select(good)
        found.left_out = {**self.left_out, **({"damaged pictures": n} if (n := int((~good).sum())) else {})}
        return found

    def with_features(self, features: Any) -> CaptionSet:
        """The same pictures and captions with these features, (N, D) or (N, P, D)."""
        return CaptionSet(
            self.pictures,
            self.captions,
            features=features,
            names=self.names,
            left_out=self.left_out,
            languages=self.languages,
        )

    def split(self, held_out: float = 0.1, *, by: str = "caption", seed: int = 0) -> tuple[CaptionSet, CaptionSet]:
        """What to learn from, and what to judge by.

        Args:
            held_out: the share of the pictures that is judged by, above 0 and below 1.
            by: "caption": no caption of a held-out picture is one of a picture that is learnt from; spaces, capitals
                and a full stop make no difference. Pictures that share captions stay together, so the share may be
                missed. "picture": only pictures are held apart, each with all its captions.
            seed: of the draw, or a generator.

        Returns:
            (the larger part, the held-out part), each in the order of the set.

        Raises:
            ArgumentError, ArgumentTypeError: fewer than two pictures, or pictures that all share captions; something
                does not fit.
        """
        if not 0.0 < real("held_out", held_out) < 1.0:
            raise wrong("held_out", told(held_out), "a share between 0 and 1")
        by, rng = one_of("by", by, "caption", "picture"), generator_of(seed)
        if len(self) < 2:
            raise wrong("held_out", f"{told(held_out)} of one picture", "a set of at least two to split")
        groups = sharing_captions(self.captions) if by == "caption" else np.arange(len(self))
        out = held_out_rows(groups, held_out, rng)
        return self.select(~out), self.select(out)

    def batches(self, size: int, rng: np.random.Generator | int | None) -> Iterator[CaptionBatch]:
        """Every caption once with its picture, in minibatches; the last one may be smaller.

        Args:
            size: n.
            rng: a generator or a seed, of the order; None: the order of the set.

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit; a picture cannot be read.
        """
        size = whole_above_zero("size", size)
        which = np.repeat(np.arange(len(self)), list(map(len, self.captions)))
        order = np.arange(len(which)) if rng is None else generator_of(rng).permutation(len(which))
        texts = self.texts
        return (self._batch(order[k : k + size], which, texts) for k in range(0, len(order), size))

    def _batch(self, rows: NDArray[np.int64], pictures: NDArray[np.int64], texts: list[str]) -> CaptionBatch:
        which = pictures[rows]
        captions = [texts[k] for k in rows]
        if self.features is not None:
            return CaptionBatch(captions, read_rows(self.features, which), None, which)
        return CaptionBatch(captions, None, None if self.pictures is None else self.pictures[which], which)


def _captions(given: Any) -> list[list[str]]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence) or not given:
        raise wrong_type("captions", describe(given), "a text, or a list of some, for each picture")
    found = [[own] if isinstance(own, str) else list(own) if isinstance(own, (list, tuple)) else [] for own in given]
    for k, own in enumerate(found):
        if not own or not all(isinstance(text, str) for text in own):
            raise wrong(f"captions[{k}]", describe(given[k]), "at least one text, and texts alone")
    return found
