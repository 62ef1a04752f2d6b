"""A backend for cells with matrices that are made of parameters, around any other.

To that one every matrix is a parameter. Here these are made of the cell's own before it runs, once a call, and when it
is done their gradients become those of the parameters; both with NumPy. Whole passes of networks (`Chain`) find all
parameters in one vector: here in a longer one, a copy of theta with the matrices behind it.

Legend: P numbers of theta.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

import numpy as np

from gated.backends.interface import Array, Backend, Batch, Chain, Given, Pass, Scan, Stepper, Trained, Update
from gated.backends.reference.digest import digest_of
from gated.backends.reference.made import add_gradients, make
from gated.backends.scan import stale
from gated.backends.whole_step import Link, ScanLink, Starts, TableLink
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
        longer, inner = _longer(chain), self._inner
        vector = longer.take(theta)
        try:
            found = inner.train(longer.chain, loss, vector, batch, None)
            if found is None:
                return None
            gradient = longer.gradient(theta, found.gradient)
        finally:
            longer.give(vector)
        found = found._replace(gradient=gradient, norm=inner.norm(gradient))
        if update is None or not (math.isfinite(found.loss) and math.isfinite(found.norm)):
            return found
        if found.norm > update.limit:
            gradient = gradient.copy()
            inner.scale(gradient, update.limit / found.norm)
        scratch = inner.empty(gradient.shape, theta.dtype), inner.empty(gradient.shape, theta.dtype)
        inner.update(update.rule, theta[: gradient.size], gradient, update.buffers, scratch, **update.numbers)
        return found._replace(updated=True)


def _of(schedule: CellSchedule) -> Made:
    assert schedule.made is not None
    return schedule.made


def _digest(made: Made, parameters: Mapping[str, Array]) -> int:
    return digest_of({name: parameters[name] for name in made.leaves})


class _Part:
    """One direction of a link: where its parameters begin in theta, and all of its matrices in the longer vector.

    Attributes:
        starts: of every parameter of the schedule, one behind the other.
    """

    def __init__(self, link: ScanLink, own: Starts, first: int) -> None:
        self.made, self.sizes, self.own = _of(link.schedule), link.sizes, own
        self.shapes = link.schedule.graph.parameters
        fixed = link.schedule.graph.fixed
        names = sorted(self.shapes, key=lambda name: name in fixed)  # what is learned lies side by side
        *starts, self.end = itertools.accumulate((math.prod(self._shape(name)) for name in names), initial=first)
        self.starts = dict(zip(names, starts, strict=True))
        self.plain = [name for name in self.shapes if name in own]
        self.learned = [name for name in own if name not in fixed]

    def _shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.sizes[dim] for dim in self.shapes[name])

    @property
    def own_end(self) -> int:
        """Where the layer's own parameters end in theta, or in what lies behind it."""
        found = {name: self._shape(name) for name in self.plain} | {n: self._own_shape(n) for n in self.made.leaves}
        return max(self.own[name] + math.prod(shape) for name, shape in found.items())

    def _own_shape(self, name: str) -> tuple[int, ...]:
        node = self.made.leaves[name]
        return tuple(self.sizes[dim] for dim in shape_of(node)) if is_matrix(node) else (1,)

    def in_vector(self, vector: Array) -> dict[str, Array]:
        """All parameters of the schedule: views."""
        return {name: _view(vector, start, self._shape(name)) for name, start in self.starts.items()}

    def in_theta(self, theta: Array) -> dict[str, Array]:
        """Of the layer's own parameters, those that are in the schedule or that matrices are made of: views."""
        found = {name: _view(theta, self.own[name], self._shape(name)) for name in self.plain}
        found |= {name: _view(theta, self.own[name], self._own_shape(name)) for name in self.made.leaves}
        return found


class _Longer:
    """A chain for a vector that has, behind theta, all parameters of the links with matrices that are made.

    Attributes:
        chain: that chain.
    """

    def __init__(self, chain: Chain) -> None:
        self.numbers, self.dtype = chain.numbers, chain.dtype
        self._parts: list[_Part] = []
        self._idle: list[Array] = []  # what is prepared for a vector is found again by its address
        made = [link for link in chain.scans.values() if link.schedule.made is not None]
        ends = [part.own_end for part in (_Part(link, own, 0) for link in made for own in link.starts)]
        end, links, written = max(chain.reach, *ends), [], set()
        self._size = end
        for link, sources in chain.links:
            if isinstance(link, ScanLink) and link.schedule.made is not None:
                sides = []
                for own in link.starts:
                    part = _Part(link, own, end)
                    self._parts.append(part)
                    sides.append(part.starts)
                    end = part.end
                link = replace(link, starts=tuple(sides))
            else:
                written |= _starts_of(link)
            links.append((link, sources))
        self.chain = Chain(tuple(links), end, chain.dtype)
        # the parameters that belong to such links alone
        self._alone = [(part, name) for part in self._parts for name in part.learned if part.own[name] not in written]

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
        vector[: self._size] = theta[: self._size]
        for part in self._parts:
            own, here = part.in_theta(theta), part.in_vector(vector)
            for name in part.plain:
                here[name][...] = own[name]
            make(part.made, own, here)

    def gradient(self, theta: Array, found: Array) -> Array:
        """That of theta, from that of the vector: the beginning of the same array."""
        for part, name in self._alone:
            part.in_theta(found)[name][...] = 0
        for part in self._parts:
            here, into = part.in_vector(found), part.in_theta(found)
            for name in part.plain:
                if name in part.learned:
                    np.add(into[name], here[name], out=into[name])
            add_gradients(part.made, part.in_theta(theta), here, into)
        return found[: self.numbers]


def _starts_of(link: Link) -> set[int]:
    if isinstance(link, TableLink):
        return {link.start}
    sides = link.starts if isinstance(link, ScanLink) else (link.starts,)
    return {start for starts in sides for start in starts.values()}


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
