"""A network that is no chain as a stream: one of its inputs step by step, what the others give made beforehand.

N sequences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gated.errors import describe, wrong, wrong_type
from gated.nn import checks
from gated.nn.network_checks import check_state, has_state
from gated.nn.network_stream import NetworkStream, drawn_one_by_one, one_by_one
from gated.nn.wired_flow import Flow, is_stepless, takes_ids
from gated.nn.wiring import Source

if TYPE_CHECKING:
    from gated.nn.network import States
    from gated.nn.wired_network import WiredNetwork

Array = np.ndarray[Any, Any]


class WiredStream(NetworkStream):
    """Made by `WiredNetwork.stream`. Not to be used from two threads at once."""

    def __init__(self, network: WiredNetwork, x: Any, state: States | None, lengths: Any, batch: int) -> None:
        check_state(network.layers, state, "state")
        self._network = network
        self.input = missing = _missing(network, x)
        flow = Flow(network, x, lengths, without=missing)
        self._batch = flow.sequences = flow.sequences or checks.size("batch", batch)
        steps = _WiredSteps(network, missing, flow, state, self._batch)
        readers = [network.layers[name] for name, wire in network.wiring.wires.items() if Source(missing) in wire.x]
        self._count = min((reader.id_count for reader in readers if takes_ids(reader)), default=0)
        self._wanted = (self._batch,) if self._count else (self._batch, steps.width_of(missing))
        self._steps = steps
        self._steps.reset(state)

    def select(self, rows: Any) -> None:
        """Go on with some of the sequences, perhaps one several times, in the place of all: as beams do.

        Args:
            rows: (N,) which of the N each is to go on from.
        """
        chosen = self._chosen(rows)
        self._steps.fix(chosen)
        super().select(chosen)


class _WiredSteps:
    """The layers that run step by step. Those at the end that are a chain are one call."""

    def __init__(self, network: Any, missing: str, flow: Flow, state: Any, batch: int) -> None:
        self._network, self._flow, self._missing = network, flow, missing
        wires, moving = network.wiring.wires, {missing}
        tail = network.tail
        for name, wire in wires.items():
            own = moving.intersection(source.name for source in wire.x)
            ends = [source for source in wire.sources() if source.state is not None and source.name in moving]
            if ends or moving.intersection(source.name for source in wire.states.values()):
                raise wrong("x", f"no {missing!r}, at whose end {name!r} begins", "a sequence whose end is known")
            if not own:
                network._inferred(name, flow, state)
                continue
            if is_stepless(network.layers[name]):
                raise wrong("x", f"no {missing!r}, for whose end {name!r} waits", "a sequence whose end is known")
            for source in wire.sources():
                if source.name not in moving and flow.values[source].timed is not None:
                    came = f"a sequence from {str(source)!r} beside single steps in {name!r}"
                    raise wrong("x", came, "numbers without steps")
            moving.add(name)
        self.names = [name for name in wires if name in moving]
        if self.names[-1:] != list(wires)[-1:]:
            raise wrong("x", f"no {missing!r}, of which the output does not depend", "another input left out")
        self._fixed = {source: value.array for source, value in flow.values.items()}
        self._begin = {name: flow.initial(name, None) for name in self.names if has_state(network.layers[name])}
        whole = tail is not None and all(name in moving for name in tail.layers) and not tail.linked.chain.turned
        single = self.names[: self.names.index(tail.first)] if whole else self.names
        self._steps = {name: one_by_one(network.layers[name], batch) for name in single}
        self._end = NetworkStream(tail, batch, None) if whole else None
        self._tail = tail if whole else None

    def width_of(self, missing: str) -> int:
        """Numbers of the input at a step."""
        for name, wire in self._network.wiring.wires.items():
            if Source(missing) in wire.x:
                others = [self._size(source) for source in wire.x if source != Source(missing)]
                return int(self._network.layers[name].input_size) - sum(others)
        raise AssertionError

    def _size(self, source: Source) -> int:
        if source in self._fixed:
            return int(self._fixed[source].shape[-1])
        return int(self._network.layers[source.name].output_size)

    def _x(self, name: str, made: Mapping[Source, Array]) -> Array:
        parts = [
            made[source] if source in made else self._fixed[source] for source in self._network.wiring.wires[name].x
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

    def step(self, x_t: Any) -> Array:
        x = np.asarray(x_t).reshape(-1) if type(x_t) is int else x_t
        made = {Source(self._missing): x}
        for name, step in self._steps.items():
            made[Source(name)] = np.asarray(step.step(self._x(name, made))).copy()
        if self._end is None or self._tail is None:
            return made[Source(self.names[-1])]
        return self._end.step(self._x(self._tail.first, made))

    def draw(self, ids: Array, uniforms: Array, *how: Any) -> Array:
        if self._end is not None and not self._steps and len(self._network.wiring.wires[self.names[0]].x) == 1:
            return self._end.draw(ids, uniforms, *how)
        return drawn_one_by_one(self._network, self.step, ids, uniforms, how)

    def reset(self, state: Any) -> None:
        begin = {name: own for name, own in self._begin.items() if own is not None} | dict(state or {})
        for name, step in self._steps.items():
            step.reset(begin.get(name))
        if self._end is not None and self._tail is not None:
            self._end.reset({name: own for name, own in begin.items() if name in self._tail.layers})

    @property
    def state(self) -> States:
        found = {name: step.state for name, step in self._steps.items() if has_state(self._network.layers[name])}
        return found | ({} if self._end is None else self._end.state)

    def refresh(self) -> None:
        for step in self._steps.values():
            step.refresh()
        if self._end is not None:
            self._end.refresh()

    def fix(self, rows: Array) -> None:
        """What does not move, of these sequences."""
        self._fixed = {source: array[rows] for source, array in self._fixed.items() if not self._is_timed(source)}
        self._begin = {name: own and tuple(a[:, rows] for a in own) for name, own in self._begin.items()}

    def _is_timed(self, source: Source) -> bool:
        return self._flow.values[source].timed is not None


def _missing(network: Any, x: Any) -> str:
    """The input that runs step by step: the one that is not given."""
    if not isinstance(x, (Mapping, type(None))):
        raise wrong_type("x", describe(x), f"a dict of inputs, all but one of {', '.join(network.inputs)}")
    left = [name for name in network.inputs if name not in (x or {})]
    if len(left) != 1 or len(x or {}) != len(network.inputs) - 1:
        came = f"the inputs {', '.join(map(str, x or {})) or '(none)'}"
        raise wrong("x", came, f"all but one of {', '.join(network.inputs)}")
    return left[0]
