"""What the description of a network calls for, by arithmetic alone: nothing is built.

A description may come from a stranger's file. `claims` gives its parameters one after the other, so that a reader can
compare each with what the file holds and stop at the first that is not there, before memory is taken for any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gated.errors import FileFormatError, GatedError, shown, wrong
from gated.nn import checks
from gated.nn.kinds import KINDS, TIED, expected_kinds

Shape = tuple[int, ...]
Description = Mapping[str, Any]

ARRAYS = 20_000  # parameters of a network under all their names: these take memory besides the numbers
LAYERS = 1_000  # of a network, tied ones and those of networks in it each time that they run
NODES = 16_384  # values and operations of the cells of all layers: 500 LSTMs, or 16 of the longest cells there may be
DEPTH = 20  # networks within each other
UNSEEN = 1_000_000  # length of a vector that no parameter has: nothing in a file tells that it is true
BEGINNINGS = ("backend", "forget_bias", "init", "seed")  # options of how to begin, which no description holds


@dataclass
class Weight:
    """What a layer takes: parameters under all their names, layers that run, values and operations of its cell."""

    arrays: int = 0
    layers: int = 0
    nodes: int = 0
    depth: int = 0  # layers within each other, of no network

    def add(self, other: Weight) -> None:
        """Raises FileFormatError if it becomes more than a network may take."""
        self.arrays += other.arrays
        self.layers += other.layers
        self.nodes += other.nodes
        limits = (
            (self.arrays, ARRAYS, "parameters under all their names"),
            (self.layers, LAYERS, "layers that run"),
            (self.nodes, NODES, "values and operations in the cells of all layers"),
        )
        for count, most, what in limits:
            if count > most:
                raise FileFormatError(f"network: got more than {most} {what}, expected fewer")


def entries(config: Any) -> Iterator[tuple[str, Description]]:
    """(name, description) of each layer; of a tied one {"kind": "tied", "to": the name of one before}.

    Raises:
        FileFormatError: `config` is not the description of a network.
    """
    if not isinstance(config, Mapping) or config.get("kind") != "network" or not isinstance(config.get("layers"), list):
        raise FileFormatError("network: expected an object of kind 'network' with a list of layers")
    names: set[str] = set()
    for entry in config["layers"]:
        if not (isinstance(entry, (list, tuple)) and len(entry) == 2 and isinstance(entry[1], Mapping)):
            raise FileFormatError("network: each layer must be [name, object]")
        name, own = entry
        if not isinstance(name, str) or name in names:
            raise FileFormatError(f"network: '{shown(name)}' cannot be the name of a layer, expected different texts")
        kind = own.get("kind")
        if not isinstance(kind, str) or kind not in (*KINDS, TIED):
            came = f"layer '{shown(name)}' is of kind '{shown(kind, 40)}'"
            raise FileFormatError(f"network: {came}, {expected_kinds(kind)}")
        if kind == TIED and not (isinstance(own.get("to"), str) and own["to"] in names):
            raise FileFormatError(f"network: layer '{shown(name)}' is tied to no layer before it")
        _refuse_beginnings(f"network: layer '{shown(name)}'", own)
        names.add(name)
        yield name, own


def _refuse_beginnings(what: str, own: Description) -> None:
    for key in BEGINNINGS:
        if key in own:
            raise FileFormatError(f"{what} has {key!r}, expected none in a description")


def claims(config: Any) -> Iterator[tuple[str, Shape, str]]:
    """(name, shape, dtype) of every parameter, in the order of theta; of tied ones once.

    Raises:
        FileFormatError: `config` is not the description of a network, or calls for more than `ARRAYS` parameters,
            `LAYERS` layers, `NODES` values and operations or `DEPTH` networks within each other.
    """
    yield from _network(config, Weight(), 1)


def _network(config: Any, whole: Weight, depth: int) -> Iterator[tuple[str, Shape, str]]:
    if depth > DEPTH:
        raise FileFormatError(f"network: got more than {DEPTH} networks within each other, expected fewer")
    weights: dict[str, Weight] = {}
    for name, own in entries(config):
        if own["kind"] == TIED:
            weight = weights[own["to"]]
        else:
            weight = Weight()
            layer = _network(own, weight, depth + 1) if own["kind"] == "network" else _layer(name, own, weight)
            for key, shape, dtype in layer:
                yield f"{name}.{key}", shape, dtype
        weights[name] = weight
        whole.add(weight)


def _layer(name: str, own: Description, weight: Weight) -> Iterator[tuple[str, Shape, str]]:
    weight.layers += 1
    try:
        dtype = own.get("dtype", "float32")
        if dtype not in checks.DTYPES:
            raise wrong("dtype", f"'{shown(dtype, 40)}'", "'float32' or 'float64'")
        for key, shape in KINDS[own["kind"]].claims(own, weight):
            weight.arrays += 1
            yield key, shape, dtype
    except FileFormatError:
        raise
    except GatedError as error:
        raise FileFormatError(f"network: layer '{shown(name)}' cannot be built: {shown(error, 150)}") from None


def inner_claims(own: Any, weight: Weight, prefix: str) -> Iterator[tuple[str, Shape]]:
    """For the `claims` of a layer that holds another one: those of the other, with the prefix before their names.

    Args:
        own: the other's description; a network's is none that a layer may hold.
        weight: of the layer that holds it, as `claims` is given it.
    """
    kind = own.get("kind") if isinstance(own, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS or kind == "network":
        raise FileFormatError(f"network: a layer in a layer is of kind '{shown(kind, 40)}', {expected_kinds(kind)}")
    _refuse_beginnings("network: a layer in a layer", own)
    weight.layers += 1
    weight.depth += 1
    if weight.depth > DEPTH:
        raise FileFormatError(f"network: got more than {DEPTH} layers within each other, expected fewer")
    yield from ((prefix + name, shape) for name, shape in KINDS[kind].claims(own, weight))
    weight.depth -= 1


def __getattr__(name: str) -> Any:
    if name == "CLAIMS":  # once a table beside that of the kinds
        return {kind: layer.claims for kind, layer in KINDS.items() if kind != "network"}
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
