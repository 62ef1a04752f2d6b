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
kinds        A layer that can be written to a file has a name for its kind, `class Mine(Layer, kind="mine")`, in
             whatever module. Besides its calls it says how it is described and made again (`config`, `from_config`),
             which parameters a description calls for (`claims`), and what a step of it is (`equations`,
             `checked_state`, `state_names`), by which it learns in real time. Nothing else has to know of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gated.errors import describe, wrong_type
from gated.nn.equations import Part
from gated.nn.fixed import FixedArrays
from gated.nn.kinds import know
from gated.nn.parameters import ParameterVector

if TYPE_CHECKING:
    from gated.backends.whole_step import Link
    from gated.nn.claims import Shape

Array = np.ndarray[Any, Any]


class Layer:
    """Base of the layers that come with gated. A user's own layer need not have it, unless it is to go into files.

    A layer with a state has `initial_state(batch)`: one array (K, N, size) for each of its states, which `forward`
    takes and gives back. Of the sizes `input_size` and `output_size`, what is there is compared with the neighbours'.

    Attributes:
        params: name -> writable view into `theta`.
        dtype: of the parameters, and of what goes in and comes out.
        backend_name: who computes for it, "native" or "reference"; None if it does not say. What a layer of somebody's
            own computes, it may leave to `gated.backends.backend_of(self)`.
        fresh: whether forward's output is a new array each time. A layer that says so saves the next one a copy.
        stepless: whether it makes one row of a whole sequence: x has steps, y is (N, ...). Such a layer belongs into a
            `gated.WiredNetwork`, which looks after who has steps.
        claims: of a class that has a kind: for a description and a `gated.nn.claims.Weight`, the parameters that it
            calls for, name and shape, in the order of theta; by arithmetic alone, it may be a stranger's description.
            Raises ArgumentError or ArgumentTypeError for what cannot be. Of a layer in the description:
            `gated.nn.claims.inner_claims`.
        id_count: of a layer whose input are numbers of rows, how many there are; 0 of others.
    """

    _params: ParameterVector
    dtype: np.dtype[Any]
    backend_name: str | None = None
    stepless = False
    fresh = False  # whether what forward gives out is seen by nobody else: no view of x, nothing that is used again
    forward: Callable[..., tuple[Any, Any, Any]]  # a layer's own: x, state, lengths, *, rng -> y, the last state, tape
    backward: Callable[..., tuple[Any, Any, ParameterVector]]  # tape, dy, dstate -> dx, dstate, grads
    config: Callable[..., dict[str, Any]]  # "kind", and what makes it again but for the parameters' values: JSON
    claims: Callable[..., Iterator[tuple[str, Shape]]]

    def __init_subclass__(cls, kind: str | None = None, **more: Any) -> None:
        super().__init_subclass__(**more)
        if kind is not None:
            know(kind, cls)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A new layer by what `config` has given."""
        return cls(**{key: value for key, value in config.items() if key != "kind"})

    @property
    def id_count(self) -> int:
        return 0

    # training in one call

    def links(self, start: int) -> Sequence[Link] | None:
        """What a whole pass over a batch is made of, one behind the other (see `gated.backends.whole_step`).

        None if there is no telling: a network with such a layer calls its layers one by one.

        Args:
            start: where the layer's parameters begin in the vector.
        """
        return None

    # learning in real time

    def equations(self, name: str) -> Sequence[Part] | None:
        """What a step is made of, with live parameters (see `gated.nn.equations`).

        None if there is no telling: such a layer learns in real time by its own `backward`, sequence by sequence, if it
        has no state, and not at all if it has one.

        Args:
            name: by which an error is to call the layer.

        Raises:
            ArgumentError: options for which there is no learning in real time.
        """
        return None

    def state_names(self) -> Sequence[Sequence[str]]:
        """For each state its K parts, by level and name in the equations: (("l0.state.h", "l1.state.h"), ...)."""
        return ()

    def checked_state(self, name: str, state: Any, batch: int) -> Sequence[Array]:
        """A state as arrays (K, N, size), zeros for None; an error calls it so."""
        return ()

    @property
    def params(self) -> ParameterVector:
        """Name -> view. Those of another layer of this kind, if assigned, are copied into it."""
        return self._params

    @params.setter
    def params(self, value: ParameterVector) -> None:
        mine = getattr(self, "_params", None)
        if mine is None:
            self._params = value
            return
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

    @property
    def fixed(self) -> FixedArrays:
        """Name -> view of the arrays that are not learned (a cell's families annotated `fixed`): no optimizer sees
        them, files have them."""
        return FixedArrays(self.params)

    @property
    def memory(self) -> Array:
        """`theta` and the fixed arrays behind it, for who computes."""
        return self.params.memory

    def infer(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """Forward without a tape: y and the last state. A layer that can save something then has one of its own."""
        return self.forward(x, state, lengths)[:2]

    def __call__(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """y, state: as `infer`. For training, `forward` returns a tape as well."""
        return self.infer(x, state, lengths)

    def __copy__(self) -> Any:
        return copy.deepcopy(self)  # two layers that shared some of their parts would be neither one nor two
