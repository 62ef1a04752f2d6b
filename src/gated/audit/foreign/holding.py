"""The parameters of functions: which there are, how they are shaped, and how their functions hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gated.audit.foreign import arguments, roles
from gated.audit.foreign.arguments import Argument
from gated.audit.foreign.containers import flat_shapes, flatten, holder, nested, rebuilt
from gated.audit.foreign.schemes import Scheme
from gated.audit.foreign.source import Source, globals_read
from gated.audit.foreign.subject import Parameters, Subject

Array = np.ndarray[Any, Any]


class Holding(Subject):
    """Apart, in a container, or as globals of their file."""

    source: Source
    initial: Any  # their function that makes parameters
    dictionary: bool  # there is a container
    asked: Sequence[Argument]
    unpacked: Mapping[str, list[Any]]
    inside: list[Any]  # names of the arrays in a tuple of parameters
    parameters: list[str]
    outside: list[str]  # those that are globals
    layer: set[str]  # those of an output layer
    kinds: list[Any]  # classes of their file
    scheme: Scheme
    latest: tuple[int, int] | None
    _shaped: tuple[tuple[Any, ...], dict[str, tuple[int, ...]]] | None = None  # asked last, and what was said

    @property
    def made_by_them(self) -> bool:
        return self.dictionary and self.initial is not None

    def _unpacked_parameters(self) -> list[Any]:
        """Names of the arrays in a tuple of parameters."""
        holder = next((a.name for a in self.asked if a.role == "parameters"), "")
        return self.unpacked.get(holder, [])

    def _outside(self) -> list[str]:
        """Parameters that are globals of their file."""
        return globals_read(self.source, self.where[0])

    def _output_layer(self) -> set[str]:
        """Parameters of a layer on the states: it is the identity here."""
        names = tuple(self.parameters)
        return {n for n in names if roles.family(n, names, False)[-1] == "y"}

    def _parameters(self) -> list[str]:
        if not self.dictionary:
            return [a.name for a in self.asked if a.role == "array"]
        if self.initial is not None:
            return list(flatten(self.initial(3, 2), self.inside))
        names = flat(self.inside)
        if names and all(isinstance(name, str) for name in names):
            return names
        return self.source.keys(self.source.reached(self.where[0]))

    def outside_the_audit(self) -> list[tuple[str, tuple[str, ...]]]:
        partial = [a.name for a in self.asked if a.role in ("lengths", "mask")]
        said = [("output_layer", (", ".join(sorted(self.layer)),))] if self.layer else []
        return [*said, *(("whole_sequences", (name,)) for name in partial)]

    def sizes_of(self, P: Mapping[str, Any]) -> tuple[int, int]:
        """Those for which shapes were asked last, if they are."""
        if self.latest and self.shapes(*self.latest) == {name: tuple(np.shape(value)) for name, value in P.items()}:
            return self.latest
        return super().sizes_of(P)

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        self.latest = D, H
        asked = D, H, self.scheme, self.parameters
        if self._shaped is None or any(a is not b and a != b for a, b in zip(self._shaped[0], asked, strict=True)):
            self._shaped = asked, {n: s for n, s in self._all_shapes(D, H).items() if n not in self.layer}
        return dict(self._shaped[1])

    def _all_shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        if self.made_by_them:
            return flat_shapes({n: np.shape(v) for n, v in flatten(self.initial(D, H), self.inside).items()})
        return {n: self.scheme.shape(n, D, H) for n in self.parameters}

    def drawn(self, D: int, H: int) -> Parameters:
        if not self.made_by_them:
            return {}
        shapes = self.shapes(D, H)
        drawn = flatten(self.initial(D, H), self.inside)
        return {n: np.reshape(drawn[n], shape) for n, shape in shapes.items()}

    def held(self, P: Parameters) -> Any:
        """Parameters as their functions hold them."""
        D, H = self.sizes_of(P)
        if self.layer:
            P = {n: P.get(n, identity(s, H)) for n, s in self._all_shapes(D, H).items()}
        if not self.outside:
            return self.held_for(P, D, H)
        self.set_outside(P, D, H)
        return self.held_for({n: v for n, v in P.items() if n not in self.outside}, D, H)

    def set_outside(self, P: Parameters, D: int, H: int) -> None:
        """Give their globals these values."""
        values = vars(self.source.module)
        values.update({n: np.array(P[n]).reshape(self.scheme.theirs(n, D, H)) for n in self.outside})
        values.update({n: {"D": D, "H": H}[s] for n in values if (s := arguments.size(n)) in ("D", "H")})

    def held_for(self, P: Parameters, D: int, H: int) -> Any:
        if self.made_by_them:
            return rebuilt(self.initial(D, H), P, self.inside)
        theirs = {n: v.reshape(self.scheme.theirs(n, D, H)) for n, v in P.items()}
        if self.inside and set(flat(self.inside)) == set(P):
            return in_lists(self.inside, theirs)
        kind = holder(self.kinds, list(theirs)) if self.dictionary else None
        return kind(**theirs) if kind else nested(theirs)

    def fresh(self, P: Parameters) -> Parameters:
        fresh = super().fresh(P)
        self._H = self.sizes_of(fresh)[1]
        return fresh


def flat(names: Sequence[Any]) -> list[Any]:
    """The names in a tuple of tuples."""
    return [inner for n in names for inner in (flat(n) if isinstance(n, list) else [n])]


def in_lists(names: Sequence[Any], values: Mapping[str, Array]) -> list[Any]:
    return [in_lists(n, values) if isinstance(n, list) else values[n] for n in names]


def identity(shape: tuple[int, ...], H: int) -> Array:
    """Of an output layer: the identity, and no bias."""
    matrix = len(shape) == 2 and 1 not in shape
    return np.eye(H) if matrix else np.zeros([1 if size == 1 else H for size in shape])
