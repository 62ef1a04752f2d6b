"""An estimator as a file: its network, its arguments, what it knows of X and y; no code is in it, nor a pickle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.errors import FileFormatError, GatedError, describe, shown, wrong, wrong_type
from gated.interop.model_file import load_model, save_model
from gated.learning import History
from gated.models.estimators.scaling import Scaling
from gated.models.estimators.settings import Settings

Array = np.ndarray[Any, Any]
PLAIN = (str, bool, int, float)
KINDS = {"b": "bool", "i": "int64", "u": "uint64", "f": "float64", "U": "str", "O": "object"}
FACTS = ("n_features_in_", "n_channels_", "n_iter_", "_from_table", "_seed")


def save_estimator(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write it. Raises ArgumentError, ArgumentTypeError for what `load_estimator` could not read."""
    arguments = {name: _argument(name, value) for name, value in estimator.get_params(deep=False).items()}
    names = getattr(estimator, "feature_names_in_", None)
    facts: dict[str, Any] = {name: getattr(estimator, name) for name in FACTS}
    facts["feature_names_in_"] = None if names is None else list(names)
    facts["channel_names_"] = None if estimator.channel_names_ is None else list(estimator.channel_names_)
    history = {**vars(estimator.history_)} if hasattr(estimator, "history_") else None
    documents = {
        "arguments": arguments,
        "facts": facts,
        "scaling": estimator.scaling_.to_json(),
        "answers": estimator._answers_to_json(),
        "history": history,
    }
    save_model(path, estimator._kind, estimator.network_, documents)


def load_estimator(kind: Any, path: str | os.PathLike[str]) -> Any:
    """Read what `save_estimator` wrote.

    Args:
        kind: the class.
        path: of the file.

    Raises:
        ArgumentError: there is no such file.
        FileFormatError: it is anything else.
    """
    names = "arguments", "facts", "scaling", "answers", "history"
    network, found = load_model(path, kind._kind, names)
    where = repr(os.fspath(path))
    try:
        estimator = kind(**_arguments(found["arguments"], kind, network))
        Settings.of(estimator)
        _take_facts(estimator, found["facts"])
        estimator.scaling_ = Scaling.from_json(found["scaling"])
        outputs = estimator._answers_from_json(found["answers"])
        _check_network(network, estimator, outputs)
        if found["history"] is not None:
            estimator.history_ = History(**found["history"])
    except GatedError as error:
        raise FileFormatError(f"{where}: {shown(error, 200)}") from None
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FileFormatError(f"{where}: got something damaged ({shown(repr(error), 80)})") from None
    estimator.network_ = network
    estimator._optimizer, estimator._updates_by_part = None, 0
    return estimator


def labels_to_json(name: str, labels: Array) -> dict[str, Any]:
    """Labels, and of which kind they are."""
    values = labels.tolist()
    if labels.dtype.kind not in KINDS or not all(isinstance(value, PLAIN) for value in values):
        came = f"labels such as {shown(repr(values[0]), 40)}, {type(values[0]).__name__}"
        raise wrong_type(name, came, "texts, numbers or booleans: a file holds no others")
    return {"kind": KINDS[labels.dtype.kind], "values": values}


def labels_from_json(saved: Any) -> Array:
    values = saved["values"]
    if saved["kind"] not in KINDS.values() or not values or not all(isinstance(value, PLAIN) for value in values):
        raise FileFormatError("labels: got something damaged, expected texts, numbers or booleans")
    found = np.array(values, saved["kind"])
    if found.ndim != 1 or found.tolist() != values or len(set(values)) != len(values):
        raise FileFormatError("labels: got something damaged, expected different labels of one kind")
    return found


def _argument(name: str, value: Any) -> Any:
    """As JSON has it."""
    if name == "cell" and not isinstance(value, str):
        return None  # it is in the network
    if isinstance(value, np.generic):
        value = value.item()
    if name == "dtype":
        return np.dtype(value).name
    if isinstance(value, Mapping):
        labels = list(value)
        if not all(isinstance(label, PLAIN) for label in labels):
            raise wrong_type(name, describe(value), "texts, numbers or booleans as labels: a file holds no others")
        return [[label, float(weight)] for label, weight in value.items()]
    if value is not None and not isinstance(value, PLAIN):
        raise wrong_type(name, describe(value), "a plain value, for a file: of random_state a whole number, or None")
    return value


def _arguments(saved: Any, kind: Any, network: Any) -> dict[str, Any]:
    known = kind._get_param_names()
    if not isinstance(saved, dict) or not set(saved) <= set(known):
        raise FileFormatError(f"arguments: got {shown(list(saved or ()))}, expected those of a {kind.__name__}")
    found = dict(saved)
    if "cell" in found and found["cell"] is None:
        found["cell"] = getattr(network.layers.get("rnn"), "cell", None)
    if isinstance(found.get("class_weight"), list):
        found["class_weight"] = dict(found["class_weight"])
    return found


def _take_facts(estimator: Any, saved: Any) -> None:
    for name in FACTS:
        value = saved[name]
        if name == "_from_table":
            fits = isinstance(value, bool)
        else:
            fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
        if not fits:
            raise FileFormatError(f"facts: got {describe(value)} for {name}, expected a whole number or a truth")
        setattr(estimator, name, value)
    for name in ("feature_names_in_", "channel_names_"):
        names = saved[name]
        if names is not None and not (isinstance(names, list) and all(isinstance(own, str) for own in names)):
            raise FileFormatError(f"facts: got {describe(names)} for {name}, expected texts")
    estimator.channel_names_ = None if saved["channel_names_"] is None else tuple(saved["channel_names_"])
    if saved["feature_names_in_"] is not None:
        estimator.feature_names_in_ = np.array(saved["feature_names_in_"], object)


def _check_network(network: Any, estimator: Any, outputs: int) -> None:
    """FileFormatError, unless it is one that the estimator could have built."""
    layers = dict(network.layers)
    pooled = [] if estimator.pooling is None else ["pool", *["drop"] * bool(estimator.dropout)]
    expected = ["rnn", *pooled, "head"]
    if list(layers) != expected:
        raise FileFormatError(f"network: got the layers {shown(', '.join(layers))}, expected {', '.join(expected)}")
    came = getattr(layers["rnn"], "input_size", None), getattr(layers["head"], "output_size", None)
    wanted = estimator.scaling_.inputs, outputs
    if came != wanted or len(estimator.scaling_.mean) != estimator.n_channels_:
        raise wrong("network", f"{came[0]} inputs and {came[1]} outputs", f"{wanted[0]} and {wanted[1]}")
    if estimator.pooling is not None and getattr(network, "inputs", None) != ("x",):
        raise FileFormatError("network: got other inputs, expected x")
