"""The folder `coco_captioning` of the course CS231n (https://cs231n.github.io): captions of COCO as numbers of words,
and what VGG-16 saw in the images.

    coco2014_captions.h5                    train_captions (M, T), train_image_idxs (M,), val_captions, val_image_idxs
    coco2014_vocab.json                     idx_to_word, word_to_idx
    train2014_vgg16_fc7.h5, ..._pca.h5      features (I, D); val2014_... likewise
    train2014_urls.txt, val2014_urls.txt    I lines

Legend: M captions, T words, I images, D numbers of an image, N captions of a minibatch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data.captions.rows import read_rows
from gated.data.corpora import read_text
from gated.data.task_batch import generator_of
from gated.data.words import WordVocabulary
from gated.errors import ArgumentError, FileFormatError, require_extra, shown, wrong
from gated.files.json_text import from_text
from gated.number_checks import one_of, whole_above_zero

SPLITS = "train", "val"
CAPTIONS, VOCABULARY = "coco2014_captions.h5", "coco2014_vocab.json"


class CourseBatch(NamedTuple):
    """What the course's `sample_coco_minibatch` returns.

    Attributes:
        captions: (N, T) numbers of words: <START>, words, <END>, <NULL>.
        features: (N, D) float32.
        urls: N texts, where the images were.
    """

    captions: NDArray[np.integer[Any]]
    features: NDArray[np.float32]
    urls: list[str]


class CourseCaptions:
    """The course's captions and features, read row by row: only the vocabulary and the addresses are in memory.

    Args:
        folder: coco_captioning.
        pca: whether features are those that were brought to 512 numbers, or all 4096. None: the small ones if they are
            there.

    Attributes:
        idx_to_word: the words in the order of their numbers.
        word_to_idx: word -> number.
        vocabulary: the same as a `gated.data.words.WordVocabulary`.

    Raises:
        ArgumentError: a file is not there.
        FileFormatError: a file is not what it should be.
        MissingExtraError: h5py is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str], *, pca: bool | None = None) -> None:
        require_extra("h5py", "captions")
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise ArgumentError(f"folder: got '{shown(folder, 150)}', expected the course's folder coco_captioning")
        small = (self.folder / _features_file("train", True)).is_file()
        self.pca = small if pca is None else bool(pca)
        self.idx_to_word = _words(self.folder / VOCABULARY)
        self.word_to_idx = {word: number for number, word in enumerate(self.idx_to_word)}
        self.vocabulary = WordVocabulary.from_words(self.idx_to_word)
        self._open: dict[str, Any] = {}
        self._urls: dict[str, list[str]] = {}
        for split in SPLITS:
            self._check(split)

    def __repr__(self) -> str:
        counts = ", ".join(f"{split} {self.count(split):,}" for split in SPLITS)
        return f"<CourseCaptions: {counts} captions, {len(self.vocabulary):,} words, features {self.feature_size}>"

    def __enter__(self) -> CourseCaptions:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.folder, self.pca)  # open files cannot go through a pickle

    def close(self) -> None:
        """Close the files. They are opened again if something is asked for."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    @property
    def feature_size(self) -> int:
        """D."""
        return int(self._dataset(_features_file("train", self.pca), "features").shape[1])

    def count(self, split: str = "train") -> int:
        """M of "train" or "val"."""
        return len(self._dataset(CAPTIONS, f"{one_of('split', split, *SPLITS)}_captions"))

    def minibatch(self, batch_size: int = 100, rng: np.random.Generator | int = 0, split: str = "train") -> CourseBatch:
        """Captions drawn with replacement, as the course's `sample_coco_minibatch` draws them.

        Args:
            batch_size: N.
            rng: a generator, or a seed.
            split: "train" or "val".

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit.
            FileFormatError: what is read is damaged.
        """
        size, count = whole_above_zero("batch_size", batch_size), self.count(split)
        return self.rows(generator_of(rng).integers(0, count, size), split)

    def batches(self, batch_size: int, rng: np.random.Generator | int, split: str = "train") -> Iterator[CourseBatch]:
        """Every caption once in random order; the last minibatch may be smaller. Arguments as for `minibatch`."""
        size, count = whole_above_zero("batch_size", batch_size), self.count(split)
        order = generator_of(rng).permutation(count)
        return (self.rows(order[k : k + size], split) for k in range(0, count, size))

    def rows(self, which: Any, split: str = "train") -> CourseBatch:
        """The captions of these numbers, in this order. The files are read from front to back.

        Args:
            which: (N,) whole numbers from 0 to M - 1.
            split: "train" or "val".

        Raises:
            ArgumentError: there are no such captions.
            FileFormatError: what is read is damaged.
        """
        rows, count = np.asarray(which), self.count(split)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows) or rows.min() < 0 or rows.max() >= count:
            raise wrong("which", shown(np.array2string(rows, threshold=5), 60), f"numbers from 0 to {count - 1}")
        captions, images = self._pairs(rows, split)
        features = self._read(_features_file(split, self.pca), "features", images).astype(np.float32, copy=False)
        urls = self.urls(split)
        return CourseBatch(captions, features, [urls[k] for k in images])

    def pairs(self, split: str = "train") -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """All captions at once, without features.

        Args:
            split: "train" or "val".

        Returns:
            (M, T) numbers of words, and (M,) of which image each is.

        Raises:
            FileFormatError: what is read is damaged.
        """
        return self._pairs(np.arange(self.count(split)), split)

    def features(self, split: str = "train") -> Any:
        """What was seen in all images of "train" or "val": a dataset (I, D) of which rows are read when asked for."""
        return self._dataset(_features_file(one_of("split", split, *SPLITS), self.pca), "features")

    def _pairs(self, rows: NDArray[Any], split: str) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        captions = self._read(CAPTIONS, f"{split}_captions", rows)
        images = self._read(CAPTIONS, f"{split}_image_idxs", rows).astype(np.int64)
        known, words = len(self.features(split)), len(self.idx_to_word)
        for what, numbers, end in ((f"{split}_captions", captions, words), (f"{split}_image_idxs", images, known)):
            if numbers.min() < 0 or numbers.max() >= end:
                came = f"{numbers.min()} to {numbers.max()}"
                raise FileFormatError(f"'{CAPTIONS}': got {came} in {what}, expected 0 to {end - 1}")
        return captions, images

    def urls(self, split: str = "train") -> list[str]:
        """I addresses; read once."""
        if split not in self._urls:
            path = self.folder / f"{one_of('split', split, *SPLITS)}2014_urls.txt"
            found = read_text(path).rstrip("\n").split("\n")
            images = len(self._dataset(_features_file(split, self.pca), "features"))
            if len(found) != images:
                raise FileFormatError(
                    f"'{path.name}': got {len(found):,} lines, expected {images:,}, one for each image"
                )
            self._urls[split] = found
        return self._urls[split]

    def _read(self, file: str, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        try:
            return read_rows(self._dataset(file, name), rows)
        except OSError as error:
            reason = shown(" ".join(str(error).split()), 80)
            raise FileFormatError(
                f"'{file}': got {name} that cannot be read ({reason}), expected a whole file"
            ) from None

    def _dataset(self, file: str, name: str) -> Any:
        """A dataset, nothing of which is read yet."""
        if file not in self._open:
            self._open[file] = _opened(self.folder / file)
        found = self._open[file].get(name)
        if not hasattr(found, "shape"):
            raise FileFormatError(f"'{file}': got no dataset {name}, expected one")
        return found

    def _check(self, split: str) -> None:
        captions, images = (self._dataset(CAPTIONS, f"{split}_{name}") for name in ("captions", "image_idxs"))
        features = self._dataset(_features_file(split, self.pca), "features")
        for name, found, kind, axes in (
            (f"{split}_captions", captions, "iu", 2),
            (f"{split}_image_idxs", images, "iu", 1),
            ("features", features, "f", 2),
        ):
            if found.dtype.kind not in kind or found.ndim != axes or 0 in found.shape:
                came = f"{found.dtype} of shape {found.shape}"
                expected = f"{'whole numbers' if kind == 'iu' else 'floats'} of {axes} axes"
                raise FileFormatError(f"'{Path(found.file.filename).name}': got {name} {came}, expected {expected}")
        if len(captions) != len(images):
            came = f"{len(captions):,} captions of {len(images):,} images"
            raise FileFormatError(f"'{CAPTIONS}': got {came} in {split}, expected one number of an image for each")
        if not os.path.isfile(self.folder / f"{split}2014_urls.txt"):
            raise ArgumentError(f"folder: got no file {split}2014_urls.txt in '{shown(self.folder, 150)}', expected it")


def _again(folder: Path, pca: bool) -> CourseCaptions:
    return CourseCaptions(folder, pca=pca)


def _features_file(split: str, pca: bool) -> str:
    return f"{split}2014_vgg16_fc7{'_pca' if pca else ''}.h5"


def _opened(path: Path) -> Any:
    h5py: Any = require_extra("h5py", "captions")
    if not path.is_file():
        raise ArgumentError(f"folder: got no file {path.name} in '{shown(path.parent, 150)}', expected it")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        reason = shown(" ".join(str(error).split()), 80)
        raise FileFormatError(f"'{path.name}': got no whole HDF5 file ({reason}), expected one") from None


def _words(path: Path) -> list[str]:
    """The words of coco2014_vocab.json in the order of their numbers."""
    try:
        data = from_text(read_text(path))
    except FileFormatError:
        raise
    except ValueError as error:
        if isinstance(error, ArgumentError):
            raise
        raise FileFormatError(f"'{path.name}': got bad JSON ({shown(error, 80)}), expected the vocabulary") from None
    words, numbers = (data.get(key) if isinstance(data, dict) else None for key in ("idx_to_word", "word_to_idx"))
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise FileFormatError(f"'{path.name}': got no texts under 'idx_to_word', expected the words in order")
    if numbers != {word: number for number, word in enumerate(words)}:
        raise FileFormatError(f"'{path.name}': got another 'word_to_idx' than 'idx_to_word' says, expected its inverse")
    try:
        WordVocabulary.from_words(words)
    except ArgumentError as error:
        raise FileFormatError(f"'{path.name}': {shown(error, 120)}") from None
    return words
