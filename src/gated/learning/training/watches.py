"""Callbacks that watch what tells of trouble: the gradient's norm, and gates that are always open or shut.

A gate is what the equations of a cell put through a sigmoid. One that is near 0 or 1 lets hardly any gradient through
to what moves it: sigmoid' = s(1 − s). T steps, N sequences, H units.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gated.data.sequences import Sequences
from gated.errors import FileFormatError, wrong_type
from gated.learning.training.callbacks import Callback
from gated.learning.training.records import is_number
from gated.nn.tape import Tape
from gated.number_checks import whole_above_zero, within

if TYPE_CHECKING:
    from gated.learning.training.loop import Update
    from gated.learning.training.run import Run

Array = np.ndarray[Any, Any]


class GateWatch(Callback):
    """How many values of each gate are near 0 or 1, in every so many updates, over one batch.

    Metrics get "gates": for each gate, such as "rnn.f" or "rnn.l1.f", the parts of all values that are `low` and
    `high`, and `stuck`, the part of the units that are one of them at every step of every sequence.

    Args:
        batch: over which the network runs, a `Sequences` or a tuple as for `full_step`; its target is not needed.
        every: updates between two looks.
        near: what counts as near 0, and as near 1.
        warn: the part of a gate's values from which a note is written, once for each gate.

    Attributes:
        found: the last look: gate -> {"low", "high", "stuck"}.
        histograms: of the last look, gate -> (20,) counts of values from 0 to 1.
    """

    def __init__(self, batch: Any, every: int = 200, near: float = 0.05, warn: float = 0.9) -> None:
        given = batch if isinstance(batch, (Sequences, tuple, list)) else (batch, None)
        self.batch = Sequences.of(given if len(given) > 1 else (*given, None))
        self.every = whole_above_zero("every", every)
        self.near, self.warn = within("near", near, 0.0, 0.5), within("warn", warn, 0.0, 1.0)
        self.found: dict[str, dict[str, float]] = {}
        self.histograms: dict[str, Array] = {}
        self._warned: set[str] = set()
        self._due = True  # the first line of a run has a look too

    def on_update(self, run: Run, update: Update) -> None:
        self._due = self._due or update.step % self.every == 0 or update.step == run.total

    def on_line(self, run: Run, line: dict[str, Any]) -> None:
        if self._due:
            self.look(run.training.network)
            self._due = False
            line["gates"] = {name: {key: round(v, 4) for key, v in own.items()} for name, own in self.found.items()}
            for name, words in self.warnings():
                if name not in self._warned:
                    self._warned.add(name)
                    run.notes.append(f"update {update_of(line)}: {words}")

    def look(self, network: Any) -> dict[str, dict[str, float]]:
        """Run the batch and read the gates."""
        _, _, tape = network.forward(self.batch.x, lengths=self.batch.lengths)
        self.found, self.histograms = {}, {}
        for name, layer_tape in tapes_of(network, tape):
            inside = _inside(layer_tape)
            for gate in gates_in(layer_tape):
                values = layer_tape[gate][inside]  # (rows, H)
                low, high = values < self.near, values > 1.0 - self.near
                stuck = (low.all(axis=0) | high.all(axis=0)) if len(values) else np.zeros(1)
                called = f"{name}.{gate.removeprefix('l0.') if layer_tape.layer.num_layers == 1 else gate}"
                self.found[called] = {"low": _part(low), "high": _part(high), "stuck": _part(stuck)}
                self.histograms[called] = np.histogram(values, 20, (0.0, 1.0))[0]
        return self.found

    def warnings(self) -> Iterator[tuple[str, str]]:
        """(gate, what is wrong with it)."""
        for name, own in self.found.items():
            for key, words in (("low", "near 0"), ("high", "near 1")):
                if own[key] > self.warn:
                    yield name, f"gate {name} is {words} in {own[key]:.0%} of its values"

    def report(self) -> str:
        """The last look as a table."""
        width = max([len(name) for name in self.found], default=4)
        lines = [f"{'gate':<{width}}   near 0   near 1   units stuck"]
        lines += [f"{n:<{width}}  {v['low']:7.1%}  {v['high']:7.1%}  {v['stuck']:12.1%}" for n, v in self.found.items()]
        return "\n".join([*lines, *(f"! {words}" for _, words in self.warnings())])

    def state(self) -> Any:
        return {"warned": sorted(self._warned), "due": self._due}

    def load_state(self, state: Any) -> None:
        if not isinstance(state, dict) or not isinstance(state.get("warned"), list):
            raise FileFormatError("callbacks: got a damaged state of GateWatch, expected names of gates")
        self._warned, self._due = set(map(str, state["warned"])), bool(state.get("due"))


class GradientWatch(Callback):
    """The gradient's norm: its spread since the last line of metrics, how often it was clipped, and whether it explodes
    or vanishes.

    Metrics get "gradient": "median", "largest" of the norms before clipping, and "clipped", the part that was above the
    bound. A note is written where a norm is `times` the median of the last 100, and where that median has fallen below
    `small`.

    Args:
        times: see above.
        small: see above.
    """

    def __init__(self, times: float = 100.0, small: float = 1e-7) -> None:
        self.times, self.small = times, small
        self._last: deque[float] = deque(maxlen=100)
        self._since: list[float] = []
        self._warned: set[str] = set()

    def on_update(self, run: Run, update: Update) -> None:
        if len(self._last) >= 20:
            usual = float(np.median(self._last))
            if update.norm > self.times * usual:
                self._note(run, "explodes", f"update {update.step}: the gradient is {update.norm:.3g} long, "
                           f"{update.norm / max(usual, 1e-300):.0f} times the usual {usual:.3g}")  # fmt: skip
            if usual < self.small:
                self._note(run, "vanishes", f"update {update.step}: the gradient vanishes, it is {usual:.3g} long")
        self._last.append(update.norm)
        self._since.append(update.norm)

    def _note(self, run: Run, what: str, words: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            run.notes.append(words)

    def on_line(self, run: Run, line: dict[str, Any]) -> None:
        norms, clip = np.array(self._since), run.training.clip
        if len(norms):
            clipped = float(np.mean(norms > (math.inf if clip is None else clip)))
            line["gradient"] = {
                "median": float(np.median(norms)),
                "largest": float(norms.max()),
                "clipped": round(clipped, 4),
            }
        self._since = []

    def state(self) -> Any:
        return {"last": list(self._last), "since": list(self._since), "warned": sorted(self._warned)}

    def load_state(self, state: Any) -> None:
        names = {"last", "since", "warned"}
        whole = isinstance(state, dict) and state.keys() == names and all(isinstance(v, list) for v in state.values())
        if not whole or not all(map(is_number, [*state["last"], *state["since"]])):
            raise FileFormatError("callbacks: got a damaged state of GradientWatch, expected norms")
        self._last, self._since = deque(state["last"], maxlen=100), list(state["since"])
        self._warned = set(map(str, state["warned"]))


def update_of(line: dict[str, Any]) -> int:
    return int(line["step"])


def tapes_of(network: Any, tape: Any) -> Iterator[tuple[str, Tape]]:
    """(name, tape) of every recurrent layer of a network, of those in networks within it too."""
    layers = getattr(network, "layers", None)
    if layers is None:
        raise wrong_type("network", type(network).__name__, "a gated.Network")
    tapes = tape.layers if hasattr(tape, "layers") else dict(zip(layers, tape, strict=True))
    for name, own in tapes.items():
        if isinstance(own, Tape):
            yield name, own
        elif hasattr(layers[name], "layers"):
            yield from ((f"{name}.{inner}", part) for inner, part in tapes_of(layers[name], own))


def gates_in(tape: Tape) -> list[str]:
    """The names of a tape's gates: what the equations put through a sigmoid."""
    graph = tape.layer.cell.graph
    gates = {name for node, name in graph.names.items() if node.op == "call" and node.attr == "sigmoid"}
    return [name for name in tape.names() if name.rpartition(".")[2] in gates]


def _inside(tape: Tape) -> Array:
    """(T, N): where sequences run."""
    packing = tape.packing
    return np.asarray(np.arange(packing.steps)[:, None] < packing.lengths[None])


def _part(which: Any) -> float:
    return float(np.mean(which)) if np.size(which) else 0.0
