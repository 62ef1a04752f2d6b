"""Somebody's backward pass, as far as it is explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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
        graph = samples.graph
        for t in reversed(range(samples.T)):
            roads = self.last if t == samples.T - 1 else self.earlier
            for node in graph.back:
                samples.put(node, t, roads[node] if node in graph.kept else graph.local[node])
                if correct is not None:
                    correct(node, t)

    def let_nothing_in(self, graph: BackwardGraph) -> None:
        """If all gradients are zero, one thing is wrong: dy is not taken in."""
        if not self.gradients or any(road.coefficient for roads in self.gradients.values() for road in roads):
            return
        for name in self.gradients:
            self.gradients[name] = graph.gradients[name]
        for roads in (self.last, self.earlier):
            for node in roads:
                right = graph.local[node] + graph.carried[node] * (roads is self.earlier)
                roads[node] = [r if r.source != DY else scaled(r, 0.0, 1) for r in right]

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
