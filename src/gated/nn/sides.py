"""What the calls of a stack know of its single layers and directions. Legend: K = num_layers * directions, N."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gated.backends.interface import AtRest
from gated.nn.parameters import ParameterPart

Array = np.ndarray[Any, Any]


class Side(NamedTuple):
    """One direction of one layer, as its passes take it.

    Attributes:
        k: its number among all of them, layer by layer. reverse: whether it begins at each sequence's end.
        prefix: of the names of its parameters.
        sizes, parameters: see `Pass`.
    """

    k: int
    reverse: bool
    prefix: str
    sizes: Mapping[str, int]
    parameters: ParameterPart


class Rest(list[Array]):
    """States that are all zeros, (K, N, size) each, to be read only.

    Attributes:
        sides: those of each layer and direction.
    """

    def __init__(self, states: list[Array]) -> None:
        super().__init__(states)
        self.sides = [AtRest(side) for side in zip(*states, strict=True)]
