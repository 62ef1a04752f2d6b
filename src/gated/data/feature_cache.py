"""Features of pictures that are computed once and kept on disk.

What is kept is named by a digest of all that it depends on: the content of the pictures, how they are brought to a
size, the model's file, the options, gated's own sources that see them. So nothing that is kept can be out of date, and
nothing has to be told when something changes. Every file holds the features of up to 256 pictures, so that a long
computation that is stopped goes on where it was, and a digest of its own numbers, by which damage is noticed.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data import filter_bank as bank
from gated.data import pictures as reading
from gated.data import user_cache, vision
from gated.data.onnx_bytes import numbers_elsewhere
from gated.data.pictures import Pictures, as_pictures
from gated.data.user_cache import Contents
from gated.errors import ArgumentError, GatedError, describe, shown, wrong, wrong_type
from gated.files.json_text import to_text

KIND = "gated features"
FOLDER = "features"  # in the user's cache
TOGETHER = 256  # pictures of a file
UNNAMED = ("batch", "threads", "progress")  # options that change no feature

Progress = Callable[[int, int], object]
See = Callable[[Pictures], NDArray[np.float32]]


def kept_features(
    pictures: Any,
    model: str | os.PathLike[str] | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> NDArray[np.float32]:
    """What a vision model or the bank of filters sees, computed once for the same pictures and options.

    Args:
        pictures: `gated.data.Pictures`, paths, or (N, H, W, 3) uint8; read 256 at a time.
        model: the path of an ONNX model for `gated.data.onnx_features`; None: `gated.data.filter_bank`.
        folder: where features are kept, made if it is missing; None: the folder `features` in GATED_CACHE_DIR, or in
            the user's cache folder. It may be removed at any time.
        progress: called with (pictures seen or found, N).
        options: of the function that sees them: size, grid; or size, fit, mean, std, output, ...

    Returns:
        (N, D) or (N, P, D) float32.

    Raises:
        ArgumentError, ArgumentTypeError, FileFormatError, MissingExtraError: as the function that sees them; the folder
            that is given cannot be written.
    """
    if progress is not None and not callable(progress):
        raise wrong_type("progress", describe(progress), "a function of (pictures seen, all of them) or None")
    see, shown_to, about = _seen_by(model, pictures, options)
    if not len(shown_to):
        raise wrong("pictures", "none", "at least one")
    place, given = _folder(folder), folder is not None
    parts = (shown_to.select(slice(start, start + TOGETHER)) for start in range(0, len(shown_to), TOGETHER))
    seen = (_kept_or_seen(place, given, about, part, see) for part in parts)
    return vision.gathered(seen, len(shown_to), progress)


def contents() -> Contents:
    """What is kept in the usual folder; what other programs put there is not counted."""
    return user_cache.contents(FOLDER)


def clear() -> Contents:
    """Remove it; returns what there was. A file that cannot be removed is left."""
    return user_cache.clear(FOLDER)


def _seen_by(model: Any, pictures: Any, options: dict[str, Any]) -> tuple[See, Pictures, str]:
    """(what sees pictures, the pictures as it wants them, the text of all else that features depend on)."""
    function = bank.filter_bank if model is None else vision.onnx_features
    known = set(inspect.signature(function).parameters) - {"pictures", "model", "progress"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise wrong("options", f"'{shown(unknown[0], 40)}'", f"one of {', '.join(sorted(known))}")
    named = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in options.items()}
    text = to_text("options", {key: named[key] for key in sorted(named) if key not in UNNAMED})
    sources = [file_digest(module.__file__) for module in (reading, bank if model is None else vision)]
    if model is None:
        as_they_are = isinstance(pictures, np.ndarray)  # of whatever size: the bank brings them to its own
        side = options.get("size", 64)
        shown_to = pictures if isinstance(pictures, Pictures) else as_pictures(pictures, side, "stretch")

        def see(part: Pictures) -> NDArray[np.float32]:
            return bank.filter_bank(np.stack(part.sources) if as_they_are else part[:], **options)

        return see, shown_to, f"bank {as_they_are} {sources} {text}"
    path = vision.model_path(model)
    if not isinstance(pictures, Pictures):
        pictures = as_pictures(pictures, options.get("size") or vision.USUAL, options.get("fit", "crop"))
    files = [path, *(path.parent / name for name in numbers_elsewhere(path.read_bytes()))]
    about = f"onnx {[file_digest(file) for file in files if file.is_file()]} {_version()} {sources} {text}"
    return lambda part: vision.onnx_features(model, part, **options), pictures, about


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("onnxruntime")
    except PackageNotFoundError:
        return "?"  # seeing says what is missing


def file_digest(path: Any) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _folder(given: Any) -> Path | None:
    """Where features are kept; None: nowhere."""
    if given is not None:
        if not isinstance(given, (str, os.PathLike)):
            raise wrong_type("folder", describe(given), "the path of a folder or None")
        place = Path(given)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ArgumentError(
                f"folder: got '{shown(given, 150)}' ({reason}), expected a folder that can be made"
            ) from None
        return place
    return user_cache.made(FOLDER)


def _kept_or_seen(place: Path | None, given: bool, about: str, part: Pictures, see: See) -> NDArray[np.float32]:
    if place is None:
        return see(part)
    digest = hashlib.sha256(about.encode())
    for k in range(len(part)):
        digest.update(part.digest(k))
    name = digest.hexdigest()
    path = place / f"{name}.safetensors"
    kept = _kept(path, name, len(part))
    if kept is not None:
        return kept
    seen = see(part)
    try:
        from gated.files.tensor_file import write_tensors  # here: importing gated.data needs NumPy alone

        write_tensors(path, KIND, {"features": seen}, {"of": name, "sum": _sum(seen)})
    except ArgumentError:  # the disk is full
        if given:
            raise
    return seen


def _kept(path: Path, name: str, count: int) -> NDArray[np.float32] | None:
    """What lies there, if it is whole and what was asked for."""
    from gated.files.tensor_file import open_tensors

    with contextlib.suppress(GatedError), open_tensors(path, KIND) as file:
        shape = file.shapes.get("features", ())
        if file.document("of") == name and len(shape) in (2, 3) and shape[0] == count:
            kept = file.read("features")
            return kept if kept.dtype == np.float32 and file.document("sum") == _sum(kept) else None
    return None


def _sum(features: NDArray[np.float32]) -> str:
    return hashlib.sha256(features.tobytes()).hexdigest()
