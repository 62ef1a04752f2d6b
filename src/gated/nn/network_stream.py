"""A network as a stream: one time step at a time, layer after layer."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gated.errors import as_array, describe, uncopied, wrong
from gated.nn import checks
from gated.nn.network_checks import check_state, has_state

if TYPE_CHECKING:
    from gated.nn.network import Network, States

Array = np.ndarray[Any, Any]


class NetworkStream:
    """Made by `Network.stream`. Not to be used from two threads at once.

    The parameters of recurrent layers are read when the stream is made, and again at `refresh()`.
    """

    def __init__(self, network: Network, batch: int, state: States | None) -> None:
        check_state(network.layers, state, "state")
        self._network = network
        self._batch = batch = checks.size("batch", batch)
        self._wanted: tuple[Any, ...] = (batch,) if network.input_size is None else (batch, network.input_size)
        self._steps: dict[str, Any] = {
            name: (layer.stream if hasattr(layer, "stream") else partial(_One, layer))(batch, (state or {}).get(name))
            for name, layer in network.layers.items()
        }

    def step(self, x_t: Any) -> Array:
        """One step of all sequences.

        Args:
            x_t: what the first layer takes for one step, (N, D), or ids (N,); with a batch of one, (D,) or a number
                as well.

        Returns:
            the last layer's output (N, size). The next step may overwrite it: copy what is to be kept.

        Raises:
            ArgumentError, ArgumentTypeError: the input does not fit.
        """
        y, wanted = as_array("x_t", x_t), self._wanted
        if self._batch == 1 and y.ndim == len(wanted) - 1:
            y = y[None]
        if y.shape != wanted and (len(wanted) == 2 or y.shape[:1] != wanted):
            raise wrong("x_t", describe(as_array("x_t", x_t)), f"shape {wanted}")
        for step in self._steps.values():
            y = step.step(y)
        return y

    def reset(self, state: States | None = None) -> None:
        """Begin again from this state, {name: state} as in `Network.forward`; zeros for those not given."""
        check_state(self._network.layers, state, "state")
        for name, step in self._steps.items():
            step.reset((state or {}).get(name))

    @property
    def state(self) -> States:
        """The state after the last step, by name: copies."""
        layers = self._network.layers
        return {name: step.state for name, step in self._steps.items() if has_state(layers[name])}

    def refresh(self) -> None:
        """Read the parameters again, after they have changed."""
        for step in self._steps.values():
            step.refresh()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise uncopied("stream", "keep its state, and make another one from the network")

    def __repr__(self) -> str:
        return f"<stream of {self._network!r}, batch {self._batch}>"


class _One:
    """A layer without a stream of its own: its forward pass over one step. A user's own may have a state."""

    def __init__(self, layer: Any, batch: int, state: Any) -> None:
        self._layer, self._batch = layer, batch
        self._run = getattr(layer, "infer", None) or layer.forward
        self._state: Any = None
        self.reset(state)

    def step(self, x_t: Array) -> Array:
        y, self._state, *_ = self._run(x_t[None], self._state)
        return np.asarray(y[0])

    def reset(self, state: Any = None) -> None:
        if state is None and has_state(self._layer):
            state = self._layer.initial_state(self._batch)
        self._state = copy.deepcopy(state)

    @property
    def state(self) -> Any:
        return copy.deepcopy(self._state)

    def refresh(self) -> None:
        """The parameters are read at every step."""
