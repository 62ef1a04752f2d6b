"""Learning a text: the training of a language model with its schedule, and `fit` on top of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from gated.data import stream_windows
from gated.learning import Training
from gated.learning.rules import schedules
from gated.learning.rules.optimizers import OPTIMIZERS
from gated.learning.training.loop import Update
from gated.models.language_settings import Settings


def training_of(network: Any, ids: NDArray[Any], settings: Settings, total: int) -> Training:
    """Truncated backpropagation through windows of a text, in order, the state carried.

    Args:
        network: maps ids (T, N) to logits (T, N, V).
        ids: (length,), the text.
        settings: batch, window, optimizer, rate, clipping, seed.
        total: updates that are to be made, for the schedule.
    """
    from gated.nn.losses import SoftmaxCrossEntropy

    return Training(
        network,
        SoftmaxCrossEntropy(),
        OPTIMIZERS[settings.optimizer](schedules.rise_and_fall(settings.lr, settings.warmup, total)),
        lambda epoch: stream_windows(ids, settings.batch, settings.window),
        carry_state=True,
        clip=settings.clip or None,
        seed=settings.seed,
    )


def fit(network: Any, ids: NDArray[Any], settings: Settings, on_update: Callable[[Update], object]) -> None:
    """All updates of `settings.epochs` passes, or `settings.steps`.

    Raises:
        ArgumentError: the text is shorter than `settings.batch` streams of one step.
    """
    windows = sum(1 for _ in stream_windows(ids, settings.batch, settings.window))
    total = settings.epochs * windows if settings.steps is None else settings.steps
    for update in training_of(network, ids, settings, total):
        on_update(update)
        if update.step >= total:
            return
