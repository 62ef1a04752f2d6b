"""A forecaster in a file: its networks side by side, the features, the arguments. JSON and arrays, no code."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from types import SimpleNamespace
from typing import Any

import numpy as np

from gated.errors import FileFormatError, GatedError, shown
from gated.files.json_text import from_text, to_text
from gated.interop.model_file import load_models, save_models
from gated.language import Cell
from gated.models.forecaster.ensemble import Ensemble
from gated.models.forecaster.features import BASES, Shape
from gated.models.forecaster.learned import Learned, Lens
from gated.models.forecaster.network import INPUTS, STRAIGHT, Sizes
from gated.models.forecaster.rhythm import COUNTED, DATES, NUMBERS, PERIODS, Rhythm
from gated.models.forecaster.settings import TRANSFORMS, bounds_of
from gated.number_checks import levels, whole

KIND = "gated forecaster"
DOCUMENTS = "arguments", "learned"
LARGEST = 2**31 - 1


def save_learned(path: str | os.PathLike[str], learned: Learned, arguments: Mapping[str, Any]) -> None:
    """Write it; the file appears whole or not at all.

    Args:
        arguments: of the estimator. A random state that is no number is left out, and the cell stands in the networks.
    """
    own = learned.ensemble
    kept = {name: value for name, value in arguments.items() if name not in ("cell", "random_state")}
    if isinstance(arguments["cell"], str):
        kept["cell"] = arguments["cell"]
    if isinstance(arguments["random_state"], int):
        kept["random_state"] = arguments["random_state"]
    document = {
        "shape": asdict(own.shape),
        "rhythm": asdict(learned.rhythm),
        "exogenous": list(learned.lens.exogenous),
        "transform": learned.lens.transform,
        "bounds": dict(zip(("lower", "upper"), learned.lens.bounds, strict=True)),
        "quantiles": list(own.quantiles),
        "window": own.window,
        "inputs": own.sizes.inputs.tolist(),
        "straight": own.sizes.straight.tolist(),
        "moves": own.moves.tolist(),
        "center": learned.lens.center.tolist(),
        "size": learned.lens.size.tolist(),
    }
    plain = {name: _plain(value) for name, value in kept.items()}
    save_models(path, KIND, own.networks, {"arguments": plain, "learned": document})


def load_learned(path: str | os.PathLike[str], names: Collection[str]) -> tuple[Learned, dict[str, Any]]:
    """(what was learned, the arguments).

    Args:
        names: of the estimator's arguments.

    Raises:
        ArgumentError: there is no such file.
        FileFormatError: it is anything else.
    """
    networks, documents = load_models(path, KIND, DOCUMENTS)
    arguments = documents["arguments"]
    try:
        learned = _learned(networks, documents["learned"])
        if not isinstance(arguments, dict) or not set(arguments) <= set(names):
            raise FileFormatError("got arguments of another estimator")
    except (GatedError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = shown(error if isinstance(error, GatedError) else repr(error), 120)
        raise FileFormatError(f"{os.fspath(path)!r}: got a damaged description of the forecaster ({reason})") from None
    cell = networks[0].layers["rnn"].cell
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()}
    return learned, {"cell": cell, **given}


def _learned(networks: list[Any], said: Any) -> Learned:
    """What a description says, if it fits together; any of a few errors if it does not."""
    shape = Shape(**{**said["shape"], "further": tuple(said["shape"]["further"])})
    for own in shape.further:
        _count("further", own, 2)
    for field in fields(Shape):
        if field.name not in ("level", "base", "further"):
            _count(field.name, getattr(shape, field.name), 0 if field.name in ("exogenous", "phase") else 1)
    rhythm = Rhythm(**said["rhythm"])
    right = shape.base in BASES and isinstance(shape.level, bool) and isinstance(rhythm.step, str)
    right = right and rhythm.kind in (DATES, PERIODS, NUMBERS, COUNTED)
    if not right or said["transform"] not in TRANSFORMS or rhythm.phases(*shape.seasons) not in (0, shape.phase):
        raise FileFormatError("got features that there are not")
    quantiles = levels("quantiles", said["quantiles"])
    if 0.5 not in quantiles:
        raise FileFormatError("got quantiles without the middle")
    arrays = {name: np.array(said[name], float) for name in ("inputs", "straight", "moves", "center", "size")}
    expected = {
        "inputs": (shape.inputs,),
        "straight": (shape.straight,),
        "moves": (shape.horizon, len(quantiles)),
        "center": (shape.exogenous,),
        "size": (shape.exogenous,),
    }
    names, bounds = tuple(said["exogenous"]), bounds_of(SimpleNamespace(**said["bounds"]))
    for name, array in arrays.items():
        if array.shape != expected[name] or not np.isfinite(array).all():
            raise FileFormatError(f"got {shown(array.shape)} for {name}, expected {expected[name]} finite numbers")
    if len(names) != shape.exogenous or not all((arrays[name] > 0).all() for name in ("inputs", "straight", "size")):
        raise FileFormatError("got exogenous columns that do not fit")
    for network in networks:
        if misfit(network, shape, len(quantiles)):
            raise FileFormatError("got a network of another kind")
    ensemble = Ensemble(
        shape,
        Sizes(arrays["inputs"], arrays["straight"]),
        quantiles,
        networks,
        arrays["moves"],
        _count("window", said["window"], 1),
    )
    return Learned(ensemble, rhythm, Lens(names, arrays["center"], arrays["size"], said["transform"], bounds))


def _count(name: str, value: Any, least: int) -> int:
    """A whole number that an array may have as a length."""
    found = whole(name, value, least)
    if found > LARGEST:
        raise FileFormatError(f"{name}: got a number above {LARGEST}")
    return found


def misfit(network: Any, shape: Shape, quantiles: int) -> bool:
    """Whether a network is no forecaster's of these features."""
    if list(network.layers) != ["rnn", "joined", "head"] or tuple(getattr(network, "inputs", ())) != (INPUTS, STRAIGHT):
        return True
    rnn, joined, head = network.layers.values()
    sizes = [getattr(rnn, "input_size", None), getattr(joined, "input_size", None), getattr(head, "output_size", None)]
    wanted = [shape.inputs, getattr(rnn, "output_size", 0) + shape.straight, shape.horizon * quantiles]
    return sizes != wanted or not isinstance(getattr(rnn, "cell", None), Cell)


def _plain(value: Any) -> Any:
    """A value as JSON would give it back: NumPy's numbers become Python's."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(own) for own in value]
    return from_text(to_text("arguments", getattr(value, "item", lambda: value)()))
