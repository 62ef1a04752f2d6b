"""The inputs of a cell with several, or with numbers: how a user gives them, and how they lie side by side.

Behind the calls of a layer all inputs are the columns of one array, in the order of the equations: packed, turned,
cut, moved and differentiated together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gated.backends.interface import input_columns
from gated.errors import as_array, describe, shown, wrong
from gated.language.graph import ONE_DIM, Graph
from gated.nn import checks

Array = np.ndarray[Any, Any]


class Form(NamedTuple):
    """How inputs were given.

    Attributes:
        kind: dict, tuple, or None for one array.
        flat: the numbers that came without their last axis.
    """

    kind: type | None = None
    flat: frozenset[str] = frozenset()


AS_IT_IS = Form()


class Inputs:
    """Of one layer.

    Args:
        sizes: dimension symbol -> length.

    Attributes:
        columns: input -> where it lies in a row of all of them.
        width: of that row.
        plain: whether there is one, and it is a vector: its arrays are used as they are.
    """

    def __init__(self, graph: Graph, sizes: Mapping[str, int]) -> None:
        self.dims, self.columns = graph.input_dims, input_columns(graph, sizes)
        self.width = max(own.stop for own in self.columns.values())
        self.plain = list(self.dims.values()) == ["input"]

    @property
    def first(self) -> int:
        """How long the first one is: what the layer below gives."""
        return next(iter(self.columns.values())).stop

    def joined(self, name: str, value: Any, lead: tuple[int | str, ...], dtype: np.dtype[Any]) -> tuple[Array, Form]:
        """All inputs side by side, and the form in which they came.

        Args:
            name: of the argument.
            value: a dict of all inputs by name; a tuple of them in the order of the equations; or one array in which
                they lie side by side. What is a number may be without its last axis.
            lead: the shape but for the last axis.

        Raises:
            ArgumentError, ArgumentTypeError: an input is missing or unknown, or its shape does not fit.
        """
        if isinstance(value, Mapping):
            return self._side_by_side(name, self._by_name(name, value), dict, lead, dtype)
        if isinstance(value, (tuple, list)) and len(self.columns) > 1:
            if len(value) != len(self.columns):
                raise wrong(name, f"a {type(value).__name__} of {len(value)}", f"one array each of {self._named()}")
            named = dict(zip(self.columns, value, strict=True))
            return self._side_by_side(name, named, tuple, lead, dtype)
        array, flat = as_array(name, value), frozenset[str]()
        if self.width == 1 and array.ndim == len(lead):
            array, flat = array[..., None], frozenset(self.columns)
        if len(self.columns) > 1 and (array.ndim != len(lead) + 1 or array.shape[-1] != self.width):
            expected = f"a dict or tuple of {self._named()}, or all of them side by side, {self.width} numbers a row"
            raise wrong(name, describe(array), expected)
        return checks.array(name, array, (*lead, self.width), dtype), Form(None, flat)

    def _by_name(self, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
        for key in value:
            if key not in self.columns:
                raise wrong(name, f"an input {shown(repr(key), 60)}", f"a dict of {self._named()}")
        for key in self.columns:
            if key not in value:
                raise wrong(name, f"a dict without {key!r}", f"a dict of {self._named()}")
        return {key: value[key] for key in self.columns}

    def _side_by_side(
        self, name: str, named: Mapping[str, Any], kind: type, lead: tuple[int | str, ...], dtype: np.dtype[Any]
    ) -> tuple[Array, Form]:
        parts, flat = [], set()
        for key, own in self.columns.items():
            what = f"{name}[{key!r}]"
            array = as_array(what, named[key])
            if self.dims[key] == ONE_DIM and array.ndim == len(lead):
                array = array[..., None]
                flat.add(key)
            parts.append(checks.array(what, array, (*lead, own.stop - own.start), dtype))
            lead = parts[0].shape[:-1]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1), Form(kind, frozenset(flat))

    def split(self, array: Array, form: Form) -> Any:
        """The inverse: what lies side by side, in the form in which the inputs came."""
        if form.kind is None:
            return array[..., 0] if form.flat else array
        parts = {}
        for name, own in self.columns.items():
            parts[name] = array[..., own.start] if name in form.flat else array[..., own]
            parts[name] = np.ascontiguousarray(parts[name])
        return parts if form.kind is dict else tuple(parts.values())

    def above(self, x: Array, y: Array) -> Array:
        """The inputs of the layer above: the output of the one below in the place of the first, and the others."""
        return y if len(self.columns) == 1 else np.concatenate([y, x[..., self.first :]], axis=-1)

    def _named(self) -> str:
        return ", ".join(map(repr, self.columns))


def input_lengths(graph: Graph, given: Any) -> dict[str, int]:
    """Dimension symbol -> length, for the dimensions of the inputs.

    Args:
        given: the argument `input_size`: a length for all inputs that need one, or a dict of input -> length. Numbers
            need none, nor do inputs that the equations make as long as another that has one.

    Raises:
        ArgumentError, ArgumentTypeError: a length is missing, unknown, or two that must be equal are not.
    """
    dims = graph.input_dims
    wanted = [dim for dim in dict.fromkeys(dims.values()) if dim != ONE_DIM]
    if not isinstance(given, Mapping):
        if not wanted and given is None:
            return {}
        size = checks.size("input_size", given)
        if not wanted and size != 1:
            raise wrong("input_size", str(size), "1, or none: all inputs of the cell are numbers")
        return dict.fromkeys(wanted, size)
    found: dict[str, int] = {}
    by: dict[str, str] = {}
    for name, value in given.items():
        if name not in dims:
            raise wrong("input_size", f"the name {shown(repr(name), 60)}", f"inputs of the cell: {', '.join(dims)}")
        size, dim = checks.size(f"input_size[{name!r}]", value), dims[name]
        if dim == ONE_DIM and size != 1:
            raise wrong(f"input_size[{name!r}]", str(size), "1: it is annotated as a number")
        if found.setdefault(dim, size) != size:
            raise wrong(f"input_size[{name!r}]", str(size), f"{found[dim]}, for the equations join it and {by[dim]}")
        by.setdefault(dim, name)
    for name, dim in dims.items():
        if dim != ONE_DIM and dim not in found:
            raise wrong("input_size", f"no length for {name!r}", f"a dict with the lengths of {', '.join(dims)}")
    found.pop(ONE_DIM, None)
    return found


def described(given: Mapping[str, int], graph: Graph) -> int | dict[str, int] | None:
    """`input_size` as a description holds it: a number, if that says all."""
    lengths: Sequence[int] = list(given.values())
    if len(set(lengths)) <= 1 and len(graph.inputs) == 1:
        return lengths[0] if lengths else 1
    return {name: given[dim] for name, dim in graph.input_dims.items() if dim != ONE_DIM}
