"""The inputs of a network at one step side by side, for cells with several: the chain's own, then the further ones.

A row is (N, D + ...): what the first layer takes (ids as one number), then each of `Network.further` in its order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.errors import as_array
from gated.language.graph import ONE_DIM
from gated.nn import Network, checks
from gated.nn.further import X, taken
from gated.nn.stack import Stack

Array = np.ndarray[Any, Any]


class Row:
    """Of one network.

    Attributes:
        width: how many numbers; 0 for a network whose cells have one input each: it takes x as it is.
        at_work: further input -> its numbers (N, size) at the step that is run.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.sizes: dict[str, int] = {}
        self._flat: set[str] = set()
        for name, layer, _ in network.parts():
            if isinstance(layer, Stack) and len(layer.input_columns) > 1:
                for key, own in list(layer.input_columns.items())[1:]:
                    self.sizes[f"{name}.{key}"] = own.stop - own.start
                    if layer.cell.graph.dims[key] == ONE_DIM:
                        self._flat.add(f"{name}.{key}")
        self.ids = bool(self.sizes) and bool(getattr(next(network.parts())[1], "id_count", 0))
        self.first = 1 if self.ids else int(network.first_size or 0) if self.sizes else 0
        self.width = self.first + sum(self.sizes.values())
        self.at_work: dict[str, Array] = {}

    def begin(self, x: Array) -> Array:
        """What the first layer takes of a row; the rest is at work until the next step."""
        if not self.sizes:
            return x
        start = self.first
        for name, size in self.sizes.items():
            self.at_work[name] = x[:, start : start + size]
            start += size
        return x[:, 0].astype(np.int64) if self.ids else x[:, : self.first]

    def joined(self, name: str, value: Any) -> Array:
        """Rows (..., width) of {"x": x, "rnn.dt": dt, ...}, as many as x has; one array is left as it is.

        Raises:
            ArgumentError, ArgumentTypeError: an input is missing, unknown or does not fit.
        """
        if not self.sizes or not isinstance(value, Mapping):
            return as_array(name, value)
        network, dtype = self._network, self._network.dtype
        x, more = taken(network.further, network.layers, value)
        x = as_array(f"{name}[{X!r}]", x)
        parts = [np.asarray(x[..., None] if self.ids else x, dtype)]
        lead = parts[0].shape[:-1]
        for layer, own in more.items():
            for key, array in own.items():
                whole = f"{layer}.{key}"
                what = f"{name}[{whole!r}]"
                found = as_array(what, array)
                if whole in self._flat and found.ndim == len(lead):
                    found = found[..., None]
                parts.append(checks.array(what, found, (*lead, self.sizes[whole]), dtype))
        return np.concatenate(parts, axis=-1)
