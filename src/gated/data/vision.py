"""What an ONNX vision model of the user's sees in pictures.

Legend: N pictures, S pixels of a side, P places, D numbers of a picture or place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.onnx_bytes import also_output
from gated.data.pictures import FITS, as_pictures
from gated.errors import ArgumentError, FileFormatError, as_array, describe, require_extra, shown, wrong, wrong_type
from gated.number_checks import one_of, whole_above_zero

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of red, green, blue from 0 to 1: what torchvision's models were trained with
IMAGENET_STD = (0.229, 0.224, 0.225)
USUAL = 224  # pixels of a side, where a model takes any
LAYOUTS = ("NCHW", "NHWC")
TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
}

Floats = NDArray[np.floating[Any]]
Progress = Callable[[int, int], object]


def onnx_features(
    model: str | os.PathLike[str],
    pictures: Any,
    *,
    size: int | None = None,
    fit: str = "crop",
    mean: Any = IMAGENET_MEAN,
    std: Any = IMAGENET_STD,
    colours: str = "RGB",
    layout: str | None = None,
    output: str | int | None = None,
    batch: int = 32,
    threads: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """What a vision model sees.

    The model takes (pixels from 0 to 1 - mean) / std; one that takes bytes gets them as they are.

    Args:
        model: the path of a file in the ONNX format, with one input for pictures.
        pictures: `gated.data.Pictures`, paths, or (N, H, W, 3) or (H, W, 3) uint8, red, green, blue.
        size: S; None: what the model's input says, 224 if it takes any.
        fit: how others than squares become one, see `gated.data.Pictures`.
        mean: three numbers, or one; those of ImageNet (`IMAGENET_MEAN`) are what most models want.
        std: likewise. For a model that takes 0 to 255, mean=0 and std=1/255.
        colours: "RGB", or "BGR" for a model that takes blue first; mean and std are in the same order.
        layout: "NCHW" (colours before rows) or "NHWC" (behind columns); None: what the model's input says.
        output: the name or number of an output, None: the first; or the name of a value inside the model, such as the
            one before the last layer.
        batch: pictures at a time, if the model takes any number.
        threads: None: as many as ONNX Runtime takes.
        progress: called with (pictures seen, N).

    Returns:
        (N, D) float32; (N, P, D) if the output is a map of places, row by row, or a sequence.

    Raises:
        ArgumentError, ArgumentTypeError: something does not fit the model, or no pictures.
        FileFormatError: the file is no ONNX model, a picture is damaged, or what came is not finite.
        MissingExtraError: onnxruntime or Pillow is not installed.
    """
    one_of("fit", fit, *FITS)
    one_of("colours", colours, "RGB", "BGR")
    if progress is not None and not callable(progress):
        raise wrong_type("progress", describe(progress), "a function of (pictures seen, all of them) or None")
    least, means, stds = whole_above_zero("batch", batch), _three("mean", mean), _three("std", std)
    if not (stds > 0).all():
        raise wrong("std", describe(std), "numbers above 0")
    session, wanted = _session(model, output, threads)
    where, side, fixed, dtype = _input(session, layout, size)
    shown_to = as_pictures(pictures, side, fit)
    if not len(shown_to):
        raise wrong("pictures", "none", "at least one")

    def seen() -> Iterator[Floats]:
        for start in range(0, len(shown_to), fixed or least):
            pixels = shown_to[start : start + (fixed or least)]
            given = _given(pixels, means, stds, colours, where, dtype, fixed)
            yield _ordered(_run(session, wanted, given), where, len(given))[: len(pixels)]

    found = gathered(seen(), len(shown_to), progress)
    if not np.isfinite(found).all():
        raise FileFormatError(f"'{shown(model, 150)}': got features that are not finite, expected numbers")
    return found


def gathered(parts: Iterable[Floats], count: int, progress: Progress | None) -> NDArray[np.float32]:
    """The features of so many pictures, at least one, from those of some after the other.

    Raises:
        ArgumentError: their shapes differ.
    """
    found: NDArray[np.float32] | None = None
    done = 0
    for part in parts:
        if found is None:
            found = np.empty((count, *part.shape[1:]), np.float32)
        if part.shape[1:] != found.shape[1:]:
            raise wrong("output", f"shape {part.shape[1:]} after {found.shape[1:]}", "the same for every picture")
        found[done : done + len(part)] = part
        done += len(part)
        if progress is not None:
            progress(done, count)
    assert found is not None
    return found


def model_path(model: Any) -> Path:
    """Of a model's file. Raises ArgumentError if there is none."""
    if not isinstance(model, (str, os.PathLike)) or not os.path.isfile(model):
        came = f"'{shown(os.fspath(model), 150)}'" if isinstance(model, (str, os.PathLike)) else describe(model)
        raise ArgumentError(f"model: got {came}, expected the path of an ONNX file")
    return Path(model)


def _three(name: str, given: Any) -> Floats:
    array = as_array(name, given)
    if array.dtype.kind not in "fiu" or array.shape not in ((), (3,)) or not np.isfinite(array).all():
        raise wrong(name, describe(given), "three finite numbers, or one")
    return np.broadcast_to(array.astype(np.float32), (3,))


def _session(model: Any, output: Any, threads: Any) -> tuple[Any, str]:
    """The opened model, and the name of the output."""
    runtime: Any = require_extra("onnxruntime", "captions")
    path = model_path(model)
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # errors come as exceptions
    if threads is not None:
        options.intra_op_num_threads = whole_above_zero("threads", threads)
    session = _opened(runtime, str(path), options, model)
    names = [each.name for each in session.get_outputs()]
    if output is None:
        return session, names[0]
    if isinstance(output, (int, np.integer)) and not isinstance(output, bool):
        if not -len(names) <= output < len(names):
            raise wrong("output", output, f"0 to {len(names) - 1}, the number of an output")
        return session, names[output]
    if not isinstance(output, str):
        raise wrong_type("output", describe(output), "the name or number of an output")
    if output in names:
        return session, output
    # bytes have no folder: where those numbers lie that are not in the file
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path.parent))
    try:
        inner = _opened(runtime, path.read_bytes() + also_output(output), options, model)
    except FileFormatError:
        known = shown(", ".join(names), 150)
        raise wrong("output", repr(shown(output, 60)), f"one of {known}, or the name of a value inside") from None
    return inner, output


def _opened(runtime: Any, source: str | bytes, options: Any, model: Any) -> Any:
    try:
        return runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has classes of its own, which have no common base but this
        reason = shown(" ".join(str(error).split()), 120)
        raise FileFormatError(f"'{shown(model, 150)}': got no ONNX model that can be run ({reason})") from None


def _input(session: Any, layout: Any, size: Any) -> tuple[str, int, int | None, str]:
    """(layout, S, the number of pictures if it is fixed, dtype)."""
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in TYPES or len(inputs[0].shape) != 4:
        came = shown(", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs) or "none", 100)
        raise wrong("model", f"one with the inputs {came}", "one input of four axes, floats or bytes: pictures")
    (own,) = inputs
    shape = [axis if isinstance(axis, int) and axis > 0 else None for axis in own.shape]
    if layout is None:
        fits = [name for name in LAYOUTS if shape[name.index("C")] == 3]
        if not fits:
            raise wrong("layout", f"None for an input {own.shape}", "'NCHW' or 'NHWC': its shape does not tell")
        layout = fits[0]
    if shape[one_of("layout", layout, *LAYOUTS).index("C")] not in (3, None):
        raise wrong("layout", f"{layout!r} for an input {own.shape}", "the one in which it has 3 colours")
    height, width = (shape[layout.index(axis)] for axis in "HW")
    if height is not None and width is not None and height != width:
        raise wrong("model", f"one that takes {height} x {width} pixels", "one that takes squares")
    says = height or width
    if size is not None and says not in (None, whole_above_zero("size", size)):
        raise wrong("size", size, f"{says}, what the model takes, or None")
    return layout, says or size or USUAL, shape[0], TYPES[own.type]


def _given(
    pixels: NDArray[np.uint8], mean: Floats, std: Floats, colours: str, layout: str, dtype: str, count: int | None
) -> NDArray[Any]:
    """What the model takes: with as many pictures as it wants, the last one repeated."""
    if count is not None and len(pixels) < count:
        pixels = np.concatenate([pixels, np.repeat(pixels[-1:], count - len(pixels), axis=0)])
    pixels = pixels[..., ::-1] if colours == "BGR" else pixels
    brought = pixels if dtype == "uint8" else ((pixels.astype(np.float32) / 255.0 - mean) / std).astype(dtype)
    return np.ascontiguousarray(brought.transpose(0, 3, 1, 2) if layout == "NCHW" else brought)


def _run(session: Any, output: str, given: NDArray[Any]) -> NDArray[Any]:
    try:
        (found,) = session.run([output], {session.get_inputs()[0].name: given})
    except Exception as error:  # see `_opened`
        reason = shown(" ".join(str(error).split()), 120)
        raise ArgumentError(f"model: got an error for pictures of shape {given.shape} ({reason})") from None
    return np.asarray(found)


def _ordered(found: NDArray[Any], layout: str, count: int) -> NDArray[np.float32]:
    """(n, D) or (n, P, D); a map lies as the model's input does."""
    if found.dtype.kind != "f" or found.ndim not in (2, 3, 4) or len(found) != count or 0 in found.shape:
        raise wrong("output", describe(found), f"floats ({count}, D), or a map or sequence of such")
    if found.ndim == 4:
        found = found.transpose(0, 2, 3, 1) if layout == "NCHW" else found
        found = found.reshape(count, -1, found.shape[-1])
        found = found[:, 0] if found.shape[1] == 1 else found
    return found.astype(np.float32)
