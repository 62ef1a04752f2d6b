"""Online learning in machine code: the memory of a learner, and the call. See `online_emit`."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends.native.codegen.online_emit import REDUCED, StepEmitter
from gated.backends.native.machine.fingerprint import fingerprint
from gated.backends.native.machine.target import Compiled, host
from gated.backends.native.memory.leases import CACHE_LINE
from gated.backends.native.tuning import tuning_for
from gated.language.graph import ONE_DIM, is_constant, topological
from gated.lru import Lru
from gated.program.online_layout import StepLayout, lay_out
from gated.program.rows import ROW, SEQUENCE
from gated.schedule.online_step import LearntParameter, StepPlan

Array = np.ndarray[Any, Any]
_cache: Lru[str, Any] = Lru(tuning_for().online_kept)


def supports(plan: StepPlan) -> bool:
    """Whether there is machine code for a plan: a value that is one number for all units has none."""
    nodes = topological([*plan.forward, *plan.errors, *plan.pushes])
    return all(node.dim != ONE_DIM or is_constant(node) for node in nodes) and all(
        reduction in REDUCED for reduction, _ in plan.sums.values()
    )


def _compiled(layout: StepLayout, dtype: str) -> Any:
    """The function of a layout, from this process's cache or the one on disk if possible."""
    here = host()
    key = fingerprint("online step", dtype, here, layout.plan)

    def make() -> Any:
        code = Compiled.cached(key, lambda: StepEmitter(layout, dtype, here.machine).emit(), here)
        return code, code.function("learn")

    return _cache.get(key, make)


class NativeStep:
    """The memory of one learner: N sequences, one cell, perhaps a dense layer on it.

    Args:
        plan: what a step is.
        sizes: length of every dimension of the plan.
        theta: the parameters of the jobs, in their order, as one contiguous vector; changed in place.
        offsets: job's name -> where its parameter begins in theta.
        batch: N.

    Attributes:
        most: steps that one call can run.
        gradient: like theta; written by steps that do not update.
        states, traces: views (N, units), and (N, rows, cols) or (N, rows) by (state, job's name), as they are kept.
    """

    def __init__(
        self, plan: StepPlan, sizes: Mapping[str, int], theta: Array, offsets: Mapping[str, int], batch: int
    ) -> None:
        self.layout, self.most = lay_out(plan), tuning_for(host().machine).online_steps
        self.plan, self.sizes, self.theta, self.batch = plan, sizes, theta, batch
        self.code, self.learn = _compiled(self.layout, theta.dtype.name)
        self.width = host().machine.width(theta.dtype.name)
        self.gradient = np.zeros_like(theta)
        self.failed = np.zeros(1, np.int64)
        self.weights = np.zeros((self.most, batch), theta.dtype)
        self.rates = np.zeros(self.most, theta.dtype)
        self.table = np.zeros(len(self.layout.table), np.int64)
        self._held: list[Array] = []
        self.traces: dict[tuple[int, str], Array] = {}
        self._fill(offsets)
        self._fused = self.layout.table["fused",]
        self.address = ctypes.c_void_p(self.table.ctypes.data)

    def _fill(self, offsets: Mapping[str, int]) -> None:
        rows: dict[str, tuple[int, int]] = {}  # name -> (rows, padded length): scratch rows may serve several lengths
        for place in [*self.layout.places.values(), *(p for q in self.layout.programs for p in q.places)]:
            count = self.most * self.batch if place.rows == ROW else 1
            if place.rows == SEQUENCE and not place.scratch:
                count = self.batch
            rows[place.name] = count, max(rows.get(place.name, (0, 0))[1], self._padded(place.dim))
        arrays = {name: self._zeros(*shape) for name, shape in rows.items() if ("row", name) in self.layout.table}
        for name, array in arrays.items():
            self._put(("row", name), array)
        for dim in self.layout.dims:
            self.table[self.layout.table["size", dim]] = self.sizes[dim]
            self.table[self.layout.table["blocks", dim]] = self._padded(dim) // self.width
        for job in self.plan.learnt:
            self._fill_job(job, offsets[job.name])
        self.table[self.layout.table["sequences",]] = self.batch
        self.table[self.layout.table["numbers",]] = self.theta.size
        # a shadow that is not the parameters: the first call copies them
        fixed = {"theta": self.theta, "shadow": ~self.theta.view(f"i{self.theta.itemsize}")}
        fixed |= {"rates": self.rates, "weights": self.weights, "failed": self.failed}
        for name, array in fixed.items():
            self._put((name,), array)
        self.x, self.y, self.target = (
            arrays[name].reshape(self.most, self.batch, -1)[:, :, : self.sizes[leaf.dim]]
            for name, leaf in (("x", self.plan.x), ("y", self.plan.target), ("target", self.plan.target))
        )
        self.states = [arrays[f"state {k}"][:, : self.sizes[leaf.dim]] for k, leaf in enumerate(self.plan.states)]

    def _fill_job(self, job: LearntParameter, offset: int) -> None:
        rows, padded = self.sizes[job.rows], self._padded(job.rows)
        cols = 1 if job.cols is None else self.sizes[job.cols]
        self._put(("panel", job.name), self._zeros(cols, padded))
        self._put(("sum", job.name), self._zeros(cols, padded))
        for kind, vector in (("theta", self.theta), ("gradient", self.gradient)):
            self._put((kind, job.name), vector[offset:])
        for k in job.traces:
            trace = self._zeros(self.batch, cols, padded)
            self._put(("trace", job.name, str(k)), trace)
            inside = trace[:, :, :rows].transpose(0, 2, 1)
            self.traces[k, job.name] = inside[:, :, 0] if job.cols is None else inside

    def _padded(self, dim: str) -> int:
        return -(-self.sizes[dim] // self.width) * self.width

    def _zeros(self, *shape: int) -> Array:
        size = int(np.prod(shape)) * self.theta.itemsize
        raw = np.zeros(size + CACHE_LINE, np.uint8)
        skip = -raw.ctypes.data % CACHE_LINE
        return raw[skip : skip + size].view(self.theta.dtype).reshape(shape)

    def _put(self, name: tuple[str, ...], array: Array) -> None:
        self._held.append(array)
        self.table[self.layout.table[name]] = array.ctypes.data

    def run(self, steps: int, fused: bool) -> int:
        """Run the first `steps` steps of x, target, weights and rates; the predictions are in y.

        Args:
            steps: at most `most`.
            fused: theta -= rate * gradient after each step that has a weight; otherwise the gradient of the last such
                step is written to `gradient`.

        Returns:
            0, or 1 + the number of a step whose gradient was not finite: nothing was learnt from it, and the steps
            behind it were not run.
        """
        self.table[self._fused] = fused
        self.learn(self.address, 0, steps)
        failed = int(self.failed[0])
        if failed:
            self.failed[0] = 0
        return failed
