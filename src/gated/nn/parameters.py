"""All parameters of a layer or network in one contiguous vector, each a named view into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.errors import ArgumentError, as_array, describe, wrong

Array = np.ndarray[Any, Any]


class ParameterVector(Mapping[str, Array]):
    """Name -> writable view. An optimizer, a checkpoint, an all-reduce are each one pass over `.vector`.

    Assignment writes into the view: `params["l0.b.f"] = 1.0`.

    Args:
        shapes: name -> shape, in the order of the vector.
        dtype: of the vector, unless one is given.
        vector: a contiguous 1-D array to lay the names over; zeros if None.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], dtype: Any = np.float32, vector: Array | None = None
    ) -> None:
        self.shapes = dict(shapes)
        size = sum(int(np.prod(shape)) for shape in self.shapes.values())
        self.vector = np.zeros(size, dtype) if vector is None else vector
        if self.vector.shape != (size,):
            raise wrong("vector", describe(self.vector), f"shape ({size},)")
        self._views: dict[str, Array] = {}
        start = 0
        for name, shape in self.shapes.items():
            stop = start + int(np.prod(shape))
            self._views[name] = self.vector[start:stop].reshape(shape)
            start = stop

    def like(self, vector: Array | None = None) -> ParameterVector:
        """The same layout over another vector, or over zeros."""
        return ParameterVector(self.shapes, self.vector.dtype if vector is None else vector.dtype, vector)

    def __getitem__(self, name: str) -> Array:
        if name not in self._views:
            known = list(self._views)
            shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
            raise KeyError(f"there is no parameter {name!r}; there are {shown}")
        return self._views[name]

    def __setitem__(self, name: str, value: Any) -> None:
        view = self[name]
        array = as_array(f"params[{name!r}]", value)
        if array.shape not in ((), view.shape):  # a row is not spread over a matrix: that is rarely meant
            raise wrong(f"params[{name!r}]", describe(array), f"shape {view.shape} or one number")
        try:
            view[...] = array
        except (ValueError, TypeError) as error:
            raise ArgumentError(f"params[{name!r}]: got {describe(array)}, expected shape {view.shape}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        return f"<{len(self)} parameters, {self.vector.size} numbers of {self.vector.dtype}>"
