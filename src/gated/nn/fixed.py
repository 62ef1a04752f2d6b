"""The arrays of a layer or network that are not learned, by name. See `ParameterVector`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.nn import checks
from gated.nn.parameters import ParameterVector

Array = np.ndarray[Any, Any]


class FixedArrays(Mapping[str, Array]):
    """Name -> writable view; what is assigned is written into it: `layer.fixed["l0.S.v"] = mask`."""

    def __init__(self, params: ParameterVector) -> None:
        self._params = params

    def __getitem__(self, name: str) -> Array:
        if name not in self._params.fixed_shapes:
            known = ", ".join(list(self._params.fixed_shapes)[:12]) or "none"
            raise KeyError(f"there is no fixed array {name!r}; there are {known}")
        return self._params.fixed_view(name)

    def __setitem__(self, name: str, value: Any) -> None:
        view = self[name]
        view[...] = checks.array(f"fixed[{name!r}]", value, () if np.ndim(value) == 0 else view.shape, view.dtype)

    def __iter__(self) -> Iterator[str]:
        return iter(self._params.fixed_shapes)

    def __len__(self) -> int:
        return len(self._params.fixed_shapes)

    def __repr__(self) -> str:
        return f"<{len(self)} fixed arrays: {', '.join(self)}>"
