"""Model files: a network's parameters with the equations, sizes and whatever the model adds, in one safetensors file.

Metadata, JSON each: `network` is `network.config()` (kinds of layers, sizes, the cells'
expression graphs); other entries belong to the model, such as its vocabulary. The arrays are
`network.params` and `network.fixed` by name. A network is built again from its graphs; no code is read, so a file
from a stranger can at worst be refused, and it is refused before anything is built: what the
description calls for must be there, array by array.
"""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, GatedError, describe, shown
from gated.files.tensor_file import open_tensors, write_tensors

Claimed = Callable[[str, tuple[int, ...], str], None]  # name, shape and dtype of a parameter


def save_model(path: str | os.PathLike[str], kind: str, network: Any, documents: Mapping[str, Any]) -> None:
    """Write a network and what belongs to it; the file appears whole or not at all.

    Args:
        path: of the file.
        kind: what the file is, such as "my model"; `load_model` asks for it.
        network: a `gated.Network`.
        documents: name -> JSON-able value.

    Raises:
        ArgumentError, ArgumentTypeError: something could not be read back: an array that is not finite, a layer of a
            kind that no file describes, a document that JSON cannot hold or whose name is taken. Nothing is written
            then.
    """
    if not isinstance(documents, Mapping):
        raise ArgumentTypeError(f"documents: got {describe(documents)}, expected a dict of names and JSON values")
    if "network" in documents:
        raise ArgumentError("documents: got one called 'network', expected another name: the description is under it")
    from gated.nn import Network

    if not isinstance(network, Network):
        expected = "a gated.Network: Network({'rnn': layer})"
        raise ArgumentTypeError(f"network: got {shown(network)}, expected {expected}")
    config = network.config()
    check_description(config, network)
    write_tensors(path, kind, network.arrays(), {"network": config, **documents})


def load_model(
    path: str | os.PathLike[str], kind: str | tuple[str, ...], documents: Iterable[str] = ()
) -> tuple[Any, dict[str, Any]]:
    """Read what `save_model` wrote.

    Args:
        path: of the file.
        kind: with which it was written, or several of which it is one.
        documents: names of those that are wanted.

    Returns:
        the network, {name: document}.

    Raises:
        ArgumentError: there is no such file.
        FileFormatError: anything about it is wrong.
    """
    with open_tensors(path, kind) as file:
        found = {name: file.document(name) for name in documents}
        arrays = _Arrays(file.shapes, file.dtypes)
        network = rebuild(file.path, file.document("network", dict), arrays.compare)
        arrays.refuse_others(file.path)
        for name, array in network.arrays().items():
            array[...] = file.read(name)
    return network, found


def save_models(path: str | os.PathLike[str], kind: str, networks: Sequence[Any], documents: Mapping[str, Any]) -> None:
    """As `save_model`, several networks of one description: the arrays of number k are "k.<name>".

    Raises:
        ArgumentError, ArgumentTypeError: as there, or the descriptions differ.
    """
    config = networks[0].config()
    if any(network.config() != config for network in networks):
        raise ArgumentError("networks: got several descriptions, expected one for all")
    check_description(config, networks[0])
    arrays = {f"{k}.{name}": array for k, own in enumerate(networks) for name, array in own.arrays().items()}
    write_tensors(path, kind, arrays, {"network": config, "networks": len(networks), **documents})


def load_models(
    path: str | os.PathLike[str], kind: str | tuple[str, ...], documents: Iterable[str] = ()
) -> tuple[list[Any], dict[str, Any]]:
    """Read what `save_models` wrote. Arguments and errors as of `load_model`."""
    with open_tensors(path, kind) as file:
        found = {name: file.document(name) for name in documents}
        count = file.document("networks", int)
        if not 1 <= count <= len(file.shapes):
            raise FileFormatError(
                f"{file.path!r}: got {shown(count, 20)} networks, expected as many as there are arrays"
            )
        arrays = _Arrays(file.shapes, file.dtypes)

        def claimed(name: str, shape: tuple[int, ...], dtype: str) -> None:
            for k in range(count):
                arrays.compare(f"{k}.{name}", shape, dtype)

        networks = [rebuild(file.path, file.document("network", dict), claimed)]
        arrays.refuse_others(file.path)
        networks += [copy.deepcopy(networks[0]) for _ in range(count - 1)]
        for k, network in enumerate(networks):
            for name, array in network.arrays().items():
                array[...] = file.read(f"{k}.{name}")
    return networks, found


def rebuild(path: str, config: Any, claimed: Claimed) -> Any:
    """The network that a description calls for, with fresh parameters.

    Args:
        path: what an error begins with.
        config: of `network.config()`, or whatever a file has there.
        claimed: is asked about each parameter before anything is built, and raises FileFormatError to refuse.

    Raises:
        FileFormatError: whatever is wrong with the description.
    """
    from gated.nn import network_from_config

    try:
        return network_from_config(config, claimed)
    except GatedError as error:
        raise FileFormatError(f"{path!r}: {shown(' '.join(str(error).split()), 220)}") from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError) as error:
        reason = shown(" ".join(f"{type(error).__name__}: {error}".split()))
        raise FileFormatError(f"{path!r}: got a damaged description of the network ({reason})") from None


def check_description(config: Any, network: Any) -> None:
    """That `rebuild` would take a description and find each parameter of the network.

    Raises:
        ArgumentError: it would not.
    """
    from gated.nn.claims import claims

    shapes = {**network.params.shapes, **network.params.fixed_shapes}
    arrays = _Arrays(shapes, dict.fromkeys(shapes, network.dtype.name))
    try:
        for claim in claims(config):
            arrays.compare(*claim)
        arrays.refuse_others("network")
    except FileFormatError as error:
        reason = shown(" ".join(str(error).split()).removeprefix("network: "), 200)
        raise ArgumentError(f"network: got one that could not be read back ({reason}), expected one that can") from None


def numbers_at_most(count: int) -> Claimed:
    """A `claimed` for `rebuild`: it refuses as soon as the parameters have too many numbers.

    Args:
        count: so many are allowed.
    """
    left = count

    def claimed(name: str, shape: tuple[int, ...], dtype: str) -> None:
        nonlocal left
        left -= math.prod(shape)
        if left < 0:
            raise FileFormatError(f"network: got sizes that need more than the {count} parameters that are there")

    return claimed


class _Arrays:
    """The arrays that there are, with which the claims of a description are compared one by one."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtypes: Mapping[str, str]) -> None:
        self.shapes, self.dtypes = shapes, dtypes
        self._seen: set[str] = set()

    def compare(self, name: str, shape: tuple[int, ...], dtype: str) -> None:
        came = self.shapes.get(name)
        if came is None:
            raise FileFormatError(f"got no array {shown(name)}, expected one of shape {shape}")
        if name in self._seen:
            raise FileFormatError(f"got two parameters {shown(name)} in the description, expected one")
        if came != shape:
            raise FileFormatError(f"got shape {shown(came, 60)} for {shown(name)}, expected {shape}")
        if self.dtypes[name] != dtype:
            raise FileFormatError(f"got {self.dtypes[name]} for {shown(name)}, expected {dtype}")
        self._seen.add(name)

    def refuse_others(self, where: str) -> None:
        """Raise for an array that nothing called for."""
        for name in self.shapes:
            if name not in self._seen:
                raise FileFormatError(f"{where!r}: got an array {shown(name)}, expected none of this name")
