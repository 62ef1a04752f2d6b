"""The gates of a run over its updates, as `GateWatch` has written them into the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gated.learning.training.figures import COLOURS, new_figure

MOST = 24  # gates in one picture


def gate_history(lines: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[float, Mapping[str, Any]]]]:
    """Gate -> (update, what was found) in order; lines that are damaged are left out."""
    found: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    for line in lines:
        gates, step = line.get("gates"), line.get("step")
        if isinstance(gates, Mapping) and isinstance(step, int) and 0 <= step < 2**53:
            for name, own in gates.items():
                if _whole(own):
                    found.setdefault(name, []).append((step, own))
    return found


def gate_figure(lines: Iterable[Mapping[str, Any]]) -> Any:
    """One row for each gate: how many values were nearly 0 or 1, and how the values were spread; None without gates.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    history = dict(list(gate_history(lines).items())[:MOST])
    if not history:
        return None
    figure = new_figure(9.0, 1.9 * len(history) + 0.8)
    rows = figure.subplots(len(history), 2, sharex=True, squeeze=False)
    for (name, found), (shares, spread) in zip(history.items(), rows, strict=True):
        steps = [step for step, _ in found]
        for k, (key, label) in enumerate((("low", "below 0.05"), ("high", "above 0.95"), ("stuck", "units, always"))):
            style = "--" if key == "stuck" else "-"
            shares.plot(steps, [own[key] for _, own in found], style, color=COLOURS[k], marker=".", label=label)
        shares.set(ylabel=name, ylim=(-0.03, 1.03))
        shares.grid(alpha=0.3)
        bins = np.array([own["bins"] for _, own in found], float).T
        spread.pcolormesh(_edges(steps), np.linspace(0, 1, len(bins) + 1), bins, cmap="Blues", vmin=0.0)
    rows[0][0].legend(fontsize="small")
    rows[0][0].set_title("share of values")
    rows[0][1].set_title("values (darker: more of them)")
    for axes in rows[-1]:
        axes.set_xlabel("updates")
    return figure


def _edges(steps: list[float]) -> Any:
    """Where one measurement ends and the next begins, half way between them."""
    at = np.array(steps, float)
    half = np.diff(at) / 2 if len(at) > 1 else np.ones(1)
    return np.concatenate([[at[0] - half[0]], at[:-1] + half[: len(at) - 1], [at[-1] + half[-1]]])


def _whole(own: Any) -> bool:
    if not isinstance(own, Mapping) or not isinstance(own.get("bins"), list) or len(own["bins"]) != 20:
        return False
    return all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and 0 <= v <= 1
        for v in [own.get("low"), own.get("high"), own.get("stuck"), *own["bins"]]
    )
