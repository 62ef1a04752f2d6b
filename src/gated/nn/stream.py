"""A recurrent layer as a stream: one time step at a time, in memory that is allocated once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gated.backends.interface import Stepper
from gated.errors import as_array, describe, uncopied, wrong
from gated.nn import checks
from gated.nn.inputs import Inputs

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
        steppers = [layer._backend.stream(chain, layer.memory, self._batch) for chain in layer._chains]
        self._stepper: Stepper = steppers[0] if len(steppers) == 1 else _Layers(steppers, layer._inputs)
        self._shape = self._stepper.x.shape

    def step(self, x_t: Any, resets: Any = None) -> Array:
        """One step of all sequences.

        Args:
            resets: (N,) booleans: those begin anew with this step, from zeros.
            x_t: (N, D); with a batch of one, (D,) as well. Several inputs: see `Recurrent.forward`.

        Returns:
            y_t (N, size). The next step overwrites it: copy what is to be kept.

        Raises:
            ArgumentError: the shape does not fit.
        """
        if resets is not None:
            self._begin_anew(resets)
        x = self._stepper.x
        if type(x_t) is np.ndarray and x_t.shape == self._shape and x_t.dtype == x.dtype:
            x[...] = x_t
        else:
            self._put(x_t)
        return self._stepper.step()

    def _put(self, x_t: Any) -> None:
        inputs, dtype = self._layer._inputs, self._layer.dtype
        if not inputs.plain and (isinstance(x_t, Mapping) or (isinstance(x_t, (tuple, list)) and len(inputs.dims) > 1)):
            self._stepper.x[...] = inputs.joined("x_t", x_t, self._shape[:1], dtype)[0]
            return
        array = as_array("x_t", x_t)
        if array.ndim == 1 and self._batch == 1 and len(array) == self._shape[1]:
            array = array[None]
        self._stepper.x[...] = inputs.joined("x_t", array, self._shape[:1], dtype)[0]

    def _begin_anew(self, resets: Any) -> None:
        rows = as_array("resets", resets)
        if rows.dtype.kind != "b" or rows.shape != (self._batch,):
            raise wrong("resets", describe(rows), f"booleans ({self._batch},)")
        if rows.any():
            state = self.state
            for array in state:
                array[:, rows] = 0.0
            self.reset(state)

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


class _Layers:
    """A stepper of several layers, each of which takes further inputs besides the output below it."""

    def __init__(self, steppers: Sequence[Stepper], inputs: Inputs) -> None:
        self._steppers, self._first = steppers, inputs.first
        self.x, self.y = steppers[0].x, steppers[-1].y

    def step(self) -> Array:
        y = self._steppers[0].step()
        for stepper in self._steppers[1:]:
            below = y.shape[1]
            stepper.x[:, :below], stepper.x[:, below:] = y, self.x[:, self._first :]
            y = stepper.step()
        return y

    def draw(self, *args: Any) -> NoReturn:
        raise NotImplementedError("a layer takes no ids")

    def put(self, states: Mapping[int, Sequence[Array]]) -> None:
        for layer, stepper in enumerate(self._steppers):
            stepper.put({0: states[layer]})

    def take(self) -> dict[int, list[Array]]:
        return {layer: stepper.take()[0] for layer, stepper in enumerate(self._steppers)}

    def refresh(self) -> None:
        for stepper in self._steppers:
            stepper.refresh()
