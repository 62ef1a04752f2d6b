"""Who reads what in a network that is no chain: a short notation, read and checked once.

A source is the output of a layer ("encoder"), the last state of a recurrent layer ("encoder.h"), or, by a name that no
layer has, an input of the network ("features"). What a layer reads is

    "embed"                              one source,
    ["embed", "features"]                several, side by side: numbers of all of them, in this order,
    {"x": "embed", "h": "bridge"}        and where a recurrent layer's state of this name begins; x as above,
    {"x": "embed", "state": "encoder"}   or where all of its states begin: as those of another one end.

A layer of which nothing is said reads the one before it, as in a chain. A state begins at N vectors of K * H numbers,
those of its K levels and directions side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gated.errors import ArgumentError, describe, shown, wrong, wrong_type
from gated.nn.network_checks import is_name
from gated.nn.stack import Stack

WIDTHS = "the numbers of its sources side by side"


class Source(NamedTuple):
    """A layer's output or an input; with `state` the last state of a recurrent layer."""

    name: str
    state: str | None = None

    def __str__(self) -> str:
        return self.name if self.state is None else f"{self.name}.{self.state}"


@dataclass(frozen=True)
class Wire:
    """What a layer reads: x, and by name the states that begin somewhere."""

    x: tuple[Source, ...]
    states: Mapping[str, Source]

    def sources(self) -> Iterable[Source]:
        yield from self.x
        yield from self.states.values()


@dataclass(frozen=True)
class Wiring:
    """All of it.

    Attributes:
        wires: layer -> what it reads, in the order of the layers.
        inputs: names of the network's inputs, in the order in which they are first read.
    """

    wires: Mapping[str, Wire]
    inputs: tuple[str, ...]

    @classmethod
    def of(cls, layers: Mapping[str, Any], wires: Any) -> Wiring:
        """Read the notation.

        Raises:
            ArgumentError, ArgumentTypeError: it is wrong, or sizes do not fit; the message names the layer.
        """
        if not isinstance(wires, Mapping):
            raise wrong_type("wires", describe(wires), "a dict: layer -> what it reads, such as {'head': 'rnn'}")
        for name in wires:
            if name not in layers:
                raise wrong("wires", f"the name {shown(repr(name), 60)}", f"names of layers: {', '.join(layers)}")
        found: dict[str, Wire] = {}
        inputs: list[str] = []
        before: str | None = None
        for name, layer in layers.items():
            if name not in wires and before is None:
                raise wrong("wires", f"none for {name!r}, the first layer", f"{{{name!r}: 'x'}}, x being an input")
            reader = _Reader(name, layer, layers, [*found])
            wire = reader.read(wires.get(name, before))
            for source in wire.sources():
                if source.name not in layers and source.name not in inputs:
                    inputs.append(source.name)
            found[name], before = wire, name
        read = {source.name for wire in found.values() for source in wire.sources()}
        for name in list(layers)[:-1]:
            if name not in read:
                raise wrong("wires", f"nobody who reads {name!r}", "a layer that does: only the last one gives y")
        return cls(found, tuple(inputs))

    def to_json(self) -> dict[str, Any]:
        """The notation again, nothing left out."""
        return {
            name: {"x": [str(s) for s in wire.x], **{state: str(s) for state, s in wire.states.items()}}
            for name, wire in self.wires.items()
        }


class _Reader:
    """Reads what one layer reads."""

    def __init__(self, name: str, layer: Any, layers: Mapping[str, Any], before: list[str]) -> None:
        self.where, self.layer, self.layers, self.before = f"wires[{name!r}]", layer, layers, before

    def read(self, given: Any) -> Wire:
        if not isinstance(given, Mapping):
            given = {"x": given}
        if "x" not in given:
            raise wrong(self.where, f"{', '.join(map(str, given)) or 'nothing'} alone", "what the layer reads as 'x'")
        states = self._states({key: value for key, value in given.items() if key != "x"})
        return Wire(self._joined(given["x"]), states)

    def _joined(self, given: Any) -> tuple[Source, ...]:
        several = [given] if isinstance(given, str) else given
        if not isinstance(several, (list, tuple)) or not several:
            raise wrong_type(f"{self.where}['x']", describe(given), "a source, or a list of some")
        sources = tuple(self._source("x", one) for one in several)
        wanted, widths = getattr(self.layer, "input_size", None), [self._width(source) for source in sources]
        known = sum(width for width in widths if width is not None)
        if wanted is not None and (known != wanted if None not in widths else known >= wanted):
            came = " + ".join("?" if width is None else str(width) for width in widths)
            raise wrong(f"{self.where}['x']", f"{came} numbers for input_size {wanted}", WIDTHS)
        if wanted is None and len(sources) > 1:
            raise wrong(f"{self.where}['x']", f"{len(sources)} sources", "one: the layer takes no numbers side by side")
        return sources

    def _states(self, given: Mapping[Any, Any]) -> dict[str, Source]:
        if not given:
            return {}
        if not isinstance(self.layer, Stack):
            raise wrong(self.where, f"a state {shown(repr(next(iter(given))), 40)}", "x alone: the layer has no state")
        own = dict(zip(self.layer.cell.states, self.layer.state_sizes, strict=True))
        if "state" in given and "state" not in own:
            if len(given) > 1:
                raise wrong(self.where, "'state' beside single states", "one of the two")
            other = self._stack(given["state"])
            if other.cell.states != self.layer.cell.states:
                came = f"{given['state']!r} with the states {', '.join(other.cell.states)}"
                raise wrong(f"{self.where}['state']", came, f"a layer with the states {', '.join(own)}")
            given = {name: f"{given['state']}.{name}" for name in own}
        found = {}
        for name, source in given.items():
            if name not in own:
                known = "x, state, " + ", ".join(own)
                raise wrong(self.where, f"the name {shown(repr(name), 40)}", f"one of {known}")
            found[name] = self._source(name, source)
            size, width = _levels(self.layer) * own[name], self._width(found[name])
            if width is not None and width != size:
                expected = f"{size}: {_levels(self.layer)} levels and directions of {own[name]}"
                raise wrong(f"{self.where}[{name!r}]", f"{width} numbers of {str(found[name])!r}", expected)
        return found

    def _source(self, key: str, given: Any) -> Source:
        where = f"{self.where}[{key!r}]"
        if not isinstance(given, str):
            raise wrong_type(where, describe(given), "the name of a layer or of an input")
        name, dot, state = given.partition(".")
        if not is_name(name) or (dot and not is_name(state)):
            raise wrong(where, shown(repr(given), 60), "a name such as 'embed', or 'encoder.h' for a last state")
        if name in self.layers and name not in self.before:
            raise wrong(where, repr(name), "a layer that comes before it: layers run in the order of the dict")
        if not dot:
            return Source(name)
        cell = self._stack(name, where).cell
        if state not in cell.states:
            raise wrong(where, repr(given), f"a state of {name!r}: {', '.join(cell.states)}")
        return Source(name, state)

    def _stack(self, name: Any, where: str = "") -> Stack:
        layer = self.layers[name] if isinstance(name, str) and name in self.before else None
        if not isinstance(layer, Stack):
            raise wrong(where or f"{self.where}['state']", shown(repr(name), 60), "a recurrent layer that comes before")
        return layer

    def _width(self, source: Source) -> int | None:
        """Numbers of a source; None if nobody knows yet."""
        layer = self.layers.get(source.name)
        if source.state is None:
            size = getattr(layer, "output_size", None)
            return size if isinstance(size, int) else None
        if not isinstance(layer, Stack):
            raise ArgumentError(self.where)
        return _levels(layer) * layer.state_sizes[layer.cell.states.index(source.state)]


def _levels(layer: Stack) -> int:
    """K: levels and directions."""
    return layer.num_layers * layer.directions
