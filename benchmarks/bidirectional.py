"""Two bidirectional LSTM layers, one on the other: their weights, the same in every process."""

from __future__ import annotations

import numpy as np

from benchmarks.problem import Numbers, Problem

LAYERS = 2
DIRECTIONS = ("", "_reverse")


def weights(problem: Problem) -> dict[str, Numbers]:
    """`l0`, `l0_reverse`, `l1`, `l1_reverse` -> weights as in `Problem.weights`; those of l1 are for 2H inputs."""
    point, found = problem.point, {}
    for layer in range(LAYERS):
        for reverse, direction in enumerate(DIRECTIONS):
            random = np.random.default_rng([problem.seed, 8, layer, reverse, point.steps, point.batch, point.hidden])
            shapes = problem.shapes(point.hidden * (1 if layer == 0 else len(DIRECTIONS)))
            found[f"l{layer}{direction}"] = problem.uniform(random, shapes)
    return found
