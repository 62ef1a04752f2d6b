"""A network that need not be a chain: several inputs, inputs side by side, states that begin where others end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gated.backends import backend_of
from gated.errors import wrong
from gated.nn.network import Network, States
from gated.nn.network_checks import has_state, running
from gated.nn.parameters import ParameterVector
from gated.nn.refusals import refuse_tape
from gated.nn.segment import Segment, tail_of
from gated.nn.wired_flow import Adjoints, Flow, Joined, is_stepless
from gated.nn.wired_stream import WiredStream
from gated.nn.wiring import Wiring

Array = np.ndarray[Any, Any]


class Taped(NamedTuple):
    """What a layer's forward pass leaves for its backward pass."""

    tape: Any
    joined: Joined
    given: bool  # whether it began in a state from outside: then the adjoint goes to nobody
    shape: tuple[int, ...]  # of its output


class WiredTape:
    """Of one forward pass; `layers[name]` is the tape of a layer, with its gates by name."""

    def __init__(self, network: WiredNetwork, flow: Flow) -> None:
        self.layer, self.flow, self.spans = network, flow, network._spans()
        self.taped: dict[str, Taped] = {}

    @property
    def layers(self) -> dict[str, Any]:
        return {name: own.tape for name, own in self.taped.items()}


class WiredNetwork(Network):
    """Named layers that read one another's outputs and states, as `wires` says.

    A captioner, for example: what a picture has becomes the state in which the words begin.

        WiredNetwork(
            {"project": Dense(512, 128), "embed": Embedding(99, 64), "rnn": LSTM(64, 128), "head": Dense(128, 99)},
            {"project": "features", "embed": "captions", "rnn": {"x": "embed", "h": "project"}},
        )

    Args:
        layers: name -> layer, in the order in which they run.
        wires: layer -> what it reads, see `gated.nn.wiring`: a source, a list of sources side by side, or a dict of
            these and of states. A source is a layer, "layer.h" for a last state of it, or the name of an input. A
            layer of which nothing is said reads the one before.

    Attributes:
        inputs: names of the inputs: `forward` takes a dict of them.

    Raises:
        ArgumentError, ArgumentTypeError: as `Network`, or something is wired wrongly.
    """

    is_chain = False
    _tail: Segment | None = None

    def __init__(self, layers: Mapping[str, Any], wires: Any, *more: Any) -> None:
        if not isinstance(layers, Mapping) or not layers:
            super().__init__(layers, *more)  # which says what is wrong
        self.wiring = Wiring.of(layers, wires)
        super().__init__(layers, *more)

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.wiring.inputs

    @property
    def input_size(self) -> Any:
        """None: an input's size is that of its layers."""
        return None

    @property
    def stepless(self) -> bool:  # type: ignore[override]
        """Whether the output has no steps though the inputs have some."""
        timed: dict[str, bool] = {}
        for name, wire in self.wiring.wires.items():
            steps = any(source.state is None and timed.get(source.name, True) for source in wire.x)
            timed[name] = steps and not is_stepless(self.layers[name])
        return not timed[name]

    @property
    def linked(self) -> str:
        return "its layers are no chain"

    @property
    def tail(self) -> Segment | None:
        """The layers at the end that are a chain, from which a backend makes whole passes; None if there are none."""
        if self._tail is None:
            self._tail = tail_of(self)
        return self._tail

    def _adopt(self, params: ParameterVector) -> None:
        super()._adopt(params)
        self._tail = None

    def links(self, start: int) -> None:
        return None

    # calls

    def _forward(
        self,
        x: Any,
        state: States | None,
        lengths: Any,
        rng: np.random.Generator | None,
        owned: bool,
        resets: Any = None,
    ) -> tuple[Array, States, Any]:
        _refuse_resets(resets)
        self._check_state(state)
        flow = Flow(self, x, lengths)
        tape = WiredTape(self, flow)
        last: States = {}
        for name in self.layers:
            y, after = self._taped(name, flow, tape, state, rng)
            if after:
                last[name] = after
        return y, last, tape

    def _taped(self, name: str, flow: Flow, tape: WiredTape, state: States | None, rng: Any) -> tuple[Array, Any]:
        """One layer's forward pass."""
        layer, given = self.layers[name], (state or {}).get(name)
        own, joined = flow.joined(name)
        begin = flow.initial(name, given)
        y, last, taped = layer.forward(own, begin, flow.lengths_of(joined.timed), rng=rng)
        tape.taped[name] = Taped(taped, joined, given is not None, y.shape)
        flow.put(name, y, joined.timed, last)
        return y, last

    def infer(
        self, x: Any, state: States | None = None, lengths: Any = None, *, resets: Any = None
    ) -> tuple[Array, States]:
        """As `forward`, without a tape and without dropout: the last layer's output, {name: last state}."""
        _refuse_resets(resets)
        self._check_state(state)
        flow, tail = Flow(self, x, lengths), self.tail
        last: States = {}
        for name in self.layers:
            found = self._tail_infer(tail, flow, state) if tail is not None and name == tail.first else None
            if found is not None:
                return found[0], last | found[1]
            y, after = self._inferred(name, flow, state)
            if after:
                last[name] = after
        return y, last

    def _inferred(self, name: str, flow: Flow, state: States | None) -> tuple[Array, Any]:
        layer = self.layers[name]
        own, joined = flow.joined(name)
        run = getattr(layer, "infer", None) or layer.forward
        y, last, *_ = run(own, flow.initial(name, (state or {}).get(name)), flow.lengths_of(joined.timed))
        flow.put(name, y, joined.timed, last)
        return y, last

    def _tail_infer(self, tail: Segment, flow: Flow, state: States | None) -> tuple[Array, States] | None:
        """Of all layers of the tail; None if there are no steps: then it is told by the one that wants them."""
        own, joined = flow.joined(tail.first)
        if joined.timed is None:
            return None
        return tail.infer(own, self.tail_state(tail, flow, state), flow.lengths_of(joined.timed))

    def tail_state(self, tail: Segment, flow: Flow, state: States | None) -> States:
        """In which states the layers of the tail begin."""
        names = [name for name, layer in tail.layers.items() if has_state(layer)]
        begin = {name: flow.initial(name, (state or {}).get(name)) for name in names}
        return {name: own for name, own in begin.items() if own is not None}

    def backward(self, tape: Any, dy: Any, dstate: States | None = None) -> tuple[Any, States, ParameterVector]:
        """The adjoints of the inputs by name (None for ids; of a single one alone), those of the states in which the
        layers began by name, the gradients as `params`.

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit, or parameters have changed since `forward`.
        """
        if not isinstance(tape, WiredTape) or tape.layer is not self:
            refuse_tape(tape, self)
        self._check_state(dstate, "dstate")
        adjoints, grads = Adjoints(self, tape.flow.turned), self.params.zeros(backend_of(self))
        first: States = {}
        for name in reversed(list(self.layers)):
            last = name == list(self.layers)[-1]
            self._back(name, tape, adjoints, grads, first, dy if last else None, dstate)
        return self._of_inputs(adjoints), first, grads

    def _back(
        self,
        name: str,
        tape: WiredTape,
        adjoints: Adjoints,
        grads: ParameterVector,
        first: States,
        dy: Any = None,
        dstate: States | None = None,
    ) -> None:
        """One layer's backward pass."""
        layer, taped = self.layers[name], tape.taped[name]
        dy = adjoints.of_output(name, taped.shape, self.dtype) if dy is None else dy
        after = adjoints.of_states(name, (dstate or {}).get(name), tape.flow.sequences or 0)
        dx, before, own = layer.backward(taped.tape, dy, after)
        start, stop = tape.spans[name]
        backend_of(self).add(own.vector, grads.vector[start:stop])
        adjoints.split(name, dx, taped.joined)
        if before:
            first[name] = before
            if not taped.given:
                adjoints.begin(name, before)

    def _of_inputs(self, adjoints: Adjoints) -> Any:
        found = {source.name: array for source, array in adjoints.found.items() if source.name in self.inputs}
        by_name = {name: found.get(name) for name in self.inputs}
        return by_name if len(by_name) > 1 else next(iter(by_name.values()))

    def stream(self, x: Any = None, state: States | None = None, *, lengths: Any = None, batch: int = 1) -> WiredStream:  # type: ignore[override]
        """One time step at a time of one input, the others given whole.

        Args:
            x: input -> array, of all inputs but that one.
            state: of the layers that run step by step, {name: state}: it goes before what is wired.
            lengths: of the inputs that are given, by name.
            batch: N, where no other input tells it.

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit, or a layer that runs step by step is bidirectional
                or reads a sequence that is given.
        """
        return WiredStream(self, x, state, lengths, batch)

    def inside(self, x: Any, lengths: Any) -> Array:
        """Where the output has a row: True, but beyond the lengths; (T, N), or (N,) if it has no steps."""
        flow = Flow(self, x, lengths)
        lead: dict[str, tuple[tuple[int, ...], str | None]] = {}
        for source, value in flow.values.items():
            axes = 1 if value.timed is None else 2
            lead[source.name] = value.array.shape[:axes], value.timed
        for name, wire in self.wiring.wires.items():
            read = [lead[source.name] if source.state is None else ((flow.sequences or 0,), None) for source in wire.x]
            lead[name] = max(read, key=lambda own: len(own[0]))
            if is_stepless(self.layers[name]):
                lead[name] = (flow.sequences or 0,), None
        shape, timed = lead[name]
        own = flow.lengths_of(timed)
        return np.ones(shape, bool) if own is None else running(own, shape[1 if flow.turned else 0], flow.turned)

    # files, copies

    def config(self) -> dict[str, Any]:
        return {**super().config(), "wires": self.wiring.to_json()}

    def explain(self) -> str:
        """Which layers a step of training runs in one call of machine code, and why it does not run the others so."""
        tail = self.tail
        together = [] if tail is None else list(tail.layers)
        lines = [f"the layers {', '.join(together)} and the loss are one call of machine code"] if together else []
        for name in self.layers:
            if name not in together:
                lines.append(f"  {name}: a call of its own forward, another one backward, for the layers are no chain")
        return "\n".join(lines)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({key: value for key, value in state.items() if key not in ("layers", "_tail")})
        Network.__init__(self, state["layers"])

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in super().__getstate__().items() if key != "_tail"}

    def __repr__(self) -> str:
        return f"Wired{super().__repr__()[:-1]}; reads {', '.join(self.inputs)})"


def _refuse_resets(resets: Any) -> None:
    if resets is not None:
        raise wrong("resets", "some for a network that is no chain", "None: they are for a chain of layers")
