"""The user's captioned pictures: read, seen, split into what is learned from and what is judged by."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data import Pictures
from gated.data.captions import CaptionSet, CourseCaptions, captioned_folder, coco_captions
from gated.data.captions.course import CAPTIONS
from gated.data.captions.rows import read_rows
from gated.data.words import WordVocabulary, caption_texts
from gated.errors import ArgumentError, FileFormatError, shown, wrong
from gated.models.captioner.batches import Pairs
from gated.models.captioner.captioner import vocabulary_of
from gated.models.captioner.data_settings import DataSettings
from gated.models.captioner.sight import Sight
from gated.models.model_settings import Tell, quiet


@dataclass(frozen=True)
class Part:
    """N pictures with their captions.

    Attributes:
        features: (N, D) or (N, P, D): an array, or a dataset of HDF5 of which rows are read when they are asked for.
        pairs: of the pictures' numbers and captions.
        texts: from a picture's number to its captions.
        names: N texts.
        pictures: themselves, if there are any.
    """

    features: Any
    pairs: Pairs
    texts: Callable[[int], list[str]]
    names: Sequence[str]
    pictures: Pictures | None = None

    def __len__(self) -> int:
        return len(self.features)

    def select(self, which: NDArray[np.int64]) -> Part:
        """Some of them, by their numbers, rising; their features are read."""
        return Part(
            read_rows(self.features, which).astype(np.float32, copy=False),
            self.pairs.select(which),
            lambda k: self.texts(int(which[k])),
            [self.names[k] for k in which],
            None if self.pictures is None else self.pictures.select(which),
        )

    def some(self, count: int) -> Part:
        """So many at most, spread evenly."""
        return self.select(np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64))


@dataclass(frozen=True)
class CaptionData:
    """What a captioner learns from, and what it is judged by.

    Attributes:
        vocabulary: of what is learned from.
        train, held_out: the two parts.
        sight: how the pictures were seen; None: their features came with them.
        left_out: what was found and is in neither part: reason -> count.
    """

    vocabulary: WordVocabulary
    train: Part
    held_out: Part
    sight: Sight | None
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(V,): whether each word of the vocabulary stands in what is learned from."""
        return np.bincount(self.train.pairs.ids.ravel(), minlength=len(self.vocabulary)) > 0

    def digest(self) -> str:
        """The same for the same pictures and captions, split alike: of names and sizes of files, not their content."""
        digest = hashlib.sha256(json.dumps(self.vocabulary.to_json()).encode())
        for part in (self.train, self.held_out):
            digest.update(json.dumps([list(part.names), list(part.features.shape)]).encode())
            digest.update(np.ascontiguousarray(part.pairs.ids).tobytes() + part.pairs.pictures.tobytes())
            if part.pictures is None:
                ends = np.unique([0, len(part) // 2, len(part) - 1])
                digest.update(read_rows(part.features, ends).astype("<f4").tobytes())
            else:
                digest.update(json.dumps([os.path.getsize(source) for source in part.pictures.sources]).encode())
        return digest.hexdigest()


def caption_data(settings: DataSettings, tell: Tell = quiet) -> CaptionData:
    """Read it.

    Args:
        settings: where it lies, and how it is seen and split.
        tell: called with what is being done, how many pictures are done, and of how many.

    Raises:
        ArgumentError: there is no such data, or too little of it.
        FileFormatError: a file of it is damaged; damaged pictures are left out.
        MissingExtraError: what reads it is not installed.
    """
    path = Path(settings.data)
    if path.is_dir() and (path / CAPTIONS).is_file():
        return _of_course(settings)
    if settings.images is not None and path.is_dir():
        raise wrong("images", repr(shown(settings.images, 100)), "none for a folder: they lie beside their texts")
    if path.is_dir():
        return _of_pictures(captioned_folder(path, settings.lang), "pad", settings, tell)
    if not path.is_file() or path.suffix.lower() != ".json":
        kinds = "a folder of pictures with texts, a captions_*.json of COCO, or the course's folder coco_captioning"
        raise wrong("data", repr(shown(settings.data, 150)), kinds)
    if settings.images is None:
        raise wrong("images", "None", "the folder of the images that the captions are of")
    return _of_pictures(coco_captions(path, settings.images), "crop", settings, tell)


def _of_pictures(found: CaptionSet, fit: str, settings: DataSettings, tell: Tell) -> CaptionData:
    sight = Sight.by(fit, settings.vision)
    found = _seen(found, sight, tell)
    count = settings.held_out_of(len(found))
    if count >= len(found):
        raise wrong("held_out", f"{count} of {len(found)} pictures", "fewer than there are")
    train, held_out = found.split(count / len(found), seed=settings.seed)
    vocabulary = vocabulary_of(train.captions, settings.minimum_count)
    return CaptionData(vocabulary, _part(train, vocabulary), _part(held_out, vocabulary), sight, found.left_out)


def _seen(found: CaptionSet, sight: Sight, tell: Tell) -> CaptionSet:
    """The same with features; without pictures that are damaged."""

    def seen(of: CaptionSet) -> CaptionSet:
        assert of.pictures is not None  # folders and COCO's captions with images have some
        return of.with_features(sight.features(of.pictures, lambda done, total: tell("looking", done, total)))

    try:
        return seen(found)
    except FileFormatError:  # seldom: all are read, to find which
        return seen(found.readable(lambda done, total: tell("reading", done, total)))


def _part(found: CaptionSet, vocabulary: WordVocabulary) -> Part:
    pairs = Pairs(len(found), found.captions, vocabulary)
    return Part(found.features, pairs, lambda k: found.captions[k], found.names, found.pictures)


def _of_course(settings: DataSettings) -> CaptionData:
    for name, value in (("vision", settings.vision), ("images", settings.images)):
        if value is not None:
            raise wrong(name, repr(shown(value, 100)), "none for the course's folder, which has features and no images")
    if settings.minimum_count != 1:
        raise wrong("minimum_count", settings.minimum_count, "1 for the course's folder, which has a vocabulary")
    course = CourseCaptions(settings.data)
    train, val = (_course_part(course, split) for split in ("train", "val"))
    known = np.unique(val.pairs.pictures)
    count = settings.held_out_of(len(known))
    if count > len(known):
        raise ArgumentError(f"held_out: got {count}, expected at most {len(known)}, the images of val with captions")
    chosen = np.sort(np.random.default_rng(settings.seed).permutation(known)[:count])
    held_out = val.select(chosen)
    if not np.isfinite(held_out.features).all():
        raise FileFormatError(
            f"'{shown(settings.data, 150)}': got features of val that are not finite, expected numbers"
        )
    return CaptionData(course.vocabulary, train, held_out, None)


def _course_part(course: CourseCaptions, split: str) -> Part:
    ids, images = course.pairs(split)
    features = course.features(split)
    pairs = Pairs(len(features), ids, course.vocabulary, images)
    order = np.argsort(images, kind="stable")
    begins = np.searchsorted(images[order], np.arange(len(features) + 1))

    def texts(k: int) -> list[str]:
        return caption_texts(ids[order[begins[k] : begins[k + 1]]], course.vocabulary)

    return Part(features, pairs, texts, course.urls(split))
