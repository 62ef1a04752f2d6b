"""All parameters of a layer or network in one contiguous vector, each a named view into it."""

from __future__ import annotations

import itertools
import math
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.addresses import address_of
from gated.backends.interface import Arithmetic
from gated.errors import as_array, describe, wrong
from gated.nn import checks

Array = np.ndarray[Any, Any]


class _Layout:
    """Where each parameter lies in the vector; shared by all vectors of one layer."""

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        ties: Mapping[str, str],
        fixed: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        self.shapes, self.ties, self.fixed = dict(shapes), dict(ties), dict(fixed or {})
        self.starts, self.size = _one_behind_the_other(self.shapes)
        self.fixed_starts, self.fixed_size = _one_behind_the_other(self.fixed)
        self._parts: dict[str, dict[str, int]] = {}
        self._fixed_parts: dict[str, dict[str, int]] = {}
        self._latest: dict[str, tuple[int, int, tuple[int, ...]]] = {}

    def part(self, prefix: str) -> dict[str, int]:
        """Name behind the prefix -> start, for all parameters with this prefix."""
        if prefix not in self._parts:
            before = f"{prefix}."
            self._parts[prefix] = {n[len(before) :]: start for n, start in self.starts.items() if n.startswith(before)}
        return self._parts[prefix]

    def fixed_part(self, prefix: str) -> dict[str, int]:
        """The same of the fixed arrays, in a vector of their own."""
        if prefix not in self._fixed_parts:
            before, starts = f"{prefix}.", self.fixed_starts
            self._fixed_parts[prefix] = {n[len(before) :]: start for n, start in starts.items() if n.startswith(before)}
        return self._fixed_parts[prefix]

    def addresses(self, prefix: str, first: int, itemsize: int) -> tuple[int, ...]:
        """Of each of them, in a vector that begins at an address: vectors of gradients often begin where one has."""
        known = self._latest.get(prefix)
        if known is None or known[0] != first or known[1] != itemsize:
            found = tuple([first + start * itemsize for start in self.part(prefix).values()])
            known = self._latest[prefix] = first, itemsize, found
        return known[2]


def _one_behind_the_other(shapes: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, int], int]:
    sizes = [math.prod(shape) for shape in shapes.values()]
    return dict(zip(shapes, itertools.accumulate(sizes, initial=0), strict=False)), sum(sizes)


class ParameterVector(Mapping[str, Array]):
    """Name -> writable view. An optimizer, a checkpoint, an all-reduce are each one pass over `.vector`.

    Assignment writes into the view: `params["l0.b.f"] = 1.0`. What is held once under two names is found under both,
    and comes once when one goes through all of them.

    Args:
        shapes: name -> shape, in the order of the vector.
        dtype: of the vector, unless one is given.
        vector: a contiguous 1-D array to lay the names over; zeros if None.
        ties: further name -> name in `shapes` whose numbers it stands for.
        fixed: name -> shape of arrays that belong to the layer but are not learned. They lie behind the vector in the
            same memory, where who computes finds them, and are no part of it.

    Attributes:
        whole: what gives the vector that this one is a part of; None or gives None if it is no part.
    """

    whole: weakref.ref[ParameterVector] | None = None

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        dtype: Any = np.float32,
        vector: Array | None = None,
        ties: Mapping[str, str] | None = None,
        fixed: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        self._lay(_Layout(shapes, ties or {}, fixed), dtype, vector)

    def _lay(self, layout: _Layout, dtype: Any, vector: Array | None, fixed: Array | None = None) -> None:
        self._layout, self._fixed = layout, fixed
        self._vector: Array = np.zeros(layout.size, dtype) if vector is None else vector
        # machine code reads and writes where this says
        if not isinstance(self._vector, np.ndarray) or self._vector.shape != (layout.size,):
            raise wrong("vector", describe(self._vector), f"an array of shape ({layout.size},)")
        if not self._vector.flags.c_contiguous:
            raise wrong("vector", f"{describe(self._vector)} with gaps", "a contiguous array")
        self._memory: Array | None = None
        if layout.fixed_size and (fixed is not None or vector is None) and self.whole is None:  # side by side
            fixed = np.zeros(layout.fixed_size, dtype) if fixed is None else fixed
            self._own(np.concatenate([self._vector, fixed]))
        self._views: dict[str, Array] = {}  # made when asked for

    def _own(self, memory: Array) -> None:
        """The vector, and the fixed arrays behind it."""
        self._memory, size = memory, self._layout.size
        self._vector, self._fixed = memory[:size], memory[size:]

    @property
    def vector(self) -> Array:
        """All numbers, contiguous. What is assigned is copied into it: another array cannot take its place."""
        return self._vector

    @vector.setter
    def vector(self, value: Any) -> None:
        self.fill("vector", value)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return self._layout.shapes

    @property
    def ties(self) -> dict[str, str]:
        """Further name -> the name under which the numbers are held."""
        return self._layout.ties

    def like(
        self, vector: Array | None = None, whole: ParameterVector | None = None, fixed: Array | None = None
    ) -> ParameterVector:
        """The same layout over another vector, or over zeros.

        Args:
            whole: of which the other vector is a part.
            fixed: the fixed arrays, in the same memory behind it; gradients have none.
        """
        other = ParameterVector.__new__(ParameterVector)
        if whole is not None:
            other.whole = weakref.ref(whole)
        other._lay(self._layout, self._vector.dtype, vector, fixed)
        return other

    def unset(self, backend: Arithmetic) -> ParameterVector:
        """The same layout over numbers that are still to be written, all of them, in memory of a backend's."""
        other, layout = ParameterVector.__new__(ParameterVector), self._layout
        other._layout, other._views, other._fixed = layout, {}, None
        other._vector = memory = backend.empty((layout.size + layout.fixed_size,), self._vector.dtype)
        if layout.fixed_size:  # room for what a pass leaves in the place of their gradients
            other._own(memory)
        return other

    def zeros(self, backend: Arithmetic) -> ParameterVector:
        """As `unset`, over zeros."""
        other = self.unset(backend)
        other._vector.fill(0.0)
        return other

    def span(self, name: str) -> tuple[int, int]:
        """Where a parameter begins and ends in the vector."""
        name = self._layout.ties.get(name, name)
        start = self._layout.starts[name]
        return start, start + math.prod(self.shapes[name])

    def starts(self, prefix: str) -> Mapping[str, int]:
        """Where the parameters whose names begin with `prefix` and a point begin in the vector, by the rest.

        Fixed arrays lie behind it, in `memory`.
        """
        found, fixed = self._layout.part(prefix), self._layout.fixed_part(prefix)
        if not fixed:
            return found
        assert self._fixed is not None
        behind = (address_of(self._fixed) - address_of(self._vector)) // self._vector.itemsize
        return {**found, **{name: behind + start for name, start in fixed.items()}}

    @property
    def fixed_vector(self) -> Array:
        """All fixed arrays, contiguous; of size 0 where there are none."""
        return self._vector[:0] if self._fixed is None else self._fixed

    @property
    def memory(self) -> Array:
        """The vector and what lies behind it, the fixed arrays among it: what who computes is told."""
        whole = None if self.whole is None else self.whole()
        if whole is None or not self._layout.fixed_size:
            return self._vector if self._memory is None else self._memory
        base = whole.memory
        return base[(address_of(self._vector) - address_of(base)) // base.itemsize :]

    def fixed_view(self, name: str) -> Array:
        """A fixed array, to be written to.

        Raises:
            KeyError: there is none of this name.
        """
        shape = self._layout.fixed[name]
        start = self._layout.fixed_starts[name]
        return self.fixed_vector[start : start + math.prod(shape)].reshape(shape)

    @property
    def fixed_shapes(self) -> dict[str, tuple[int, ...]]:
        return self._layout.fixed

    @property
    def is_part(self) -> bool:
        """Whether these are a layer's parameters in the vector of a network that still exists."""
        return self.whole is not None and self.whole() is not None

    def __getstate__(self) -> dict[str, Any]:
        state = {"shapes": self.shapes, "ties": self.ties, "vector": self.vector}
        if self._layout.fixed:
            state |= {"fixed_shapes": self._layout.fixed, "fixed": self.fixed_vector}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copy: what comes from a file that is mapped into memory, or beside the pickle (protocol 5), as joblib sends
        # arrays to its workers, is shared with others and may be read-only.
        vector, fixed = np.array(state["vector"]), state.get("fixed")
        layout = _Layout(state["shapes"], state["ties"], state.get("fixed_shapes"))
        self._lay(layout, vector.dtype, vector, None if fixed is None else np.array(fixed))

    def __copy__(self) -> ParameterVector:
        return self.like(self.vector.copy(), fixed=self._fixed)

    def __deepcopy__(self, memo: dict[int, Any]) -> ParameterVector:
        return self.__copy__()

    def part(self, prefix: str) -> ParameterPart:
        """The parameters whose names begin with `prefix` and a point, by the rest of the name."""
        return ParameterPart(self, prefix)

    def __getitem__(self, name: str) -> Array:
        view = self._views.get(name)
        if view is not None:
            return view
        name = self._layout.ties.get(name, name)
        shape = self.shapes.get(name)
        if shape is None:
            known = list(self.shapes)
            shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
            raise KeyError(f"there is no parameter {name!r}; there are {shown}")
        start = self._layout.starts[name]
        view = self.vector[start : start + math.prod(shape)].reshape(shape)
        if view.flags.writeable:  # one that is not would stay so when the vector can be written to again
            self._views[name] = view
        return view

    def __setitem__(self, name: str, value: Any) -> None:
        view, argument = self[name], f"params[{name!r}]"
        array = as_array(argument, value)
        if array.shape not in ((), view.shape):  # a row is not spread over a matrix: that is rarely meant
            raise wrong(argument, describe(array), f"shape {view.shape} or one number")
        self._write(argument, view, value, array.shape)

    def fill(self, argument: str, value: Any) -> None:
        """Write to the whole vector; errors call the value so."""
        if value is not self.vector:  # of theta -= ...: the numbers are there already
            self._write(argument, self.vector, value, self.vector.shape)

    def _write(self, argument: str, view: Array, value: Any, shape: tuple[int, ...]) -> None:
        array = checks.array(argument, value, shape, self.vector.dtype)
        holder: ParameterVector | None = self
        while holder is not None:  # a view that was made before does not know that its array is read-only now
            if not holder.vector.flags.writeable:
                raise wrong(argument, "a value for an array that is read-only", "theta.flags.writeable to be True")
            holder = None if holder.whole is None else holder.whole()
        view[...] = array

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def __repr__(self) -> str:
        tied = f", {len(self.ties)} more names for some of them" if self.ties else ""
        return f"<{len(self)} parameters, {self.vector.size} numbers of {self.vector.dtype}{tied}>"


class ParameterPart(Mapping[str, Array]):
    """The parameters of one layer and direction, by their names in the cell, the fixed ones last; made by
    `ParameterVector.part`.

    Attributes:
        kept: what a backend leaves here from one call to the next, and may lose.
    """

    __slots__ = ("_addresses", "_fixed", "_starts", "kept", "owner", "prefix")  # gradients have one in every call

    def __init__(self, owner: ParameterVector, prefix: str) -> None:
        self.owner, self.prefix = owner, prefix
        self._starts, self._fixed = owner._layout.part(prefix), owner._layout.fixed_part(prefix)
        self.kept: list[Any] = []
        self._addresses: tuple[int, ...] | None = None

    def __reduce__(self) -> Any:
        return ParameterPart, (self.owner, self.prefix)

    def __getitem__(self, name: str) -> Array:
        whole = f"{self.prefix}.{name}"
        return self.owner.fixed_view(whole) if name in self._fixed else self.owner[whole]

    def __iter__(self) -> Iterator[str]:
        return itertools.chain(self._starts, self._fixed) if self._fixed else iter(self._starts)

    def __len__(self) -> int:
        return len(self._starts) + len(self._fixed)

    @property
    def addresses(self) -> tuple[int, ...]:
        """Of each parameter in order: for machine code, to which a view of each would be a detour."""
        known = self._addresses
        if known is None:  # the vector stays where it is
            vector = self.owner._vector
            found = self.owner._layout.addresses(self.prefix, address_of(vector), vector.itemsize)
            if self._fixed:
                first = address_of(self.owner.fixed_vector)
                found += tuple([first + start * vector.itemsize for start in self._fixed.values()])
            known = self._addresses = found
        return known
