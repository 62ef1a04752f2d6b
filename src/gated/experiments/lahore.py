"""How far online learning is from the gradient: the public Java program's rule and traces with peepholes, measured.

Strings of the embedded Reber grammar, `gated.cells.gers_lstm` under a linear output, ½ Σ (target - y)², as
`gated.learning.LahoreLSTM`. Two measures: the gradient that the rule adds up over the strings with weights that do not
change (`gated.learning.compare_gradients`), and what traces lose when the weights change under them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gated import cells
from gated.data import Sequences, reber_task
from gated.errors import wrong
from gated.experiments.drawing import new_figure, png, style
from gated.learning import LahoreLSTM, compare_gradients
from gated.learning.realtime.engines import rule_of
from gated.nn import Dense, Network, Recurrent
from gated.nn.losses import SquaredError
from gated.number_checks import above_zero, whole_above_zero

CONDITIONS: dict[str, tuple[str, ...]] = {  # what is measured -> the families of weights that are set to 0 for it
    "all weights as they are": (),
    "peepholes 0": ("p",),
    "recurrent weights 0": ("U",),
    "peepholes and recurrent weights 0": ("U", "p"),
}
RULES = {"java": False, "peepholes": True}  # rule -> whether its traces know the peepholes


class Difference(NamedTuple):
    """One group of parameters under one condition: medians over seeds."""

    rule: str
    condition: str
    group: str
    relative_error: float
    angle: float  # degrees


@dataclass(frozen=True)
class LahoreSettings:
    """What is asked for; the options of `gated experiment lahore`."""

    hidden: int
    strings: int
    scale: float
    trained: int
    rates: tuple[float, ...]
    seeds: int

    def __post_init__(self) -> None:
        for name in ("hidden", "strings", "seeds"):
            whole_above_zero(name, getattr(self, name))
        if self.trained != 0:
            whole_above_zero("trained", self.trained)
        above_zero("scale", self.scale)
        if not self.rates:
            raise wrong("rates", "none", "one learning rate or more")
        for rate in self.rates:
            above_zero("rates", rate)


@dataclass(frozen=True)
class Found:
    """What the experiment found: group by group, and rate -> median loss by stale traces."""

    differences: list[Difference]
    stale: dict[float, float]


def run_lahore(settings: LahoreSettings) -> Iterator[tuple[int, Found]]:
    """Seed after seed; yields (seeds done, medians so far)."""
    errors: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    stale: dict[float, list[float]] = {rate: [] for rate in settings.rates}
    loss = SquaredError(reduction="sum")
    for seed in range(settings.seeds):
        network = random_network(settings, seed)
        batch = reber_task(settings.strings, np.random.default_rng([seed, 1]))
        for rule, peepholes in RULES.items():
            for condition, without in CONDITIONS.items():
                for found in compare_gradients(
                    network, batch.x, batch.target, loss, mask=batch.mask, peepholes=peepholes, without=without
                ):
                    key = (rule, condition, found.group)
                    errors.setdefault(key, []).append((found.relative_error, found.angle))
        for rate in settings.rates:
            stale[rate].append(staleness(network, batch, rate))
        differences = [Difference(*key, *np.median(values, axis=0).tolist()) for key, values in errors.items()]
        yield seed + 1, Found(differences, {rate: float(np.median(values)) for rate, values in stale.items()})


def random_network(settings: LahoreSettings, seed: int) -> Network:
    """Weights N(0, scale²), or what a `LahoreLSTM` has made of U(±0.1) after `trained` strings."""
    rng = np.random.default_rng([seed, 2])
    if settings.trained:
        learner = LahoreLSTM(7, 7, settings.hidden, seed=rng)
        for string in reber_task(settings.trained, rng).sequences():
            learner.reset()
            for x_t, target in string:
                learner.next(x_t, target)
        return learner.learner.network
    layer = Recurrent(cells.gers_lstm, 7, settings.hidden, dtype="float64", seed=rng, backend="native")
    network = Network({"rnn": layer, "head": Dense(settings.hidden, 7, dtype="float64", seed=rng)})
    network.theta[:] = rng.normal(scale=settings.scale, size=network.theta.size)
    return network


def staleness(network: Network, batch: Sequences, rate: float) -> float:
    """What the rule loses because weights change on the way, alone: median over strings of ‖g - e‖ / ‖e‖.

    g: the rule's gradient at a string's last step, after an update at every step before it. e: that of the same rule
    and the same error, with traces and states made anew by the weights as they are by then. The network keeps its
    weights.
    """
    kept = network.theta.copy()
    loss = SquaredError(reduction="sum")
    losses = []
    for string in batch.sequences():
        rule = rule_of(network, "online", 1, peepholes=False)
        for x_t, target in string[:-1]:
            _, dy = loss(rule.forward(_row(x_t)), _row(target))
            network.theta[:] -= rate * rule.gradient(dy)
        x_t, target = string[-1]
        _, dy = loss(rule.forward(_row(x_t)), _row(target))
        stale = rule.gradient(dy).copy()
        anew = rule_of(network, "online", 1, peepholes=False)
        for x_t, _ in string:
            anew.forward(_row(x_t))
        fresh = anew.gradient(dy)
        losses.append(float(np.linalg.norm(stale - fresh) / np.linalg.norm(fresh)))
        network.theta[:] = kept
    return float(np.median(losses))


def _row(values: Any) -> np.ndarray[Any, Any]:
    return np.asarray(values, np.float64)[None]


def lahore_report(found: Found, settings: LahoreSettings, done: int, pictures: Sequence[str]) -> str:
    """The report as Markdown."""
    weights = (
        f"weights learned online from {settings.trained} strings"
        if settings.trained
        else f"random weights N(0, {settings.scale:g}²)"
    )
    lines = [
        "# How far online learning is from the gradient",
        "",
        f"Embedded Reber strings, {settings.strings} at a time; `gers_lstm` with {settings.hidden} cells under a "
        f"linear output; {weights}; medians over seeds 0 to {done - 1}. Each entry: ‖g − e‖ / ‖e‖ and the angle "
        "between g and e, where e is the exact gradient of full backpropagation through time. Weights stay as "
        "they are.",
        "",
    ]
    for rule, words in (
        ("java", "The Java program's rule: nothing of the peepholes in traces and deltas"),
        ("peepholes", "Traces and deltas with the peepholes' part"),
    ):
        lines += [f"## {words}", "", *_table([d for d in found.differences if d.rule == rule]), ""]
    lines += [
        "## Stale traces",
        "",
        "The rule's gradient at a string's last step after an update at every step before, against the same rule with "
        "traces made anew by the weights as they are then: ‖g − e‖ / ‖e‖.",
        "",
        "| learning rate | relative error |",
        "|---|---|",
        *(f"| {rate:g} | {_percent(value)} |" for rate, value in found.stale.items()),
        "",
        *(f"![errors]({name})\n" for name in pictures),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def short(group: str) -> str:
    """`rnn.l0.W.i` as `W.i`; the output's weights as `output W`."""
    if group.startswith("head."):
        return f"output {group.split('.')[1]}"
    return group.removeprefix("rnn.l0.")


def _table(differences: Sequence[Difference]) -> list[str]:
    lines = ["| group | " + " | ".join(CONDITIONS) + " |", "|" + "---|" * (len(CONDITIONS) + 1)]
    values = {(d.group, d.condition): f"{_percent(d.relative_error)}, {d.angle:.1f}°" for d in differences}
    for group in dict.fromkeys(d.group for d in differences):
        lines.append(f"| {short(group)} | " + " | ".join(values[group, condition] for condition in CONDITIONS) + " |")
    return lines


def _percent(value: float) -> str:
    return "exact" if value < 1e-12 else f"{100 * value:.3g} %"


def errors_picture(found: Found) -> bytes:
    """Relative errors by group: one panel for each rule, one mark for each condition."""
    return png(errors_figure(found))


def errors_figure(found: Found) -> Any:
    """What `errors_picture` shows."""
    groups = list(dict.fromkeys(d.group for d in found.differences))
    figure = new_figure(8.4, 1.6 + 0.24 * len(groups))
    panels = figure.subplots(1, 2, sharey=True, squeeze=False)[0]
    titles = {"java": "the Java program's rule", "peepholes": "traces that know the peepholes"}
    for axes, rule in zip(panels, RULES, strict=True):
        for index, condition in enumerate(CONDITIONS):
            own = {d.group: d.relative_error for d in found.differences if (d.rule, d.condition) == (rule, condition)}
            rows = [row + 0.18 * (index - 1.5) for row in range(len(groups))]
            percent = [100 * own[group] for group in groups]
            axes.plot(percent, rows, linestyle="", markersize=5, label=condition, **style(index))
        axes.set(xlim=(-4, 104), xlabel="relative error, percent of the exact gradient")
        axes.set_title(titles[rule], fontsize=11)
        axes.grid(alpha=0.3)
    panels[0].set_yticks(range(len(groups)), [short(group) for group in groups])
    panels[0].set_ylabel("group of parameters whose gradient is compared")
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, columnspacing=1.2)
    return figure


def to_document(found: Found, settings: LahoreSettings, done: int) -> Mapping[str, Any]:
    """All of it as a JSON value."""
    from gated import __version__

    return {
        "gated": __version__,
        "settings": vars(settings),
        "seeds_done": done,
        "differences": [d._asdict() for d in found.differences],
        "stale": {f"{rate:g}": value for rate, value in found.stale.items()},
    }
