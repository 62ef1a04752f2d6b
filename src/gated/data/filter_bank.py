"""What a fixed bank of filters sees in small pictures: nothing in it is learnt, nothing has to be downloaded.

A picture is looked at in places that lie on a grid and overlap. In each the bank tells how much of it differs from the
commonest colour of the picture (area), in which colour, and what the outlines are like: Gabor filters (Daugman, 1985,
eq. 1) of several directions and wavelengths and differences of Gaussians over the map of differences, of each answer
the largest and the mean. Form is seen in the map alone, which knows no colours: it is the same of a red star and a
blue one.

Legend: N pictures, S pixels of a side, P places, D numbers of a place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.task_batch import at_least
from gated.errors import as_array, describe, require_extra, wrong, wrong_type

Floats = NDArray[np.floating[Any]]
Progress = Callable[[int, int], object]

DIRECTIONS = 8
WAVES = ((5.0, 2.0), (9.0, 3.5))  # pixels of 64: the wavelength, and how far the filter reaches (a deviation)
BLOBS = (1.0, 2.0, 3.5)  # pixels of 64: the deviation of the inner Gaussian; that of the outer is 1.8 times as large
NEAR = 0.25  # a difference of colour of which more is no more (of 0 to 1 in each of red, green, blue)
REACH = 0.55  # of a place to each side, in steps of the grid
SOME = 5.0  # pixels of 64 by 64: an area below which means tend to 0
LEAST = 16  # pixels of a side
AT_ONCE = 64  # pictures

COLOURS, AREA = 7, 1  # numbers of a place that are no form: see `weights`


def filter_bank(
    pictures: Any, *, size: int = 64, grid: int = 3, progress: Progress | None = None
) -> NDArray[np.float32]:
    """What the bank sees.

    Args:
        pictures: (N, S, S', 3) or (S, S', 3) uint8, red, green, blue from 0 to 255.
        size: pixels of a side to which they are brought first (by Pillow, if they have others), at least 16.
        grid: places of a row and of a column.
        progress: called with (pictures seen, N).

    Returns:
        (N, P, D) float32 with P = grid², row by row from the top, and D = `numbers()`.

    Raises:
        ArgumentError, ArgumentTypeError: no such pictures, a size below 16, a grid below 1, no function as `progress`.
        MissingExtraError: other sizes, and Pillow is not installed.
    """
    at_least("size", size, LEAST)
    at_least("grid", grid, 1)
    if progress is not None and not callable(progress):
        raise wrong_type("progress", describe(progress), "a function of (pictures seen, all of them) or None")
    arrays = as_array("pictures", pictures)
    arrays = arrays[None] if arrays.ndim == 3 else arrays
    if arrays.dtype != np.uint8 or arrays.ndim != 4 or arrays.shape[3] != 3 or 0 in arrays.shape:
        raise wrong("pictures", describe(as_array("pictures", pictures)), "(N, S, S', 3) uint8: red, green, blue")
    found = np.empty((len(arrays), grid * grid, numbers()), np.float32)
    for start in range(0, len(arrays), AT_ONCE):
        part = arrays[start : start + AT_ONCE]
        found[start : start + len(part)] = _seen(_sized(part, size), grid)
        if progress is not None:
            progress(start + len(part), len(arrays))
    return found


def numbers() -> int:
    """D."""
    return 4 * (2 * DIRECTIONS * len(WAVES) + len(BLOBS)) + COLOURS + AREA


def weights() -> NDArray[np.float32]:
    """(D,): by what the numbers of a place are to be multiplied, brought to the same deviation before.

    The few of colour and area then count about as much as the many of form.
    """
    found = np.ones(numbers(), np.float32)
    found[-COLOURS - AREA :] = 4.0
    return found


def _seen(pictures: NDArray[np.uint8], grid: int) -> Floats:
    """(N, P, D) of pictures (N, S, S, 3)."""
    pixels = pictures.astype(np.float32) / 255.0
    count, side = pixels.shape[:2]
    ground = np.median(pixels.reshape(count, -1, 3), axis=1)[:, None, None]
    other = pixels - ground
    map_ = np.minimum(np.sqrt((other * other).sum(axis=-1)) / NEAR, 1.0)
    answers = _answers(map_)
    some = SOME * (side / 64.0) ** 2
    places = [_place(answers, map_, other, rows, columns, some) for rows, columns in _grid(side, grid)]
    return np.stack(places, axis=1)


def _place(answers: Floats, map_: Floats, other: Floats, rows: slice, columns: slice, some: float) -> Floats:
    """(N, D) of one place."""
    own, inside, colours = answers[:, :, rows, columns], map_[:, rows, columns], other[:, rows, columns]
    area = inside.sum(axis=(1, 2))[:, None]
    mean = own.sum(axis=(2, 3)) / (area + some)
    whole = (inside == 1.0).astype(inside.dtype)  # pixels at an edge have a colour between two
    colour = (colours * whole[..., None]).sum(axis=(1, 2)) / (whole.sum(axis=(1, 2))[:, None] + 0.2 * some)
    opponents = np.maximum(colour, 0.0), np.maximum(-colour, 0.0), colour.mean(axis=1, keepdims=True)
    return np.concatenate([own.max(axis=(2, 3)), mean, *opponents, area / (20.0 * some)], axis=1)


def _answers(map_: Floats) -> Floats:
    """(N, 2 * filters, S, S): every filter's answer where it is positive, then where it is negative."""
    side = map_.shape[1]
    kernels, whole = _kernels(side)
    spectra = np.fft.rfft2(map_, s=(whole, whole))[:, None] * kernels
    answers = np.fft.irfft2(spectra, s=(whole, whole))[:, :, :side, :side].astype(np.float32)
    return np.concatenate([np.maximum(answers, 0.0), np.maximum(-answers, 0.0)], axis=1)


@lru_cache(maxsize=4)
def _kernels(side: int) -> tuple[NDArray[np.complex64], int]:
    """The spectra of the filters on a canvas with a margin, so that no edge sees the opposite one; its side."""
    scale = side / 64.0
    whole = side + 2 * round(8 * scale)
    axis = np.fft.fftfreq(whole) * whole / scale
    x, y = np.meshgrid(axis, axis)
    kernels = [*_gabors(x, y), *_blobs(x, y)]
    return np.fft.rfft2(np.stack(kernels)).astype(np.complex64), whole


def _gabors(x: Floats, y: Floats) -> Iterator[Floats]:
    for wave, deviation in WAVES:
        for k in range(DIRECTIONS):
            angle = np.pi * k / DIRECTIONS
            across = x * np.cos(angle) + y * np.sin(angle)
            envelope = np.exp(-(x * x + y * y) / (2.0 * deviation**2))
            even, odd = (envelope * wavy(2.0 * np.pi * across / wave) for wavy in (np.cos, np.sin))
            even -= envelope * (even.sum() / envelope.sum())  # an even area is no outline
            yield from (kernel * (2.0 / np.abs(kernel).sum()) for kernel in (even, odd))


def _blobs(x: Floats, y: Floats) -> Iterator[Floats]:
    square = x * x + y * y
    for deviation in BLOBS:
        inner, outer = (np.exp(-square / (2.0 * width**2)) for width in (deviation, 1.8 * deviation))
        kernel = inner / inner.sum() - outer / outer.sum()
        yield kernel * (2.0 / np.abs(kernel).sum())


def _grid(side: int, grid: int) -> Iterator[tuple[slice, slice]]:
    """The places, as rows and columns of pixels."""
    step = side / (grid + 1)
    spans = []
    for k in range(grid):
        middle = (k + 1) * step
        spans.append(slice(max(0, round(middle - REACH * step)), min(side, round(middle + REACH * step))))
    return ((rows, columns) for rows in spans for columns in spans)


def _sized(pictures: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(N, size, size, 3)"""
    if pictures.shape[1:3] == (size, size):
        return pictures
    image: Any = require_extra("PIL.Image", "pictures")
    brought = [np.asarray(image.fromarray(picture).resize((size, size), image.Resampling.BOX)) for picture in pictures]
    return np.stack(brought)
