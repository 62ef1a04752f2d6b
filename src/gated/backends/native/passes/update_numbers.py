"""What the kernels of `update_rules` are given: for each rule of the reference which kernel, buffers and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

from gated.backends.interface import Rule
from gated.backends.reference import updates

Given = tuple[str, tuple[str, ...], tuple[float, ...]]  # kernel, names of buffers, numbers


def _sgd(*, lr: float, momentum: float, nesterov: bool, weight_decay: float) -> Given:
    options = [*(["nesterov" if nesterov else "momentum"] if momentum else []), *(["decay"] if weight_decay else [])]
    numbers = lr, *([momentum] if momentum else []), *([weight_decay] if weight_decay else [])
    return "_".join(["sgd", *options]), ("momentum",) if momentum else (), numbers


def _rmsprop(*, lr: float, alpha: float, eps: float, momentum: float) -> Given:
    numbers = lr, alpha, 1.0 - alpha, eps
    if not momentum:
        return "rmsprop", ("mean_square",), numbers
    return "rmsprop_momentum", ("mean_square", "momentum"), (*numbers, momentum)


def _adam(*, lr: float, b1: float, b2: float, eps: float, updates: int, decay: float = 1.0) -> Given:
    root, rate = math.sqrt(1.0 - b2**updates), lr / (1.0 - b1**updates)
    numbers = b1, 1.0 - b1, b2, 1.0 - b2, root, eps, rate
    buffers = "mean", "mean_square"
    return ("adam", buffers, numbers) if decay == 1.0 else ("adam_decay", buffers, (*numbers, decay))


RULES: dict[Rule, Callable[..., Given]] = {updates.sgd: _sgd, updates.rmsprop: _rmsprop, updates.adam: _adam}
