"""The reference backend, as layers and learners call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.interface import Array, Batch, Chain, Given, Pass, Scan, Stepper, Trained, Update, takes_pass
from gated.backends.reference import backward, chains, forward, maps
from gated.backends.reference.arithmetic import NumPyArithmetic
from gated.backends.reference.digest import digest_of, refuse_changed
from gated.backends.reference.interpreter import Interpreter, Values
from gated.language.graph import Node
from gated.schedule import CellSchedule
from gated.schedule.grouping import ProductGroup


class ReferenceBackend(NumPyArithmetic):
    """See `interface.Backend`."""

    name = "reference"

    @takes_pass
    def forward(self, given: Pass) -> Scan:
        scan = forward.run(given)
        scan.own = digest_of(given.parameters)
        return scan

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        refuse_changed(scan)
        return backward.run_back(scan, dy, dstates, gradients)

    def infer_chain(self, chain: Chain, theta: Array, given: Given) -> tuple[Array, dict[int, list[Array]]]:
        return chains.infer_chain(self, chain, theta, given)

    def stream(self, chain: Chain, theta: Array, sequences: int) -> Stepper:
        return chains.ReferenceStepper(self, chain, theta, sequences)

    def map(
        self,
        schedule: CellSchedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        inputs: Mapping[str, Array],
        sealed: bool = True,
    ) -> tuple[Array, Scan]:
        return maps.evaluate_map(schedule, sizes, parameters, inputs, sealed)

    def map_backward(self, scan: Scan, dy: Array, gradients: Mapping[str, Array]) -> list[Array]:
        return maps.map_adjoints(scan, dy, gradients)

    def loss(
        self, schedule: CellSchedule, y: Array, target: Array, weights: Array, dtype: np.dtype[Any]
    ) -> tuple[float, Array]:
        return maps.evaluate_loss(schedule, y, target, weights, dtype)

    def evaluate(self, program: Sequence[Node | ProductGroup], parameters: Mapping[str, Array], values: Values) -> None:
        with np.errstate(all="ignore"):  # NaN in, NaN out
            Interpreter(parameters).run(program, values)

    def train(
        self, chain: Chain, loss: CellSchedule, theta: Array, batch: Batch, update: Update | None
    ) -> Trained | None:
        return None  # right is what comes of the parts, one by one
