"""What all layers have in common: parameters in one vector, a call, copies; and who owns what.

parameters   `theta` is one vector, `params` are named views into it. A Network lays those of its layers side by
             side in a vector of its own: `layer.params` and `layer.theta` are then views into the network's, and
             what was taken from the layer before is no part of it any more. So a layer belongs to one network at
             most, and a network's `layers` are read-only. The same layer twice in a network has one set of parameters
             ("tied"). Whoever writes to `theta` or to a view of it, at whatever time, changes the layer. What is
             assigned is refused where the dtype cannot hold it.
tape         The input, the states and all inner values are the tape's own: x, state, y and what else went in or
             came out may be written to. The parameters are the live ones, not copies: if one has changed since the
             forward pass, `backward` refuses. A tape may be used any number of times and is never changed.
results      y, states, dx, gradients are new arrays, the caller's, but for what `Stream.step` returns.
stream       It has its own states, and a packed copy of the parameters: `refresh` reads them again. What `step`
             returns is overwritten by the next step.
copies       copy.copy, copy.deepcopy and pickle give layers and networks that share nothing with the original, and
             are part of no network; ties inside a network are kept. A tape or a stream cannot be copied.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from gated.nn.parameters import ParameterVector

Array = np.ndarray[Any, Any]


class Layer:
    """Base of the layers that come with gated. A user's own layer need not have it.

    Attributes:
        params: name -> writable view into `theta`.
    """

    params: ParameterVector
    forward: Callable[..., tuple[Any, Any, Any]]  # a layer's own: x, state, lengths, *, rng -> y, the last state, tape

    @property
    def theta(self) -> Array:
        """All parameters, one contiguous vector. What is assigned is copied into it."""
        return self.params.vector

    @theta.setter
    def theta(self, value: Any) -> None:
        self.params.fill("theta", value)

    def infer(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """Forward without a tape: y and the last state. A layer that can save something then has one of its own."""
        return self.forward(x, state, lengths)[:2]

    def __call__(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """y, state: as `infer`. For training, `forward` returns a tape as well."""
        return self.infer(x, state, lengths)

    def __copy__(self) -> Any:
        return copy.deepcopy(self)  # two layers that shared some of their parts would be neither one nor two
