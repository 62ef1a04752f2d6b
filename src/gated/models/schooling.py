"""The training that models share: an optimizer by name, a rate that rises and falls, a bound on the gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gated.learning import Training, Update
from gated.learning.rules import schedules
from gated.learning.rules.optimizers import OPTIMIZERS
from gated.number_checks import not_negative, one_of, whole


def schooling(
    network: Any,
    loss: Any,
    batches: Callable[[int], Iterable[Any]],
    *,
    total: int,
    optimizer: str,
    lr: float,
    warmup: int,
    clip: float,
    seed: int,
    carry_state: bool = False,
) -> Training:
    """A `Training` of these options.

    Args:
        network: learns.
        loss: from gated.losses.
        batches: of one pass, see `Training`.
        total: updates that are to be made, for the schedule.
        optimizer: "adam", "adamw", "rmsprop" or "sgd".
        lr: highest learning rate; it rises over `warmup` updates, then falls along a cosine.
        warmup: of at most a fifth of the updates.
        clip: bound on the gradient's norm; 0: none.
        seed: of dropout.
        carry_state: see `Training`.

    Raises:
        ArgumentError, ArgumentTypeError: an option cannot be used.
    """
    rule = OPTIMIZERS[one_of("optimizer", optimizer, *OPTIMIZERS)](schedules.rise_and_fall(lr, warmup, total))
    bound = not_negative("clip", clip) or None
    return Training(network, loss, rule, batches, carry_state=carry_state, clip=bound, seed=whole("seed", seed, 0))


def train_to(training: Training, total: int, on_update: Callable[[Update], object]) -> None:
    """Make so many updates in all, and tell of each."""
    for update in training:
        on_update(update)
        if update.step >= total:
            return
