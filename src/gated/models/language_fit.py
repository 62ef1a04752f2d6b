"""Learning a text: the training of a language model with its schedule, and `fit` on top of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from gated.data import stream_windows
from gated.learning import Training
from gated.learning.training.loop import Update
from gated.models.language_settings import Settings
from gated.models.schooling import schooling, train_to


def training_of(network: Any, ids: NDArray[Any], settings: Settings, total: int) -> Training:
    """Truncated backpropagation through windows of a text, in order, the state carried.

    Args:
        network: maps ids (T, N) to logits (T, N, V).
        ids: (length,), the text.
        settings: batch, window, optimizer, rate, clipping, seed.
        total: updates that are to be made, for the schedule.
    """
    from gated.nn.losses import SoftmaxCrossEntropy

    return schooling(
        network,
        SoftmaxCrossEntropy(),
        lambda epoch: stream_windows(ids, settings.batch, settings.window),
        total=total,
        carry_state=True,
        **{name: getattr(settings, name) for name in ("optimizer", "lr", "warmup", "clip", "seed")},
    )


def fit(network: Any, ids: NDArray[Any], settings: Settings, on_update: Callable[[Update], object]) -> None:
    """All updates of `settings.epochs` passes, or `settings.steps`.

    Raises:
        ArgumentError: the text is shorter than `settings.batch` streams of one step.
    """
    windows = sum(1 for _ in stream_windows(ids, settings.batch, settings.window))
    total = settings.epochs * windows if settings.steps is None else settings.steps
    train_to(training_of(network, ids, settings, total), total, on_update)
