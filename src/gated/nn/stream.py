"""A recurrent layer as a stream: one time step at a time, in memory that is allocated once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gated.errors import as_array, describe, uncopied
from gated.nn import checks

if TYPE_CHECKING:
    from gated.nn.recurrent import Recurrent, State

Array = np.ndarray[Any, Any]


class Stream:
    """Made by `Recurrent.stream`. Not to be used from two threads at once.

    The parameters are read when the stream is made, and again at `refresh()`.
    """

    def __init__(self, layer: Recurrent, batch: int, state: Any) -> None:
        self._layer, self._batch = layer, checks.size("batch", batch)
        checks.room({"batch": self._batch}, self._batch * (layer.input_size + sum(layer.state_sizes)), layer.dtype)
        self._make()
        self.reset(state)

    def _make(self) -> None:
        layer = self._layer
        self._params = layer.params
        self._stepper = layer._backend.stream(layer._chain, layer.theta, self._batch)
        self._shape = self._stepper.x.shape

    def step(self, x_t: Any) -> Array:
        """One step of all sequences.

        Args:
            x_t: (N, D); with a batch of one, (D,) as well.

        Returns:
            y_t (N, size). The next step overwrites it: copy what is to be kept.

        Raises:
            ArgumentError: the shape does not fit.
        """
        x = self._stepper.x
        if type(x_t) is np.ndarray and x_t.shape == self._shape and x_t.dtype == x.dtype:
            x[...] = x_t
        else:
            self._put(x_t)
        return self._stepper.step()

    def _put(self, x_t: Any) -> None:
        array = as_array("x_t", x_t)
        if array.ndim == 1 and self._batch == 1:
            array = array[None]
        self._stepper.x[...] = checks.array("x_t", array, self._shape, self._layer.dtype)

    def reset(self, state: Any = None) -> None:
        """Begin again from this state: one array (num_layers, N, size) per state of the cell; zeros if None."""
        states = self._layer.checked_state("state", state, self._batch)
        self._stepper.put(self._layer._by_layer(states))

    @property
    def state(self) -> State:
        """The state after the last step, one array (num_layers, N, size) per state of the cell: a copy."""
        return tuple(self._layer._all_layers(self._stepper.take()))

    def refresh(self) -> None:
        """Read the layer's parameters again, after they have changed."""
        if self._layer.params is not self._params:  # the layer has become part of a network
            state = self.state
            self._make()
            self.reset(state)
        self._stepper.refresh()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise uncopied("stream", "keep its state, and make another one from the layer")

    def __repr__(self) -> str:
        return f"<stream of {self._layer!r}, {describe(self._stepper.x)}>"
