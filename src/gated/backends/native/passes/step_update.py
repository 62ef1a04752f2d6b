"""The update of an online step that is one pass over whole vectors, as a course that the time loop calls.

    unpack            the gradient of the step, in the order of theta
    squares ... decide  by what it is multiplied, if there is a bound on its norm
    turn              the numbers of this update
    (the rule)        theta and the optimizer's buffers, see `update_rules`
    pack              the new parameters, to where the next step reads them

Theta, the gradient and the buffers are arrays in the order of the caller; what is added up, and in which order, is what
`vectors.NativeVectors` does with them outside of a step. Legend: P numbers of theta, K numbers of the rule.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gated.backends.native.codegen.step_updates import TURN_JOB
from gated.backends.native.codegen.update_rules import KERNELS
from gated.backends.native.codegen.vectors import DECIDE_JOB, SQUARES_JOB
from gated.backends.native.machine.programs import common, vectors
from gated.backends.native.memory import leases as memory
from gated.backends.native.memory.addresses import address_of
from gated.backends.native.memory.regions import Sheet
from gated.backends.native.passes.course import Course, Entry
from gated.backends.native.passes.plan import DTYPES, JobPlan
from gated.backends.native.tuning import tuning_for

if TYPE_CHECKING:
    from gated.backends.native.passes.learner import NativeStep

Array = np.ndarray[Any, Any]
Field = int | tuple[int, Hashable]


class StepUpdate:
    """One rule for one learner, with the arrays that it changes.

    Args:
        step: the learner, whose theta, gradient and parameters it works on; it is not kept.
        kernel: of `update_rules.KERNELS`.
        buffers: the optimizer's, each (P,) of theta's dtype, in the order of the kernel; changed in place.
        clip: bound on the norm of the gradient.

    Attributes:
        numbers: (steps that one call can run, K), float64: of each update of the next call, in their order.
        address: of the course.
    """

    def __init__(self, step: NativeStep, kernel: str, buffers: Sequence[Array], clip: float | None) -> None:
        self.kernel, self.buffers, self.clip = kernel, tuple(buffers), clip
        rule, size, dtype = KERNELS[kernel], step.theta.size, DTYPES[step.theta.dtype]
        self._code, self._common = vectors(dtype), common(dtype)  # held: the course has their addresses
        self.numbers = memory.empty((step.most, len(rule.numbers)), np.dtype(np.float64))
        piece = tuning_for().square_piece
        pieces = -(-size // piece)
        self._sums = memory.empty((pieces + 5,), np.dtype(np.float64))  # and their total, then what decides
        self._sums[pieces + 1] = 0.0  # the loss, which the time loop has looked at
        own = {"theta": step.theta, "whole gradient": step.gradient, "numbers": self.numbers, "sums": self._sums}
        own |= dict(zip(rule.changed[1:], self.buffers, strict=True))
        self._sheet = Sheet([*own, *step.bases])
        self._course = Course(1)
        self._course.jobs(self._common.unpack, step.packing(self._sheet, "gradient"))
        factor = 0 if clip is None else self._clip(size, piece, pieces, clip)
        arrays = [(0, name) for name in (*rule.changed, "whole gradient")]
        table = self._table(size, *arrays, factor, 0, *[0] * len(rule.numbers))
        behind = 8 * (1 + len(rule.job) - len(rule.numbers))
        turn = self._table((0, "numbers"), (table + behind, "sheet"), len(rule.numbers))
        self._run("turn", turn)
        self._run(kernel, table)
        self._course.jobs(self._common.pack, step.packing(self._sheet, "parameter"))
        self._course.close(self._sheet)
        self._filled, address = self._sheet.fill([*map(address_of, own.values()), *step.addresses])
        self.address = address + self._course.alone
        self._next = turn // 8 + 1 + TURN_JOB.index("source")

    def is_(self, kernel: str, buffers: Sequence[Array], clip: float | None) -> bool:
        """Whether it is made for these very arrays."""
        same = self.kernel == kernel and self.clip == clip and len(self.buffers) == len(buffers)
        return same and all(own is other for own, other in zip(self.buffers, buffers, strict=True))

    def begin(self) -> None:
        """The next update is the first one of `numbers`."""
        self._filled[self._next] = address_of(self.numbers)

    def _clip(self, size: int, piece: int, pieces: int, limit: float) -> Field:
        """The norm, as `NativeVectors.norm` finds it; where that is found by which the gradient is multiplied then."""
        fields: dict[str, Field] = {"vector": (0, "whole gradient"), "size": size, "piece": piece, "pieces": pieces}
        fields |= {"sums": (0, "sums"), "total": (8 * pieces, "sums"), "squares": (8 * pieces, "sums")}
        fields |= {name: (8 * (pieces + k), "sums") for k, name in enumerate(("loss", "norm", "factor", "go"), 1)}
        fields |= {"wrong": 0, "refusals": 0, "limit": struct.unpack("q", struct.pack("d", limit))[0]}
        sums = self._table(*(fields[name] for name in SQUARES_JOB))
        self._run("squares", sums)
        self._run("total", sums)
        self._run("decide", self._table(*(fields[name] for name in DECIDE_JOB)))
        return fields["factor"]

    def _table(self, *fields: Field) -> int:
        """A table with one job; where it starts."""
        plan = JobPlan()
        plan.add(*fields)
        plan.close(self._sheet)
        return plan.start

    def _run(self, name: str, table: int) -> None:
        self._course.add([Entry(self._code.addresses[name], table, 0, 1)])
