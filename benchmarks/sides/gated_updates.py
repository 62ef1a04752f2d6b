"""Whole updates of a language model by the public calls of `gated`: `full_step`, as a user's training loop has it."""

from __future__ import annotations

import numpy as np

import gated
from benchmarks import language
from benchmarks.problem import Numbers, Problem
from benchmarks.sides.base import Prepared
from benchmarks.sides.gated_recurrent import recurrent


def network_of(problem: Problem) -> gated.Network:
    """The model with the problem's weights."""
    hidden, vocabulary = problem.point.hidden, problem.vocabulary
    made = {
        "embed": gated.Embedding(vocabulary, language.EMBEDDING),
        "rnn": recurrent(problem, language.EMBEDDING),
        "head": gated.Dense(hidden, vocabulary),
    }
    network = gated.Network(made)
    names = {"embed": "embed.W", "head": "head.W.y", "bias": "head.b.y"}
    for name, value in language.weights(problem).items():
        network.params[names.get(name, f"rnn.l0.{name}")][...] = value
    return network


def prepare(problem: Problem) -> Prepared:
    """One call is one update on the next batch, the mask and all checks included."""

    def start() -> tuple[gated.Network, gated.learning.Adam, language.Turn]:
        mask = np.ones((problem.point.steps, problem.point.batch), bool)
        batches = [(x, target, None, mask) for x, target in language.batches(problem)]
        return network_of(problem), gated.learning.Adam(language.RATE), language.Turn(batches)

    loss = gated.losses.SoftmaxCrossEntropy()
    network, optimizer, turn = start()

    def call() -> tuple[float, float]:
        return gated.learning.full_step(network, loss, optimizer, turn.next(), clip=language.CLIP)

    def numbers() -> Numbers:
        own, rule, batches = start()
        steps = (
            gated.learning.full_step(own, loss, rule, batches.next(), clip=language.CLIP)
            for _ in range(language.UPDATES)
        )
        return {"losses": np.array([value for value, _ in steps])}

    return Prepared(call, numbers)
