"""What flows through a network that is no chain during one call: arrays by their source, and their adjoints.

An array is a sequence, (T, N, ...), with the length of one of the network's inputs; or it has no steps, (N, ...): then
it is the same at all of them. Legend: T steps, N sequences, K levels and directions of a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gated.backends import backend_of
from gated.errors import as_array, describe, wrong, wrong_type
from gated.nn.network_checks import batch_first, running
from gated.nn.packing import checked_lengths
from gated.nn.stack import Stack
from gated.nn.wiring import Source, Wire, Wiring

Array = np.ndarray[Any, Any]


class Value(NamedTuple):
    """An array, and the input whose steps it has; None if it has none."""

    array: Array
    timed: str | None


class Joined(NamedTuple):
    """How a layer's x was put together: for each source its numbers, and whether it was given at every step."""

    widths: tuple[int, ...]
    repeated: tuple[bool, ...]
    timed: str | None


class Flow:
    """The values of one forward pass.

    Args:
        network: a WiredNetwork.
        x: input -> array, of all of them; of one, the array alone.
        lengths: (N,), or input -> (N,).
        without: an input that is not there.

    Raises:
        ArgumentError, ArgumentTypeError: something does not fit.
    """

    def __init__(self, network: Any, x: Any, lengths: Any = None, without: str | None = None) -> None:
        self._network, self.turned = network, batch_first(network)
        wiring: Wiring = network.wiring
        names = [name for name in wiring.inputs if name != without]
        arrays = _by_name(names, x)
        self.values: dict[Source, Value] = {}
        self.sequences: int | None = None
        self.lengths = _lengths(names, lengths)
        for name in names:
            self.values[Source(name)] = self._input(name, as_array(name, arrays[name]))
        for name in self.lengths:
            if self.values[Source(name)].timed is None:
                raise wrong(f"lengths[{name!r}]", "lengths of what has no steps", "none")

    def _input(self, name: str, array: Array) -> Value:
        ids = any(Source(name) in wire.x and takes_ids(self._layer(key)) for key, wire in self._wires.items())
        axes = array.ndim - (0 if ids else 1)
        if axes not in (1, 2) or array.size == 0 or (ids and array.dtype.kind not in "iu"):
            shapes = ("N, T", "N") if self.turned else ("T, N", "N")
            expected = " or ".join(f"({shape})" if ids else f"({shape}, size)" for shape in shapes)
            raise wrong(f"x[{name!r}]", describe(array), f"{'ids' if ids else 'numbers'} {expected}, none of them 0")
        count = array.shape[0] if axes == 1 or self.turned else array.shape[1]
        self.sequences = count if self.sequences is None else self.sequences
        if count != self.sequences:
            raise wrong(f"x[{name!r}]", f"{count} sequences", f"{self.sequences}, as in the inputs before")
        if axes == 1:
            return Value(array, None)
        steps = array.shape[1 if self.turned else 0]
        if name in self.lengths:
            self.lengths[name] = checked_lengths(self.lengths[name], steps, count)
            if ids:  # what pads a sequence may be no id
                array = np.where(running(self.lengths[name], steps, self.turned), array, 0)
        return Value(array, name)

    @property
    def _wires(self) -> Mapping[str, Wire]:
        return self._network.wiring.wires

    def _layer(self, name: str) -> Any:
        return self._network.layers[name]

    # forward

    def joined(self, name: str) -> tuple[Array, Joined]:
        """x of a layer, and how it was put together."""
        sources = self._wires[name].x
        values = [self.values[source] for source in sources]
        timed = next((value.timed for value in values if value.timed is not None), None)
        if isinstance(self._layer(name), Stack) and timed is None:
            raise wrong("x", f"no steps of {sources[0].name!r}, which {name!r} reads", "a sequence")
        if len(values) == 1:
            return values[0].array, Joined((values[0].array.shape[-1],), (False,), timed)
        lead = next((value.array.shape[:2] for value in values if value.timed is not None), None)
        parts = []
        for source, value in zip(sources, values, strict=True):
            array = value.array
            if array.dtype.kind in "iu":
                raise wrong_type(f"x[{source.name!r}]", "ids beside numbers", "an Embedding that reads them first")
            if value.timed is not None and array.shape[:2] != lead:
                raise wrong(f"x[{value.timed!r}]", f"shape {array.shape[:2]}", f"{lead}, as {name!r} reads beside it")
            if value.timed is None and lead is not None:
                array = np.broadcast_to(array[:, None] if self.turned else array[None], (*lead, array.shape[-1]))
            parts.append(array)
        repeated = tuple(value.timed is None and lead is not None for value in values)
        whole = np.concatenate(parts, axis=-1, dtype=parts[0].dtype)
        return whole, Joined(tuple(part.shape[-1] for part in parts), repeated, timed)

    def lengths_of(self, timed: str | None) -> Array | None:
        return None if timed is None else self.lengths.get(timed)

    def initial(self, name: str, given: Any) -> Any:
        """The state in which a layer begins: what is given goes before what is wired; None for zeros."""
        wired = self._wires[name].states
        if given is not None or not wired:
            return given
        layer = self._layer(name)
        states = list(layer.initial_state(self.sequences))
        for k, own in enumerate(layer.cell.states):
            if own in wired:
                states[k] = self._as_state(wired[own], states[k].shape)
        return tuple(states)

    def _as_state(self, source: Source, shape: tuple[int, ...]) -> Array:
        """(N, K * H) numbers as a state (K, N, H)."""
        value, (levels, sequences, size) = self.values[source], shape
        if value.timed is not None or value.array.shape != (sequences, levels * size):
            came = f"shape {value.array.shape}" + (", a sequence" if value.timed else "")
            raise wrong(f"state from {str(source)!r}", came, f"({sequences}, {levels * size})")
        return np.ascontiguousarray(value.array.reshape(sequences, levels, size).swapaxes(0, 1))

    def put(self, name: str, y: Array, timed: str | None, last: Any) -> None:
        """What a layer has made; its states only where somebody reads them."""
        layer = self._layer(name)
        self.values[Source(name)] = Value(y, None if is_stepless(layer) else timed)
        if isinstance(layer, Stack):
            for own, state in zip(layer.cell.states, last, strict=True):
                source = Source(name, own)
                if any(source in wire.sources() for wire in self._wires.values()):
                    rows = state.swapaxes(0, 1).reshape(state.shape[1], -1)
                    self.values[source] = Value(np.ascontiguousarray(rows), None)


class Adjoints:
    """The adjoints of a flow's values, summed over all who read them."""

    def __init__(self, network: Any, turned: bool) -> None:
        self._network, self._turned = network, turned
        self.found: dict[Source, Array] = {}

    def add(self, source: Source, adjoint: Array) -> None:
        before = self.found.get(source)
        both = [(adjoint,)] if before is None else [(before,), (adjoint,)]
        self.found[source] = adjoint if before is None else backend_of(self._network).sum_of_products(both)

    def split(self, name: str, dx: Array | None, joined: Joined) -> None:
        """The adjoint of a layer's x among its sources; None for ids."""
        if dx is None:
            return
        sources = self._network.wiring.wires[name].x
        if len(sources) == 1:
            return self.add(sources[0], dx)
        start = 0
        for source, width, repeated in zip(sources, joined.widths, joined.repeated, strict=True):
            own = dx[..., start : start + width]
            start += width
            self.add(source, np.ascontiguousarray(own.sum(axis=1 if self._turned else 0) if repeated else own))

    def begin(self, name: str, first: Any) -> None:
        """The adjoints of the state in which a layer began, to where it came from."""
        layer = self._network.layers[name]
        for own, source in self._network.wiring.wires[name].states.items():
            array = first[layer.cell.states.index(own)]
            self.add(source, np.ascontiguousarray(array.swapaxes(0, 1).reshape(array.shape[1], -1)))

    def of_output(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        found = self.found.get(Source(name))
        return np.zeros(shape, dtype) if found is None else found

    def of_states(self, name: str, given: Any, sequences: int) -> Any:
        """The adjoint of a layer's last state: what is given, and of those who read it; None for zeros."""
        layer = self._network.layers[name]
        if not isinstance(layer, Stack):
            return given
        sources = {k: Source(name, own) for k, own in enumerate(layer.cell.states)}
        read = {k: self.found[source] for k, source in sources.items() if source in self.found}
        if not read:
            return given
        states = list(layer.checked_state(f"dstate[{name!r}]", given, sequences))
        for k, rows in read.items():
            levels, _, size = states[k].shape
            own = np.ascontiguousarray(rows.reshape(sequences, levels, size).swapaxes(0, 1))
            states[k] = own if given is None else backend_of(layer).sum_of_products([(states[k],), (own,)])
        return tuple(states)


def is_stepless(layer: Any) -> bool:
    """Whether what a layer gives has no steps, whatever it reads."""
    return getattr(layer, "stepless", False) is True


def takes_ids(layer: Any) -> bool:
    parts = getattr(layer, "parts", None)
    return bool(getattr(next(parts())[1] if parts else layer, "id_count", 0))


def _by_name(names: Sequence[str], x: Any) -> Mapping[str, Any]:
    if not isinstance(x, Mapping):
        if isinstance(x, tuple) and len(x) == len(names) > 1:
            return dict(zip(names, x, strict=True))
        if len(names) == 1 and x is not None:
            return {names[0]: x}
        if not names and x is None:
            return {}
        expected = f"a dict with {', '.join(names)}" if names else "nothing"
        raise wrong_type("x", describe(x), expected)
    if set(x) != set(names):
        raise wrong("x", f"the names {', '.join(map(str, x)) or '(none)'}", ", ".join(names) or "none")
    return x


def _lengths(names: Sequence[str], lengths: Any) -> dict[str, Any]:
    if lengths is None:
        return {}
    if not isinstance(lengths, Mapping):
        if len(names) == 1:
            return {names[0]: lengths}
        raise wrong_type("lengths", describe(lengths), f"a dict: {{{names[0]!r}: (N,)}}, by inputs that have steps")
    for name in lengths:
        if name not in names:
            raise wrong("lengths", f"the name {name!r}", f"one of {', '.join(names)}")
    return {name: own for name, own in lengths.items() if own is not None}
