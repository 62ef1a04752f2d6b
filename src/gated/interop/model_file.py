"""Model files: a network's parameters with the equations, sizes and whatever the model adds, in one safetensors file.

Metadata, JSON each: ``network`` is ``network.config()`` (kinds of layers, sizes, the cells'
expression graphs); other entries belong to the model, such as its vocabulary. The arrays are
``network.params`` by name. A network is built again from its graphs; no code is read, so a file
from a stranger can at worst be refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from gated.errors import FileFormatError, GatedError
from gated.interop.tensor_file import TensorFile, open_tensors, write_tensors

SLACK = 1_000_000


def save_model(path: str | os.PathLike[str], kind: str, network: Any, documents: Mapping[str, Any]) -> None:
    """Write ``network`` and the JSON-able ``documents``; the file appears whole or not at all."""
    write_tensors(path, kind, dict(network.params), {"network": network.config(), **documents})


def load_model(path: str | os.PathLike[str], kind: str, documents: Iterable[str] = ()) -> tuple[Any, dict[str, Any]]:
    """(network, {name: document}) from what :func:`save_model` wrote with this ``kind``.

    Raises ArgumentError if there is no such file, FileFormatError if anything about it is wrong.
    """
    with open_tensors(path, kind) as file:
        found = {name: file.document(name, dict) for name in documents}
        network = rebuild(file.path, file.document("network", dict), file.numbers)
        _check_arrays(file, network)
        for name, array in network.params.items():
            array[...] = file.read(name)
    return network, found


def rebuild(path: str, config: Any, numbers: int) -> Any:
    """The network that ``config`` describes, with fresh parameters.

    ``numbers``: how many the file holds. A description that needs many more is refused before memory
    is taken for it; a few more may be a missing array, which is better told by its name. Raises
    FileFormatError, with ``path`` in front, whatever is wrong with ``config``.
    """
    from gated.nn import network_from_config

    try:
        needed = _numbers_needed(config)
        if needed > 2 * numbers + SLACK:
            raise FileFormatError(
                f"network: got sizes that need {needed} parameters, expected {numbers} as in the file"
            )
        return network_from_config(config)
    except GatedError as error:
        raise FileFormatError(f"{path!r}: {' '.join(str(error).split())}") from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:100]
        raise FileFormatError(f"{path!r}: got a damaged description of the network ({reason})") from None


def _numbers_needed(config: Any) -> int:
    """Parameters of the layers of known kinds, by arithmetic alone."""
    count = 0
    for _, layer in config["layers"]:
        kind = layer["kind"]
        if kind == "embedding":
            count += _whole(layer["num_embeddings"]) * _whole(layer["size"])
        elif kind == "dense":
            count += _whole(layer["input_size"]) * _whole(layer["output_size"])
        elif kind == "recurrent":
            count += _recurrent_numbers(layer)
    return count


def _recurrent_numbers(layer: Mapping[str, Any]) -> int:
    from gated.language import Cell

    cell = Cell.from_json(layer["cell"])
    directions = 2 if layer["bidirectional"] else 1
    hidden, given = _whole(layer["hidden_size"]), layer["sizes"]

    def numbers(inputs: int) -> int:
        total = 0
        for dims in cell.parameters.values():
            size = 1
            for dim in dims:
                size *= inputs if dim == "input" else _whole(given.get(dim, hidden))
            total += size
        return total

    output = _whole(given.get(cell.graph.dims[cell.states[0]], hidden)) * directions
    above = _whole(layer["num_layers"]) - 1
    return directions * (numbers(_whole(layer["input_size"])) + above * numbers(output))


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FileFormatError(f"network: got the size {str(value)[:40]}, expected a whole number of at least 1")
    return value


def _check_arrays(file: TensorFile, network: Any) -> None:
    expected, came = network.params.shapes, file.shapes
    for name in expected:
        if name not in came:
            raise FileFormatError(f"{file.path!r}: got no array {name}, expected one of shape {expected[name]}")
    for name in came:
        if name not in expected:
            raise FileFormatError(f"{file.path!r}: got an array {name}, expected none of this name")
        if came[name] != expected[name]:
            raise FileFormatError(f"{file.path!r}: got shape {came[name]} for {name}, expected {expected[name]}")
        if file.dtypes[name] != network.dtype.name:
            raise FileFormatError(f"{file.path!r}: got {file.dtypes[name]} for {name}, expected {network.dtype.name}")
