"""How far the gates of a network are driven towards 0 and 1 while it learns.

A gate is a quantity of a cell that has a name in its equations and is a sigmoid there: of an LSTM i, f and o. At 0.05
and below, or 0.95 and above, its slope is at most a fifth of the greatest: what is to change it has little effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gated.data.sequences import Sequences
from gated.data.sequences import within as running_steps
from gated.errors import ArgumentError, describe, wrong, wrong_type
from gated.language import Cell, sigmoid
from gated.learning.runs.callbacks import Callback
from gated.learning.training.loop import Update
from gated.nn.maps import planned
from gated.nn.tape import Tape
from gated.number_checks import whole_above_zero, within

LOW, HIGH, BINS = 0.05, 0.95, 20
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class GateReport:
    """Of one gate over a batch.

    Attributes:
        low, high: share of the values below 0.05, above 0.95.
        stuck: share of the units that are below 0.05 at every step of every sequence, or above 0.95 at every one.
        mean: of the values.
        bins: shares of the values in 20 equal parts of [0, 1].
    """

    low: float
    high: float
    stuck: float
    mean: float
    bins: tuple[float, ...]

    @property
    def saturated(self) -> float:
        """Share of the values at either end."""
        return self.low + self.high

    def sample(self) -> Array:
        """A thousand numbers, or nearly so, that are spread as the values are: the middles of the 20 parts."""
        middles = (np.arange(BINS) + 0.5) / BINS
        return np.repeat(middles, np.rint(1000 * np.array(self.bins)).astype(int))

    def as_line(self) -> dict[str, Any]:
        """For metrics.jsonl, rounded."""
        numbers = {name: round(getattr(self, name), 4) for name in ("low", "high", "stuck", "mean")}
        return {**numbers, "bins": [round(share, 4) for share in self.bins]}


def gates_of(cell: Cell) -> list[str]:
    """Names of the cell's gates, in the order of its equations."""
    names = cell.graph.names.items()
    return [name for node, name in names if node.operation is _sigmoid() and node.dim != "1"]


def last_gates(tape: Tape) -> dict[str, Array]:
    """Name -> (T, N, H): the gates of a recurrent layer; of several levels, those of the last one, read forwards."""
    level = f"l{tape.layer.num_layers - 1}."
    return {name: np.asarray(tape[level + name]) for name in gates_of(tape.layer.cell)}


@cache
def _sigmoid() -> Any:
    """The operation in the book of operations."""

    def gate(x):  # type: ignore[no-untyped-def]
        return sigmoid(x)

    return planned(gate).graph.outputs[0].operation


def gate_reports(network: Any, batch: Any) -> dict[str, GateReport]:
    """What the gates of all recurrent layers are over a batch; nothing is learned.

    Args:
        network: a `gated.Network`.
        batch: as `gated.learning.full_step` takes it; targets and mask are not looked at.

    Returns:
        "rnn.f" -> a report, with several layers or directions "rnn.l0.f", in a network in a network "encoder.rnn.f".
        Steps beyond a sequence's end do not count.

    Raises:
        ArgumentError, ArgumentTypeError: the network has no gates that have names, or the batch does not fit.
    """
    given = Sequences.of(batch if isinstance(batch, (tuple, list)) else (batch, None))
    *_, tape = network.forward(given.x, None, given.lengths)
    found = {name: _report(values) for name, values in _gates("", network, tape) if values.size}
    if not found:
        raise wrong("network", "no gate", "a recurrent layer whose cell names a sigmoid, and a batch of some steps")
    return found


def _gates(prefix: str, layer: Any, tape: Any) -> Iterator[tuple[str, Array]]:
    """Every gate with its values, (steps of all sequences, units)."""
    if isinstance(tape, Tape):
        rows = running_steps(tape.packing.lengths, tape.packing.steps)
        wanted = set(gates_of(tape.layer.cell))
        single = len(tape.layer._prefixes) == 1
        for name in tape.names():
            inner = name.rpartition(".")[2]
            if inner in wanted:
                yield f"{prefix}{inner if single else name}", tape[name][rows]
        return
    parts = dict(zip(layer.layers, tape, strict=True)) if isinstance(tape, list) else getattr(tape, "layers", None)
    if isinstance(parts, Mapping) and hasattr(layer, "layers"):
        for name, part in parts.items():
            yield from _gates(f"{prefix}{name}.", layer.layers[name], part)


def _report(values: Array) -> GateReport:
    low, high = values < LOW, values > HIGH
    counts = np.histogram(values, BINS, (0.0, 1.0))[0]
    shares = tuple((counts / values.size).tolist())
    stuck = low.all(0) | high.all(0)
    return GateReport(float(low.mean()), float(high.mean()), float(stuck.mean()), float(values.mean()), shares)


class GateWatch(Callback):
    """Looks at the gates every so many updates, and warns of those that are saturated.

    What it finds stands in the metrics under "gates", in the picture gates.png, and in `reports`.

    Args:
        batch: on which the gates are looked at: held-out sequences, a few dozen do.
        every: updates between two looks; there is one before the first update and one after the last.
        warn_at: share of a gate's values that are saturated from which there is a warning, once for each gate until it
            falls below again.

    Attributes:
        reports: of the last look, see `gate_reports`.

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used; when the run starts: the network has no gates.
    """

    def __init__(self, batch: Any, every: int = 200, warn_at: float = 0.9) -> None:
        if batch is None:
            raise wrong_type("batch", "None", "x, or a batch as full_step takes it")
        self.batch, self.every = batch, whole_above_zero("every", every)
        self.warn_at = within("warn_at", warn_at, 0.0, 1.0, closed=True)
        self.reports: dict[str, GateReport] = {}
        self.warned: set[str] = set()
        self._last: int | None = None

    def on_start(self, run: Any) -> None:
        if self._last is None:
            self._look(run)

    def on_update(self, run: Any, update: Update) -> None:
        if update.step % self.every == 0 or run.finished:
            self._look(run)

    def _look(self, run: Any) -> None:
        self.reports, self._last = gate_reports(run.network, self.batch), run.step
        run.log({"gates": {name: report.as_line() for name, report in self.reports.items()}})
        for name, report in self.reports.items():
            if report.saturated <= self.warn_at:
                self.warned.discard(name)
            elif name not in self.warned:
                self.warned.add(name)
                run.warn(
                    f"gate {name} is saturated at update {run.step}: {report.low:.0%} of its values are below {LOW}, "
                    f"{report.high:.0%} above {HIGH}, {report.stuck:.0%} of its units always"
                )

    def latest(self, step: int) -> dict[str, GateReport]:
        """The reports, if they are of this update."""
        return self.reports if self._last == step else {}

    def table(self) -> str:
        """The last look as lines of text."""
        width = max([4, *map(len, self.reports)])
        rows = [f"{'gate':{width}}   < {LOW}   > {HIGH}   units always   mean"]
        rows += [
            f"{name:{width}}   {own.low:6.1%}   {own.high:6.1%}   {own.stuck:12.1%}   {own.mean:.3f}"
            for name, own in self.reports.items()
        ]
        return "\n".join(rows)

    def state(self) -> dict[str, Any]:
        return {"warned": sorted(self.warned), "last": self._last}

    def load_state(self, state: Any) -> None:
        names, last = state["warned"], state["last"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ArgumentError(f"warned: got {describe(names)}, expected names of gates")
        if last is not None:
            whole_above_zero("last", last + 1)
        self.warned, self._last = set(names), last
