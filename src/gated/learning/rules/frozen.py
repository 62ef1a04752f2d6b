"""What is frozen (`Network.freeze`) is moved by nothing: its gradient counts as 0, an update leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def frozen_spans(network: Any) -> list[slice]:
    """Where the frozen parameters of a network lie in theta; a user's own network has none."""
    params = network.params
    return [slice(*params.span(name)) for name in getattr(network, "frozen", ())]


@contextmanager
def held(network: Any, gradient: Array | None = None) -> Iterator[None]:
    """An update of theta goes around what is frozen, whatever an optimizer does (weight decay, momentum).

    Args:
        gradient: (P,), becomes 0 there.
    """
    spans, theta = frozen_spans(network), network.theta
    before = [theta[span].copy() for span in spans]
    if gradient is not None:
        clear(gradient, spans)
    try:
        yield
    finally:
        for span, numbers in zip(spans, before, strict=True):
            theta[span] = numbers


def clear(gradient: Array, spans: list[slice]) -> None:
    """The gradient (P,) of what lies there becomes 0."""
    for span in spans:
        gradient[span] = 0.0
