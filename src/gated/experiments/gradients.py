"""How much of the last step's loss reaches the steps before it: ‖∂loss_T/∂s_t‖ over t, s a state of the cell.

Hochreiter (1991) and Bengio, Simard & Frasconi (1994) showed that it vanishes exponentially in T - t for plain
recurrent networks; gates were made against that. Legend: T steps, N sequences, H hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gated.data import adding
from gated.errors import wrong
from gated.experiments.drawing import COLOURS, new_figure, png
from gated.language import Cell
from gated.learning import Adam, Sequences, full_step
from gated.nn import Dense, Network, Recurrent
from gated.nn.losses import SquaredError
from gated.number_checks import above_zero, whole_above_zero

BATCH, MEASURED, BASELINE = 50, 200, 1.0 / 6.0


@dataclass(frozen=True)
class Norms:
    """One cell, untrained or trained.

    Attributes:
        mean_square: of the answers' errors on the measured sequences; always to answer 1 gives 1/6.
        norms: state -> (T,) the median over sequences of ‖∂loss_T/∂s_t‖, divided by that of the output at T.
    """

    cell: str
    trained: bool
    mean_square: float
    norms: dict[str, list[float]]

    @property
    def factor(self) -> float:
        """The mean factor per step of the state that keeps most: (greatest norm at t = 1)^(1 / (T - 1))."""
        steps = len(next(iter(self.norms.values())))
        return float(max(values[0] for values in self.norms.values()) ** (1.0 / (steps - 1)))


def state_adjoints(network: Network, batch: Sequences) -> list[tuple[np.ndarray[Any, Any], ...]]:
    """∂loss_T/∂s_t for every t and every state s: T tuples (in the order of the cell) of arrays (N, H).

    The loss is ½ (y - target)² of each sequence at its last step; its sequences have one length. Each state's adjoint
    is that with the other states of the same step held fixed.

    Found by one step after the other back from the last: `Recurrent.backward_step` gives the adjoint of the state
    before from that after.
    """
    layer, head = network.layers["rnn"], network.layers["head"]
    state, tapes = None, []
    for x_t in batch.x:
        state, tape = layer.step(x_t, state)
        tapes.append(tape)
    assert state is not None
    y, _, tape = head.forward(state[0])
    _, dy = SquaredError(reduction="sum")(y, batch.target[-1:])
    dh, _, _ = head.backward(tape, dy)
    adjoint = (dh, *(np.zeros_like(array) for array in state[1:]))
    found = [adjoint]
    for tape in reversed(tapes[1:]):
        _, adjoint, _ = layer.backward_step(tape, adjoint)
        found.append(adjoint)
    return [tuple(array[0] for array in adjoint) for adjoint in reversed(found)]


def measure(name: str, network: Network, steps: int, seed: int, trained: bool) -> Norms:
    """The norms of one network on new sequences of the adding problem."""
    batch = adding(MEASURED, np.random.default_rng([seed, 4]), steps, variant="2015")
    y, _, _ = network.forward(batch.x)
    mean_square = float(np.mean((y[-1] - batch.target[-1]) ** 2))
    adjoints = state_adjoints(network, batch)
    states = network.layers["rnn"].cell.states
    medians = np.array([[np.median(np.linalg.norm(a, axis=-1)) for a in adjoint] for adjoint in adjoints])
    relative = medians / medians[-1, 0]
    return Norms(name, trained, mean_square, {state: relative[:, k].tolist() for k, state in enumerate(states)})


def run_gradients(
    cells: Mapping[str, Cell], steps: int, hidden: int, updates: int, lr: float, seed: int
) -> Iterator[Norms]:
    """Each cell untrained, then trained on the adding problem (2015) by full backpropagation through time, Adam.

    Raises:
        ArgumentError: a number that cannot be used.
    """
    if whole_above_zero("steps", steps) < 2:
        raise wrong("steps", str(steps), "at least 2")
    for name, value in (("hidden", hidden), ("updates", updates)):
        whole_above_zero(name, value)
    above_zero("lr", lr)
    if seed < 0:
        raise wrong("seed", str(seed), "at least 0")
    for name, cell in cells.items():
        rng = np.random.default_rng([seed, 2])
        layer = Recurrent(cell, 2, hidden, dtype="float64", seed=rng, backend="native")
        network = Network({"rnn": layer, "head": Dense(layer.output_size, 1, dtype="float64", seed=rng)})
        yield measure(name, network, steps, seed, trained=False)
        data, optimizer = np.random.default_rng([seed, 3]), Adam(lr)
        for _ in range(updates):
            batch = adding(BATCH, data, steps, variant="2015")
            full_step(network, SquaredError(), optimizer, Sequences(batch.x, batch.target, None, batch.mask), clip=1.0)
        yield measure(name, network, steps, seed, trained=True)


def gradients_report(found: list[Norms], settings: Mapping[str, Any], pictures: list[str]) -> str:
    """The report as Markdown."""
    steps = settings["steps"]
    lines = [
        "# How far back the gradient reaches",
        "",
        "The norm of the derivative of the last step's loss by the states of every step before it, the others of the "
        f"same step held fixed: median over {MEASURED} sequences of the adding problem (variant 2015), divided by the "
        f"norm for the output at the last step. {steps} steps, {settings['hidden']} units, seed {settings['seed']}; "
        f"trained: {settings['updates']} updates of full backpropagation through time with {BATCH} sequences each, "
        f"Adam, learning rate {settings['lr']:g}. To answer always 1 has a mean squared error of {BASELINE:.3f}.",
        "",
        f"| cell | | mean squared error | state | at t = {steps} | at t = {steps // 2} | at t = 1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for norms in found:
        for state, values in norms.norms.items():
            row = [norms.cell, "trained" if norms.trained else "untrained", f"{norms.mean_square:.4f}", state]
            row += [f"{values[t - 1]:.1e}" for t in (steps, steps // 2, 1)]
            lines.append("| " + " | ".join(row) + " |")
    lines += ["", *(f"![gradients]({name})\n" for name in pictures)]
    return "\n".join(lines).rstrip("\n") + "\n"


def gradients_picture(found: list[Norms]) -> bytes:
    """Two panels, untrained and trained; norms over t on a logarithmic scale."""
    return png(gradients_figure(found))


def gradients_figure(found: list[Norms]) -> Any:
    """What `gradients_picture` shows."""
    figure = new_figure(8.4, 4.2)
    panels = figure.subplots(1, 2, sharey=True, squeeze=False)[0]
    names = list(dict.fromkeys(norms.cell for norms in found))
    for axes, trained in zip(panels, (False, True), strict=True):
        for norms in found:
            if norms.trained is trained:
                _draw(axes, norms, COLOURS[names.index(norms.cell) % len(COLOURS)])
        axes.set_title("trained" if trained else "untrained", fontsize=11)
        axes.set(yscale="log", xlabel="time step t (the loss is at the last)")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("‖∂loss_T / ∂state_t‖, relative to\nthat of the output at the last step")
    handles = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles), frameon=False)
    return figure


def _draw(axes: Any, norms: Norms, colour: str) -> None:
    lines = ("-", "--", ":", "-.")
    for index, (state, values) in enumerate(norms.norms.items()):
        shown = [value if value > 0 else np.nan for value in values]  # a zero has no place on this scale
        label = f"{norms.cell}, {state}"
        axes.plot(range(1, len(values) + 1), shown, color=colour, linestyle=lines[index % 4], linewidth=2, label=label)
