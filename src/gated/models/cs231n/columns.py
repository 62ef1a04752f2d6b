"""A recurrent layer from the assignment's arrays, and its calls in the assignment's layouts.

Legend: N captions, T words, D inputs, H hidden; K gates side by side in the columns of Wx, Wh and b.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gated import cells
from gated.errors import as_array, describe, wrong
from gated.models.cs231n.arguments import Array, Cache, checked, common_dtype, opened
from gated.nn import Recurrent

Grads = tuple[Array, Array, Array]


class Columns(NamedTuple):
    """A cell, and its gates in the order in which their columns stand."""

    cell: Any  # a gated.Cell
    gates: str

    def layer(self, Wx: Array, Wh: Array, b: Array) -> Recurrent:
        """A layer with these parameters: copies."""
        layer = Recurrent(self.cell, len(Wx), len(Wh), batch_first=True, dtype=Wx.dtype)
        for family, array in (("W", Wx.T), ("U", Wh.T), ("b", b)):
            for gate, rows in zip(self.gates, np.split(array, len(self.gates)), strict=True):
                layer.params[f"l0.{family}.{gate}"] = rows
        return layer

    def joined(self, own: Mapping[str, Array]) -> Grads:
        """(D, K·H), (H, K·H), (K·H,) from a layer's parameters or gradients by name."""
        Wx, Wh, b = (np.concatenate([own[f"l0.{family}.{gate}"] for gate in self.gates]) for family in "WUb")
        return np.ascontiguousarray(Wx.T), np.ascontiguousarray(Wh.T), b


RNN = Columns(cells.rnn, "h")
LSTM = Columns(cells.lstm, "ifog")


def prepared(
    columns: Columns, x: Any, steps: tuple[str, ...], states: Mapping[str, Any], Wx: Any, Wh: Any, b: Any
) -> tuple[Recurrent, Array, list[Array]]:
    """The layer, x (N, *steps, D) and the states (1, N, H), all in one dtype. The errors name the arguments."""
    dtype = common_dtype(x=x, **states, Wx=Wx, Wh=Wh, b=b)
    hidden = as_array("Wh", Wh).shape[0] if np.ndim(Wh) else 0
    if hidden < 1:
        raise wrong("Wh", describe(Wh), f"shape (H, {'H' if columns is RNN else '4H'})")
    width = len(columns.gates) * hidden
    Wh, b = checked("Wh", Wh, (hidden, width), dtype), checked("b", b, (width,), dtype)
    Wx = checked("Wx", Wx, ("D", width), dtype)
    x = checked("x", x, ("N", *steps, len(Wx)), dtype)
    arrays = [checked(name, value, (len(x), hidden), dtype)[None] for name, value in states.items()]
    return columns.layer(Wx, Wh, b), x, arrays


def step(
    function: str, columns: Columns, x: Any, states: Mapping[str, Any], Wx: Any, Wh: Any, b: Any
) -> tuple[tuple[Array, ...], Cache]:
    """The next states (N, H) each, and the cache."""
    layer, x, arrays = prepared(columns, x, (), states, Wx, Wh, b)
    after, tape = layer.step(x, arrays)
    return tuple(array[0] for array in after), Cache(function, layer, tape, after[0].shape[1:])


def step_back(
    function: str, columns: Columns, dstates: Mapping[str, Any], cache: Any
) -> tuple[Array, tuple[Array, ...], Grads]:
    """dx (N, D), the adjoints of the states before, (N, H) each, and those of the parameters."""
    own = opened(cache, function)
    arrays = [checked(name, value, own.shape, own.layer.dtype)[None] for name, value in dstates.items()]
    dx, before, grads = own.layer.backward_step(own.tape, arrays)
    return dx, tuple(array[0] for array in before), columns.joined(grads)


def forward(function: str, columns: Columns, x: Any, h0: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Cache]:
    """h (N, T, H) and the cache; the states but the first begin at zero."""
    layer, x, (h,) = prepared(columns, x, ("T",), {"h0": h0}, Wx, Wh, b)
    y, _, tape = layer.forward(x, from_rest(layer, h))
    return np.ascontiguousarray(y), Cache(function, layer, tape, y.shape)


def from_rest(layer: Recurrent, h: Array) -> tuple[Array, ...]:
    """The initial state of a layer whose first state is h (1, N, H), the others zero."""
    return h, *layer.initial_state(h.shape[1])[1:]


def backward(function: str, columns: Columns, dh: Any, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dx (N, T, D), dh0 (N, H), and the adjoints of the parameters."""
    own = opened(cache, function)
    dx, before, grads = own.layer.backward(own.tape, checked("dh", dh, own.shape, own.layer.dtype))
    return np.ascontiguousarray(dx), before[0][0], *columns.joined(grads)
