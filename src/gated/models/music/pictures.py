"""Piano rolls as pictures, and the gates of a model over a piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.music import LOWEST
from gated.data.music.rolls import Roll
from gated.learning.training.figures import COLOURS, new_figure

MARGIN = 3  # keys above and below those that sound
OCTAVE = 12


def roll_figure(rolls: Mapping[str, Roll]) -> Any:
    """Rolls below each other, by title, all over the same keys and steps.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = new_figure(10.0, 2.3 * len(rolls) + 0.3)
    rows = figure.subplots(len(rolls), 1, sharex=True, squeeze=False)[:, 0]
    low, high = keys_of(rolls.values())
    for axes, (title, roll) in zip(rows, rolls.items(), strict=True):
        draw_roll(axes, roll, low, high)
        axes.set_title(title, fontsize="medium", loc="left")
    rows[-1].set_xlim(0, max(len(roll) for roll in rolls.values()))
    return figure


def gate_figure(roll: Roll, surprise: NDArray[Any], gates: Mapping[str, NDArray[Any]], words: Mapping[str, str]) -> Any:
    """A piece, how surprised the model is at each step, and every gate of every unit.

    Args:
        roll: (T, 88).
        surprise: (T,), nats.
        gates: name -> (T, H).
        words: what "surprise", "units" and "steps" are called.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    heights = [2.0, 1.0, *[1.5] * len(gates)]
    figure = new_figure(10.0, sum(heights) + 0.6)
    rows = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    draw_roll(rows[0], roll, *keys_of([roll]))
    rows[1].step(np.arange(len(roll) + 1), [*surprise, surprise[-1]], where="post", color=COLOURS[1])
    rows[1].set(ylabel=words["surprise"], ylim=(0, None))
    rows[1].grid(alpha=0.3)
    image = None
    for axes, (name, values) in zip(rows[2:], gates.items(), strict=True):
        units = values[:, np.argsort(values.mean(0))].T  # by their means: what is always open lies at the top
        extent = (0, len(roll), 0, len(units))
        image = axes.imshow(units, aspect="auto", origin="lower", extent=extent, cmap="cividis", vmin=0, vmax=1)
        axes.set(ylabel=f"{name}: {words['units']}")
    if image is not None:
        figure.colorbar(image, ax=rows[2:].tolist(), shrink=0.8)
    rows[-1].set(xlabel=words["steps"], xlim=(0, len(roll)))
    return figure


def draw_roll(axes: Any, roll: Roll, low: int, high: int) -> None:
    """A roll between two keys: a bar for every step of every key, lines at every C."""
    part = roll[:, low : high + 1]
    axes.imshow(
        np.where(part.T > 0, 1.0, np.nan),
        aspect="auto",
        origin="lower",
        extent=(0, len(roll), low - 0.5, high + 0.5),
        cmap="winter",
        vmin=0,
        vmax=2,
        interpolation="none",
        zorder=2,
    )
    first = -LOWEST % OCTAVE  # the lowest C
    cs = [key for key in range(first, 88, OCTAVE) if low <= key <= high]
    axes.set_yticks(cs, [f"C{(key + LOWEST) // OCTAVE - 1}" for key in cs])
    axes.set_ylim(low - 0.5, high + 0.5)
    axes.grid(alpha=0.4)


def keys_of(rolls: Sequence[Roll] | Any) -> tuple[int, int]:
    """The lowest and the highest key that sound in some rolls, with a margin."""
    keys = np.concatenate([np.flatnonzero(roll.any(0)) for roll in rolls])
    if not len(keys):
        return 30, 60
    return max(0, int(keys.min()) - MARGIN), min(87, int(keys.max()) + MARGIN)
