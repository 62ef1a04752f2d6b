"""Whole updates of a captioner by the public calls of `gated`: `full_step` with a `WiredNetwork`."""

from __future__ import annotations

from typing import Any

import numpy as np

import gated
from benchmarks import captions
from benchmarks.language import Turn
from benchmarks.problem import Numbers, Problem
from benchmarks.sides.base import Prepared
from gated.data import Sequences


def network_of(problem: Problem) -> Any:
    """The model with the problem's weights."""
    from gated.models.captioner.network import caption_network  # which older commits have not: see `against`

    sizes = captions.SIZES[problem.vocabulary]
    features: Any = sizes.features if len(sizes.features) == 2 else sizes.features[0]
    cell = gated.cells.lstm if problem.cell == "lstm" else gated.cells.gru_reset_after
    network = caption_network(
        problem.vocabulary,
        features,
        cell,
        embedding_size=sizes.embedding,
        hidden_size=problem.point.hidden,
        look=sizes.look,
        read=sizes.read or 1,
        show="both" if sizes.read else "state",
    )
    for name, value in captions.weights(problem).items():
        network.params[name][...] = value
    return network


def prepare(problem: Problem) -> Prepared:
    """One call is one update on the next batch, the mask and all checks included."""

    def start() -> tuple[Any, gated.learning.Adam, Turn]:
        own = [Sequences({"features": f, "captions": x}, y, None, mask) for f, x, y, mask in captions.batches(problem)]
        return network_of(problem), gated.learning.Adam(captions.RATE), Turn(own)

    loss = gated.losses.SoftmaxCrossEntropy("sum")
    network, optimizer, turn = start()

    def call() -> tuple[float, float]:
        return gated.learning.full_step(network, loss, optimizer, turn.next(), clip=captions.CLIP)

    def numbers() -> Numbers:
        own, rule, batches = start()
        steps = (
            gated.learning.full_step(own, loss, rule, batches.next(), clip=captions.CLIP)
            for _ in range(captions.UPDATES)
        )
        return {"losses": np.array([value for value, _ in steps])}

    return Prepared(call, numbers)
