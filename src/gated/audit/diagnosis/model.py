"""Somebody's backward pass, as far as it is explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from gated.audit.diagnosis.backward_graph import DY, BackwardGraph
from gated.audit.diagnosis.explain import Explanation, scaled
from gated.audit.diagnosis.roads import Road
from gated.audit.diagnosis.samples import Array, Samples, norm

LOCAL, CARRIED, GRADIENT = "local", "carried", "gradient"
Choice = tuple[str, str]  # (stage, name)


@dataclass
class Model:
    """Somebody's backward pass as roads.

    Attributes:
        last, earlier: node -> roads at the last step and at all others.
        gradients: gradient -> roads.
        choices: what explanations were found, the cheapest first.
        agreed: those whose last explanation is that all who show a node are wrong, though they agree.
        unexplained: (stage, name) of what no explanation was found for.
    """

    last: dict[str, list[Road]] = field(default_factory=dict)
    earlier: dict[str, list[Road]] = field(default_factory=dict)
    gradients: dict[str, list[Road]] = field(default_factory=dict)
    choices: dict[Choice, list[Explanation]] = field(default_factory=dict)
    agreed: set[Choice] = field(default_factory=set)
    unexplained: list[Choice] = field(default_factory=list)

    def backward(self, samples: Samples, correct: Callable[[str, int], None] | None = None) -> None:
        """Set all adjoints of samples; `correct` may change that of a node at a step before it is used."""
        samples.of_loss = cache(lambda step: self._of_loss(samples, step))
        self._backward(samples, correct)

    def _of_loss(self, samples: Samples, step: int) -> dict[str, Array]:
        """The adjoints of all steps, summed, as the loss at one step alone makes them."""
        whole = samples.adjoints
        samples.adjoints = [{DY: here[DY] * (t == step)} for t, here in enumerate(whole)]
        self._backward(samples)
        alone, samples.adjoints = samples.adjoints, whole
        return {node: np.add.reduce([here[node] for here in alone]) for node in whole[step]}

    def _backward(self, samples: Samples, correct: Callable[[str, int], None] | None = None) -> None:
        graph = samples.graph
        for t in reversed(range(samples.T)):
            roads = self.last if t == samples.T - 1 else self.earlier
            for node in graph.back:
                samples.put(node, t, roads[node] if node in graph.kept else graph.local[node])
                if correct is not None:
                    correct(node, t)

    def silenced(self, graph: BackwardGraph, node: str) -> Model:
        """The model in which nothing of its own step enters a node: gradients of zero, and terms that are missing, may
        follow from that."""

        def right(roads: list[Road], own: list[Road]) -> list[Road]:
            return [b if a.coefficient == 0 else a for a, b in zip(roads, own, strict=False)] + roads[len(own) :]

        gradients = {name: right(roads, graph.gradients[name]) for name, roads in self.gradients.items()}
        last = {name: right(roads, graph.local[name]) for name, roads in self.last.items()}
        earlier = {name: right(roads, graph.local[name] + graph.carried[name]) for name, roads in self.earlier.items()}
        for roads in (last, earlier):
            roads[node] = [road if road.later else scaled(road, 0.0, 1) for road in roads[node]]
        return Model(last, earlier, gradients)

    def totals(self, samples: Samples) -> dict[str, Array]:
        """What the model says of each gradient that they return."""
        self.backward(samples)
        return {
            name: sum((samples.gradient(name, road) for road in self.gradients[name]), np.zeros(theirs.shape))
            for name, theirs in samples.theirs.items()
        }

    def errors(self, samples: Samples) -> dict[str, float]:
        """Relative error of the model for each of their gradients."""
        said, theirs = self.totals(samples), samples.theirs
        return {name: norm(said[name] - value) / max(norm(value), 1e-9) for name, value in theirs.items()}
