"""Sampling by the public calls of `gated`: the `draw` of a `Network.stream`, and `CharacterLanguageModel.sample`."""

from __future__ import annotations

import itertools

import numpy as np

import gated
from benchmarks import sampling
from benchmarks.problem import Array, Numbers, Problem
from benchmarks.sides.base import Prepared
from benchmarks.sides.gated_updates import network_of


def prepare(problem: Problem) -> Prepared:
    """One call writes one text: a stream of the network is made, and draws."""
    network, random = network_of(problem), np.random.default_rng(sampling.SEED)

    def call() -> list[int]:
        uniforms = random.random(problem.point.steps)
        return network.stream().draw(sampling.FIRST, uniforms, sampling.TEMPERATURE).tolist()

    return Prepared(call, lambda: _numbers(network, problem))


def prepare_model(problem: Problem) -> Prepared:
    """One call writes one text, another one each time, as `gated sample` does."""
    symbols = gated.data.Vocabulary(map(chr, range(ord(" "), ord(" ") + problem.vocabulary)))
    model, seeds = gated.models.CharacterLanguageModel(network_of(problem), symbols), itertools.count(sampling.SEED)

    def call() -> str:
        return model.sample(problem.point.steps, temperature=sampling.TEMPERATURE, seed=next(seeds))

    return Prepared(call, lambda: _numbers(model.network, problem))


def _numbers(network: gated.Network, problem: Problem) -> Numbers:
    stream = network.stream()
    chances = [_chances(stream.step(symbol)[0]) for symbol in sampling.given_text(problem)]
    return {"p": np.stack([one / one.sum() for one in chances])}


def _chances(logits: Array) -> Array:
    """softmax(logits / TEMPERATURE) (V,), but for the sum, by which the draw divides."""
    wide = logits.astype(np.float64)
    return np.exp((wide - wide.max()) / sampling.TEMPERATURE)
