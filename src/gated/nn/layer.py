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

from gated.errors import describe, wrong_type
from gated.nn.parameters import ParameterVector

Array = np.ndarray[Any, Any]


class Layer:
    """Base of the layers that come with gated. A user's own layer need not have it.

    Attributes:
        params: name -> writable view into `theta`.
        fresh: whether forward's output is a new array each time. A layer that says so saves the next one a copy.
    """

    _params: ParameterVector
    fresh = False  # whether what forward gives out is seen by nobody else: no view of x, nothing that is used again
    forward: Callable[..., tuple[Any, Any, Any]]  # a layer's own: x, state, lengths, *, rng -> y, the last state, tape

    @property
    def params(self) -> ParameterVector:
        """Name -> view. Those of another layer of this kind, if assigned, are copied into it."""
        return self._params

    @params.setter
    def params(self, value: ParameterVector) -> None:
        if "_params" not in vars(self):
            self._params = value
            return
        mine = self._params
        # machine code trusts the names, the shapes and the dtype
        if not isinstance(value, ParameterVector) or (value.shapes, value.ties) != (mine.shapes, mine.ties):
            raise wrong_type("params", describe(value), f"{mine!r} of these names and shapes")
        mine.fill("params", value.vector)

    def _adopt(self, params: ParameterVector) -> None:
        """Others take the place of the parameters: views into a network's vector, or of another dtype."""
        self._params = params

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
