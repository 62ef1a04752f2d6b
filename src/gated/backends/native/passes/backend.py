"""The native backend: machine code made from the cell's schedule, from the products with x to the gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.backends.interface import (
    Array,
    Batch,
    Chain,
    Given,
    Pass,
    Scan,
    Stepper,
    Trained,
    Update,
)
from gated.backends.native import passes  # whose modules are imported when they are first called: a start takes less
from gated.backends.native.passes.plan import DTYPES
from gated.backends.native.passes.vectors import NativeVectors
from gated.backends.reference import ReferenceBackend
from gated.schedule import CellSchedule


class NativeBackend(NativeVectors, ReferenceBackend):
    """See `interface.Backend`. float32 and float64; other dtypes are the reference's."""

    name = "native"

    def forward(self, given: Any, *others: Any) -> Scan:
        if others:  # as `takes_pass`, without its call: small layers would notice
            given = Pass(given, *others)
        return passes.layer_pass.run(given) if given.x.dtype in DTYPES else super().forward(given)

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        if dy.dtype not in DTYPES:
            return super().backward(scan, dy, dstates, gradients)
        return passes.layer_pass.run_back(scan, dy, dstates, gradients)

    def infer_chain(self, chain: Chain, theta: Array, given: Given) -> tuple[Array, dict[int, list[Array]]]:
        if chain.dtype not in DTYPES:
            return super().infer_chain(chain, theta, given)
        return passes.inference.infer_chain(self, chain, theta, given)

    def stream(self, chain: Chain, theta: Array, sequences: int) -> Stepper:
        if chain.dtype not in DTYPES:
            return super().stream(chain, theta, sequences)
        return passes.stepper.Stepper(chain, theta, sequences)

    def map(
        self,
        schedule: CellSchedule,
        sizes: Mapping[str, int],
        parameters: Mapping[str, Array],
        inputs: Mapping[str, Array],
        sealed: bool = True,
    ) -> tuple[Array, Scan]:
        if passes.maps.takes(schedule, inputs, sealed):
            return passes.maps.run(schedule, sizes, parameters, inputs, sealed)
        return super().map(schedule, sizes, parameters, inputs, sealed)

    def map_backward(self, scan: Scan, dy: Array, gradients: Mapping[str, Array]) -> list[Array]:
        if passes.maps.made_by_run(scan):
            return passes.maps.run_back(scan, dy, gradients)
        return super().map_backward(scan, dy, gradients)

    def loss(
        self, schedule: CellSchedule, y: Array, target: Array, weights: Array, dtype: np.dtype[Any]
    ) -> tuple[float, Array]:
        if passes.maps.takes_loss(schedule, (y, target, weights), dtype):
            return passes.maps.run_loss(schedule, y, target, weights)
        return super().loss(schedule, y, target, weights, dtype)

    def train(
        self, chain: Chain, loss: CellSchedule, theta: Array, batch: Batch, update: Update | None
    ) -> Trained | None:
        if not passes.training_step.takes(chain, loss, theta, batch, update):
            return None
        return passes.training_step.run(chain, loss, theta, batch, update)
