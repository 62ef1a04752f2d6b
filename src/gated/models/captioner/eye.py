"""What a captioner sees of a picture: features from the user's own arrays, or from the fixed bank of filters.

Legend: N pictures, P places, D numbers of a place or picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data import filter_bank as bank
from gated.data.captions.rows import read_rows
from gated.errors import FileFormatError, as_array, describe, wrong, wrong_type

Floats = NDArray[np.floating[Any]]
Progress = Callable[[int, int], object]
MOST = 5.0  # deviations from the mean, of which more is no more
TOGETHER = 1024  # rows of a dataset that are in memory at a time


@dataclass(frozen=True)
class Filters:
    """Pictures through `gated.data.filter_bank.filter_bank`: its size and grid."""

    size: int = 64
    grid: int = 3

    @property
    def shape(self) -> tuple[int, int]:
        """(P, D)"""
        return self.grid**2, bank.numbers()

    def see(self, pictures: Any, progress: Progress | None = None) -> Floats:
        return bank.filter_bank(pictures, size=self.size, grid=self.grid, progress=progress)


class Eye:
    """From pictures or features to what the network takes.

    Args:
        shape: D, or (P, D).
        filters: see pictures; None: only features are taken.

    Attributes:
        weights: (D,), by what the numbers are multiplied once they have the same deviation.
        mean, factor: (D,) float64: features are (features - mean) * factor. Set by `fit`.
    """

    def __init__(self, shape: int | tuple[int, int], filters: Filters | None = None) -> None:
        self.shape, self.filters = shape, filters
        size = shape[-1] if isinstance(shape, tuple) else shape
        self.weights = np.ones(size) if filters is None else bank.weights().astype(np.float64)
        self.mean: Floats = np.zeros(size)
        self.factor: Floats = np.ones(size)
        self.fitted = False

    def features(self, given: Any, progress: Progress | None = None) -> Floats:
        """(N, D) or (N, P, D), as they came or as the filters see them.

        Raises:
            ArgumentError, ArgumentTypeError: pictures without filters, other shapes, what is not finite.
        """
        array = as_array("pictures", given)
        if array.dtype == np.uint8 and array.ndim in (3, 4):
            if self.filters is None:
                raise wrong("pictures", describe(array), f"features of shape (N, {self._told()}): it has no filters")
            return self.filters.see(array, progress)
        if array.dtype.kind != "f":
            raise wrong_type("pictures", describe(array), "pictures (N, S, S, 3) uint8, or features as floats")
        wanted = self.shape if isinstance(self.shape, tuple) else (self.shape,)
        array = array[None] if array.shape == wanted else array
        if array.shape[1:] != wanted or not len(array):
            raise wrong("pictures", describe(array), f"features of shape (N, {self._told()})")
        if not np.isfinite(array).all():
            raise wrong("pictures", "features that are not finite", "numbers")
        return array

    def fit(self, features: Any) -> None:
        """Find the mean and the deviation of every number over all pictures and places.

        Args:
            features: an array, or a dataset of HDF5, which is read a piece at a time.

        Raises:
            ArgumentError: what a dataset holds is not finite.
        """
        if isinstance(features, np.ndarray):
            rows = features.reshape(-1, features.shape[-1])
            self.mean, deviation = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
        else:
            self.mean, deviation = _moments(features)
        self.factor = self.weights / (deviation + 1e-3)
        self.fitted = True

    def look(self, features: Any, dtype: Any) -> Callable[[NDArray[Any]], Floats]:
        """What the network takes of pictures, by their numbers.

        Args:
            features: an array, all of which is brought at once; or a dataset, whose rows are read when they are asked
                for.
        """
        if not isinstance(features, np.ndarray):
            return lambda which: self.shown(read_rows(features, which), dtype)
        shown = self.shown(features, dtype)
        axis = shown.ndim - 2
        return lambda which: np.take(shown, which, axis=axis)

    def shown(self, features: Floats, dtype: Any) -> Floats:
        """What the network takes: (N, D) or (P, N, D)."""
        if not self.fitted:
            return np.ascontiguousarray(features.swapaxes(0, 1) if features.ndim == 3 else features, dtype)
        bound = MOST * self.weights
        brought = np.clip((features - self.mean) * self.factor, -bound, bound).astype(dtype)
        return np.ascontiguousarray(brought.swapaxes(0, 1) if brought.ndim == 3 else brought)

    def _told(self) -> str:
        return ", ".join(map(str, self.shape)) if isinstance(self.shape, tuple) else str(self.shape)

    # files

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "shape": list(self.shape) if isinstance(self.shape, tuple) else self.shape,
            "filters": None if self.filters is None else asdict(self.filters),
            "mean": self.mean.tolist() if self.fitted else None,
            "factor": self.factor.tolist() if self.fitted else None,
        }

    @classmethod
    def from_json(cls, data: Any) -> Eye:
        """The inverse of `to_json`.

        Raises:
            FileFormatError: the data is anything else than what it gives.
        """
        try:
            shape, filters = data["shape"], data["filters"]
            whole = [shape] if isinstance(shape, int) else list(shape)
            if not 1 <= len(whole) <= 2 or not all(type(n) is int and 0 < n < 2**31 for n in whole):
                raise ValueError("shape")
            eye = cls(shape if isinstance(shape, int) else (whole[0], whole[1]), _filters(filters, whole))
            if data["mean"] is not None:
                eye.mean, eye.factor = (_numbers(data[name], whole[-1]) for name in ("mean", "factor"))
                eye.fitted = True
        except (LookupError, TypeError, ValueError, AttributeError):
            raise FileFormatError("features: got something damaged, expected what a captioner sees") from None
        return eye


def _moments(features: Any) -> tuple[Floats, Floats]:
    """The mean and the deviation of every number of a dataset, in two passes."""
    size, count = features.shape[-1], math.prod(features.shape[:-1])

    def pieces() -> Iterator[Floats]:
        for start in range(0, len(features), TOGETHER):
            yield np.asarray(features[start : start + TOGETHER], np.float64).reshape(-1, size)

    mean = np.sum([piece.sum(axis=0) for piece in pieces()], axis=0) / count
    if not np.isfinite(mean).all():
        raise wrong("pictures", "features that are not finite", "numbers")
    squares = np.sum([np.square(piece - mean).sum(axis=0) for piece in pieces()], axis=0)
    return mean, np.sqrt(squares / count)


def _filters(data: Any, shape: list[int]) -> Filters | None:
    if data is None:
        return None
    if set(data) != {"size", "grid"} or not all(type(n) is int and 0 < n <= 4096 for n in data.values()):
        raise ValueError("filters")
    filters = Filters(**data)
    if list(filters.shape) != shape:
        raise ValueError("filters")
    return filters


def _numbers(data: Any, size: int) -> Floats:
    if len(data) != size or not all(isinstance(n, float) and math.isfinite(n) for n in data):
        raise ValueError("numbers")
    return np.array(data)
