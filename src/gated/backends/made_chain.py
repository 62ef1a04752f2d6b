"""Whole passes of networks with matrices that are made of parameters: theta with these behind it, in one vector.

Whoever runs a chain of links finds all parameters in one vector. Here that is a longer one than theta, a copy of it
that is filled anew for every call; behind it lie all parameters of the links with such matrices.
"""

from __future__ import annotations

import itertools
import math
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from gated.backends.interface import Array, Chain
from gated.backends.reference.made import add_gradients, made_of, make
from gated.backends.whole_step import Link, ScanLink, Starts, TableLink
from gated.language.matrices import is_matrix, shape_of


class Part:
    """One direction of a link: where its parameters begin in theta, and all of its matrices in the longer vector.

    Attributes:
        starts: of every parameter of the schedule, one behind the other.
    """

    def __init__(self, link: ScanLink, own: Starts, first: int) -> None:
        self.made, self.sizes, self.own = made_of(link.schedule), link.sizes, own
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


class Longer:
    """A chain for a vector that has, behind theta, all parameters of the links with matrices that are made.

    Attributes:
        chain: that chain.
    """

    def __init__(self, chain: Chain) -> None:
        self.numbers = chain.numbers
        self._parts: list[Part] = []
        self._idle: list[Array] = []  # what is prepared for a vector is found again by its address
        made = [link for link in chain.scans.values() if link.schedule.made is not None]
        ends = [part.own_end for part in (Part(link, own, 0) for link in made for own in link.starts)]
        end, links, written = max(chain.reach, *ends), [], set()
        self._size = end
        for link, sources in chain.links:
            if isinstance(link, ScanLink) and link.schedule.made is not None:
                sides = []
                for own in link.starts:
                    part = Part(link, own, end)
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

    def empty(self) -> Array:
        return np.empty(self.chain.numbers, self.chain.dtype)

    @contextmanager
    def vector(self, theta: Array) -> Iterator[Array]:
        """The vector for these parameters, for one call."""
        try:
            vector = self._idle.pop()
        except IndexError:
            vector = self.empty()
        self.fill(vector, theta)
        try:
            yield vector
        finally:
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


_known: weakref.WeakKeyDictionary[Chain, Longer] = weakref.WeakKeyDictionary()


def longer(chain: Chain) -> Longer:
    """Of each chain one."""
    found = _known.get(chain)
    return _known.setdefault(chain, Longer(chain)) if found is None else found
