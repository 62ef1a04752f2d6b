"""A backend for cells with matrices that are made of parameters, around any other.

To that one every matrix is a parameter. Here these are made of the cell's own before it runs, once a call, and when it
is done their gradients become those of the parameters; both with NumPy. Whole passes of networks (`Chain`) find all
parameters in one vector: here in a longer one, a copy of theta with the matrices behind it.

Legend: P numbers of theta.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

import numpy as np

from gated.backends.interface import Array, Backend, Batch, Chain, Given, Pass, Scan, Stepper, Trained, Update
from gated.backends.reference.digest import digest_of
from gated.backends.reference.made import add_gradients, make
from gated.backends.scan import stale
from gated.backends.whole_step import ScanLink
from gated.calculus.made import Made
from gated.language.matrices import is_matrix, shape_of
from gated.schedule import CellSchedule


def for_made(backend: Backend) -> Backend:
    """The backend that makes the matrices, and has this one do all else."""
    return cast(Backend, MadeBackend(backend))


def for_chain(backend: Backend, chain: Chain) -> Backend:
    """The backend itself, unless a link has matrices that are made."""
    return for_made(backend) if chain.made else backend


# a layer's own passes


class MadeParameters(dict[str, Array]):
    """All parameters of a pass, those that are made as well.

    Attributes:
        kept: what a backend leaves with the layer's own parameters.
        own: the layer's own. digest: of those that matrices are made of.
    """

    kept: list[Any]
    own: Mapping[str, Array]
    digest: int


class MadeBackend:
    """See the module."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def forward(self, given: Pass) -> Scan:
        """See `interface.Backend`; all that follows as well."""
        made, own = _of(given.schedule), given.parameters
        parameters = MadeParameters(self._arrays(given.schedule, given.sizes, own))
        make(made, own, parameters)
        parameters.kept, parameters.own = getattr(own, "kept", []), own
        parameters.digest = _digest(made, own)
        return self._inner.forward(given._replace(parameters=parameters))

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        made, parameters = _of(scan.schedule), cast(MadeParameters, scan.parameters)
        if _digest(made, parameters.own) != parameters.digest:
            raise stale()
        found = self._arrays(scan.schedule, scan.sizes, gradients)
        result = self._inner.backward(scan, dy, dstates, found)
        for name in gradients.keys() - found.keys():
            gradients[name][...] = 0
        add_gradients(made, parameters.own, found, gradients)
        return result

    def _arrays(self, schedule: CellSchedule, sizes: Mapping[str, int], own: Mapping[str, Array]) -> dict[str, Array]:
        """The layer's own arrays, and new ones for what is made, in the order of the parameters."""
        dtype = next(iter(own.values())).dtype
        return {
            name: own[name] if name in own else self._inner.empty(tuple(sizes[dim] for dim in shape), dtype)
            for name, shape in schedule.graph.parameters.items()
        }

    # whole passes

    def infer_chain(self, chain: Chain, theta: Array, given: Given) -> tuple[Array, dict[int, list[Array]]]:
        longer = _longer(chain)
        vector = longer.take(theta)
        try:
            return self._inner.infer_chain(longer.chain, vector, given)
        finally:
            longer.give(vector)

    def stream(self, chain: Chain, theta: Array, sequences: int) -> Stepper:
        return cast(Stepper, MadeStepper(self._inner, _longer(chain), theta, sequences))

    def train(
        self, chain: Chain, loss: CellSchedule, theta: Array, batch: Batch, update: Update | None
    ) -> Trained | None:
        return None


def _of(schedule: CellSchedule) -> Made:
    assert schedule.made is not None
    return schedule.made


def _digest(made: Made, parameters: Mapping[str, Array]) -> int:
    return digest_of({name: parameters[name] for name in made.leaves})


@dataclass(frozen=True)
class _Part:
    """The matrices of one direction of a link; where they begin in the longer vector, and the parameters in theta."""

    link: ScanLink
    own: Mapping[str, int]
    starts: Mapping[str, int]


class _Longer:
    """A chain whose vector has the matrices that are made behind theta.

    Attributes:
        chain: that chain.
    """

    def __init__(self, chain: Chain) -> None:
        self.numbers, self.dtype = chain.numbers, chain.dtype
        self._parts: list[_Part] = []
        self._idle: list[Array] = []  # vectors that nobody uses: what is prepared for one is found again by its address
        end, links = chain.numbers, []
        for link, sources in chain.links:
            if isinstance(link, ScanLink) and link.schedule.made is not None:
                sides = []
                for own in link.starts:
                    starts = dict(own)
                    for name in link.schedule.made.matrices:
                        starts[name] = end
                        end += math.prod(_shape(link, name))
                    sides.append(starts)
                    self._parts.append(_Part(link, own, starts))
                link = replace(link, starts=tuple(sides))
            links.append((link, sources))
        self.chain = Chain(tuple(links), end, chain.dtype)

    def take(self, theta: Array) -> Array:
        """The vector, for one call."""
        try:
            vector = self._idle.pop()
        except IndexError:
            vector = np.empty(self.chain.numbers, self.dtype)
        self.fill(vector, theta)
        return vector

    def give(self, vector: Array) -> None:
        """One that nobody uses any more."""
        if not self._idle:
            self._idle.append(vector)

    def fill(self, vector: Array, theta: Array) -> None:
        vector[: self.numbers] = theta
        for part in self._parts:
            make(_of(part.link.schedule), self._own(part, theta), self._made(part, vector))

    def _own(self, part: _Part, theta: Array) -> dict[str, Array]:
        found = {}
        for name, node in _of(part.link.schedule).leaves.items():
            shape = tuple(part.link.sizes[dim] for dim in shape_of(node)) if is_matrix(node) else (1,)
            found[name] = _view(theta, part.own[name], shape)
        return found

    def _made(self, part: _Part, vector: Array) -> dict[str, Array]:
        names = _of(part.link.schedule).matrices
        return {name: _view(vector, part.starts[name], _shape(part.link, name)) for name in names}


def _shape(link: ScanLink, name: str) -> tuple[int, ...]:
    return tuple(link.sizes[dim] for dim in link.schedule.graph.parameters[name])


def _view(vector: Array, start: int, shape: tuple[int, ...]) -> Array:
    return vector[start : start + math.prod(shape)].reshape(shape)


@lru_cache(maxsize=64)
def _longer(chain: Chain) -> _Longer:
    """Of each chain one."""
    return _Longer(chain)


class MadeStepper:
    """See `interface.Stepper`."""

    def __init__(self, inner: Backend, longer: _Longer, theta: Array, sequences: int) -> None:
        self._longer, self._theta = longer, theta
        self._vector = np.empty(longer.chain.numbers, longer.chain.dtype)
        longer.fill(self._vector, theta)
        self._stepper = inner.stream(longer.chain, self._vector, sequences)
        self.step, self.draw, self.put, self.take = (
            getattr(self._stepper, name) for name in ("step", "draw", "put", "take")
        )

    @property
    def x(self) -> Array:
        return self._stepper.x

    @property
    def y(self) -> Array:
        return self._stepper.y

    def refresh(self) -> None:
        """Read the parameters again."""
        self._longer.fill(self._vector, self._theta)
        self._stepper.refresh()
