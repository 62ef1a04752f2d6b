"""Pictures that lie in files, read when they are asked for and brought to one size.

Legend: N pictures, S pixels of a side.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import (
    ArgumentError,
    FileFormatError,
    MissingExtraError,
    as_array,
    describe,
    require_extra,
    shown,
    wrong,
    wrong_type,
)
from gated.number_checks import one_of, whole_above_zero

Pixels = NDArray[np.uint8]
FITS = ("pad", "crop", "stretch")
WHITE = (255, 255, 255)
LARGEST = 100_000_000  # pixels of a picture in a file, which may be a stranger's
SVG = ".svg"


class Pictures:
    """N pictures of one size, which are read from their files only when they are asked for.

    `pictures[3]` is (S, S, 3) uint8; `pictures[2:5]` and `pictures[[4, 0, 4]]` are (n, S, S, 3), `np.asarray(pictures)`
    is all of them. What is transparent shows the ground.

    Args:
        sources: of each picture the path, or its pixels: (H, W, 3) uint8, red, green, blue.
        size: S.
        fit: how others than squares become one. "pad": whole, with ground beside it; "crop": the middle square;
            "stretch": whole, with other proportions.
        ground: red, green, blue from 0 to 255.

    Raises:
        ArgumentError, ArgumentTypeError: something does not fit.
    """

    def __init__(
        self, sources: Sequence[Any], size: int = 64, *, fit: str = "pad", ground: tuple[int, int, int] = WHITE
    ) -> None:
        self.sources = _sources(sources)
        self.size, self.fit, self.ground = whole_above_zero("size", size), one_of("fit", fit, *FITS), _colour(ground)

    def __len__(self) -> int:
        return len(self.sources)

    def __repr__(self) -> str:
        return f"<Pictures: {len(self):,} of {self.size} x {self.size}, fit {self.fit!r}>"

    def __getitem__(self, which: Any) -> Pixels:
        """One picture, or several.

        Raises:
            ArgumentError: no such picture; a file is not there any more.
            FileFormatError: a file is no picture, is damaged, or is larger than 100 million pixels.
            MissingExtraError: Pillow is not installed, or cairosvg for a drawing in SVG.
        """
        if isinstance(which, (int, np.integer)) and not isinstance(which, bool):
            if not -len(self) <= which < len(self):
                raise IndexError(f"which: got picture {which} of {len(self)}")  # ends a for loop, as of a list
            return self._read(int(which))
        chosen = chosen_rows(which, len(self))
        found = np.empty((len(chosen), self.size, self.size, 3), np.uint8)
        for place, k in enumerate(chosen):
            found[place] = self._read(int(k))
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("pictures are read from files: they cannot be had without a copy")
        found = self[:]
        return found if dtype is None else found.astype(dtype)

    def select(self, which: Any) -> Pictures:
        """Some of them, not read yet. `which` as between brackets."""
        chosen = chosen_rows(which, len(self))
        return Pictures([self.sources[k] for k in chosen], self.size, fit=self.fit, ground=self.ground)

    def sized(self, size: int, fit: str | None = None) -> Pictures:
        """The same pictures in another size."""
        return Pictures(self.sources, size, fit=fit or self.fit, ground=self.ground)

    def digest(self, which: int) -> bytes:
        """A name of what a picture shows: of the bytes of its file or its pixels, and how they are brought to a size.

        Raises:
            ArgumentError: the file is not there any more.
        """
        source = self.sources[which]
        content = source.tobytes() if isinstance(source, np.ndarray) else _content(source)
        shape = source.shape if isinstance(source, np.ndarray) else Path(source).suffix.lower()
        how = repr((shape, self.size, self.fit, self.ground)).encode()
        return hashlib.sha256(hashlib.sha256(content).digest() + how).digest()

    def _read(self, which: int) -> Pixels:
        source = self.sources[which]
        if isinstance(source, np.ndarray):
            if source.shape[:2] == (self.size, self.size):
                return source.copy()
            image: Any = require_extra("PIL.Image", "pictures")
            return _fitted(image.fromarray(source), self)
        return _fitted(_opened(source, self), self)


def chosen_rows(which: Any, count: int) -> NDArray[np.int64]:
    """Numbers from 0 of the rows that a slice, numbers or booleans (count,) choose among `count`."""
    if isinstance(which, slice):
        return np.arange(count)[which]
    array = as_array("which", which)
    if array.size == 0 and array.ndim == 1:
        return np.zeros(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iub":
        raise wrong_type("which", describe(which), "a number, a slice, several numbers, or booleans")
    if array.dtype.kind == "b":
        if len(array) != count:
            raise wrong("which", f"{len(array)} booleans", f"{count}")
        return np.flatnonzero(array)
    if array.min() < -count or array.max() >= count:
        raise wrong("which", f"numbers from {array.min()} to {array.max()}", f"0 to {count - 1}")
    return array.astype(np.int64) % count


def as_pictures(pictures: Any, size: int, fit: str) -> Pictures:
    """Pictures of this size: of an array (N, H, W, 3) or (H, W, 3) uint8, of paths, or of others.

    Raises:
        ArgumentError, ArgumentTypeError: anything else.
    """
    if isinstance(pictures, Pictures):
        return pictures.sized(size, fit)
    if isinstance(pictures, np.ndarray) and pictures.ndim == 3:
        pictures = pictures[None]
    return Pictures(pictures, size, fit=fit)


def read_svg(content: bytes, size: int) -> bytes:
    """A drawing in SVG as a PNG, `size` pixels wide. What it asks for in other files or places is not fetched.

    Raises:
        MissingExtraError: cairosvg or the library cairo is not installed.
        Exception: whatever cairosvg says of a drawing that is damaged.
    """
    drawn: bytes = _cairosvg().svg2png(bytestring=content, output_width=size)
    return drawn


def draws_svg() -> bool:
    """Whether drawings in SVG can be read here."""
    try:
        _cairosvg()
    except MissingExtraError:
        return False
    return True


def _cairosvg() -> Any:
    try:
        return require_extra("cairosvg", "svg")
    except OSError as error:  # the package is there, the library is not
        message = "the library cairo is needed for this, together with: pip install 'gated[svg]'"
        raise MissingExtraError(message) from error


def _sources(given: Any) -> list[Any]:
    if isinstance(given, (str, bytes, os.PathLike)) or not isinstance(given, (Sequence, np.ndarray)):
        raise wrong_type("sources", describe(given), "a path, or pixels (H, W, 3) uint8, for each picture")
    for k, source in enumerate(given):
        if isinstance(source, np.ndarray):
            if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3 or 0 in source.shape:
                raise wrong(f"sources[{k}]", describe(source), "pixels (H, W, 3) uint8")
        elif not isinstance(source, (str, os.PathLike)):
            raise wrong_type(f"sources[{k}]", describe(source), "a path, or pixels (H, W, 3) uint8")
    return list(given)


def _colour(given: Any) -> tuple[int, int, int]:
    colour = tuple(given) if isinstance(given, (tuple, list)) else ()
    if len(colour) != 3 or not all(type(part) is int and 0 <= part <= 255 for part in colour):
        raise wrong("ground", describe(given), "red, green, blue from 0 to 255")
    return colour


def _content(path: Any) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ArgumentError(f"pictures: got '{shown(path, 150)}' ({reason}), expected a picture's file") from None


def _opened(path: Any, how: Pictures) -> Any:
    image: Any = require_extra("PIL.Image", "pictures")
    ops: Any = require_extra("PIL.ImageOps", "pictures")
    content = _content(path)
    try:
        if Path(path).suffix.lower() == SVG:
            content = read_svg(content, 2 * how.size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures and odd profiles: what matters is refused below
            opened = image.open(io.BytesIO(content))
            if opened.width * opened.height > LARGEST:
                raise ValueError(f"{opened.width:,} x {opened.height:,} pixels")
            opened.draft("RGB", (how.size, how.size))  # a JPEG is decoded no finer than needed
            opened.load()
            return _on_ground(ops.exif_transpose(opened), how.ground, image)
    except MissingExtraError:
        raise
    except Exception as error:  # Pillow's and cairosvg's readers have errors of many kinds for what is damaged
        text = str(error).partition(" <_io.")[0]  # Pillow tells where in memory the bytes are
        reason = shown(" ".join(text.split()) or type(error).__name__, 80)
        raise FileFormatError(f"'{shown(path, 150)}': got no picture that can be read ({reason})") from None


def _on_ground(opened: Any, ground: tuple[int, int, int], image: Any) -> Any:
    if opened.mode.startswith("I"):  # 16 bits of grey
        grey = np.asarray(opened).astype(np.int64)
        opened = image.fromarray((grey >> 8 if grey.max() > 255 else grey).clip(0, 255).astype(np.uint8))
    if opened.mode in ("RGB", "L"):
        return opened.convert("RGB")
    above = opened.convert("RGBA")
    below = image.new("RGBA", above.size, (*ground, 255))
    return image.alpha_composite(below, above).convert("RGB")


def _fitted(picture: Any, how: Pictures) -> Pixels:
    """(S, S, 3)"""
    image: Any = require_extra("PIL.Image", "pictures")
    width, height = picture.size
    box, size = (0, 0, width, height), (how.size, how.size)
    if how.fit == "crop":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        box = (left, top, left + side, top + side)
    elif how.fit == "pad":
        longest = max(width, height)
        size = max(1, round(how.size * width / longest)), max(1, round(how.size * height / longest))
    brought = picture.resize(size, image.Resampling.BILINEAR, box=box)
    if size == (how.size, how.size):
        return np.array(brought, dtype=np.uint8)
    canvas = image.new("RGB", (how.size, how.size), how.ground)
    canvas.paste(brought, ((how.size - size[0]) // 2, (how.size - size[1]) // 2))
    return np.array(canvas, dtype=np.uint8)
