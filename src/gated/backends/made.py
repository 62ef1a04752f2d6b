"""A backend for cells with matrices that are made of parameters, around any other.

To that one every matrix is a parameter. Here these are made of the cell's own before it runs, once a call, and when it
is done their gradients become those of the parameters; both with NumPy. Whole passes of networks (`Chain`) find all
parameters in one vector: here in a longer one, a copy of theta with the matrices behind it.

Legend: P numbers of theta.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from gated.backends.interface import Array, Backend, Batch, Chain, Given, Pass, Scan, Stepper, Trained, Update
from gated.backends.made_chain import Longer, longer
from gated.backends.reference.digest import digest_of
from gated.backends.reference.made import add_gradients, made_of, make
from gated.backends.scan import stale
from gated.schedule import CellSchedule, Made


def for_made(backend: Backend) -> Backend:
    """The backend that makes the matrices, and has this one do all else."""
    return cast(Backend, MadeBackend(backend))


def for_chain(backend: Backend, chain: Chain) -> Backend:
    """The backend itself, unless a link has matrices that are made."""
    return for_made(backend) if chain.made else backend


# a layer's own passes


class MadeParameters(dict[str, Array]):
    """All parameters of a pass, those that are made as well.

    Attributes:
        kept: what a backend leaves with the layer's own parameters.
        own: the layer's own. digest: of those that matrices are made of.
    """

    kept: list[Any]
    own: Mapping[str, Array]
    digest: int


class MadeBackend:
    """See the module."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def forward(self, given: Pass) -> Scan:
        """See `interface.Backend`; all that follows as well."""
        made, own = made_of(given.schedule), given.parameters
        parameters = MadeParameters(self._arrays(given.schedule, given.sizes, own))
        make(made, own, parameters)
        parameters.kept, parameters.own = getattr(own, "kept", []), own
        parameters.digest = _digest(made, own)
        return self._inner.forward(given._replace(parameters=parameters))

    def backward(
        self, scan: Scan, dy: Array, dstates: Sequence[Array], gradients: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        made, parameters = made_of(scan.schedule), cast(MadeParameters, scan.parameters)
        if _digest(made, parameters.own) != parameters.digest:
            raise stale()
        found = self._arrays(scan.schedule, scan.sizes, gradients)
        result = self._inner.backward(scan, dy, dstates, found)
        for name in gradients.keys() - found.keys():
            gradients[name][...] = 0
        add_gradients(made, parameters.own, found, gradients)
        return result

    def _arrays(self, schedule: CellSchedule, sizes: Mapping[str, int], own: Mapping[str, Array]) -> dict[str, Array]:
        """The layer's own arrays, and new ones for what is made, in the order of the parameters."""
        dtype = next(iter(own.values())).dtype
        return {
            name: own[name] if name in own else self._inner.empty(tuple(sizes[dim] for dim in shape), dtype)
            for name, shape in schedule.graph.parameters.items()
        }

    # whole passes

    def infer_chain(self, chain: Chain, theta: Array, given: Given) -> tuple[Array, dict[int, list[Array]]]:
        own = longer(chain)
        with own.vector(theta) as vector:
            return self._inner.infer_chain(own.chain, vector, given)

    def stream(self, chain: Chain, theta: Array, sequences: int) -> Stepper:
        return cast(Stepper, MadeStepper(self._inner, longer(chain), theta, sequences))

    def train(
        self, chain: Chain, loss: CellSchedule, theta: Array, batch: Batch, update: Update | None
    ) -> Trained | None:
        own, inner = longer(chain), self._inner
        with own.vector(theta) as vector:
            found = inner.train(own.chain, loss, vector, batch, None)
        if found is None:
            return None
        gradient = own.gradient(theta, found.gradient)
        found = found._replace(gradient=gradient, norm=inner.norm(gradient))
        if update is None or not (math.isfinite(found.loss) and math.isfinite(found.norm)):
            return found
        if found.norm > update.limit:
            gradient = gradient.copy()
            inner.scale(gradient, update.limit / found.norm)
        scratch = inner.empty(gradient.shape, theta.dtype), inner.empty(gradient.shape, theta.dtype)
        inner.update(update.rule, theta[: gradient.size], gradient, update.buffers, scratch, **update.numbers)
        return found._replace(updated=True)


def _digest(made: Made, parameters: Mapping[str, Array]) -> int:
    return digest_of({name: parameters[name] for name in made.leaves})


class MadeStepper:
    """See `interface.Stepper`."""

    def __init__(self, inner: Backend, own: Longer, theta: Array, sequences: int) -> None:
        self._own, self._theta, self._vector = own, theta, own.empty()
        own.fill(self._vector, theta)
        self._stepper = inner.stream(own.chain, self._vector, sequences)
        self.step, self.draw, self.put, self.take = (
            getattr(self._stepper, name) for name in ("step", "draw", "put", "take")
        )

    @property
    def x(self) -> Array:
        return self._stepper.x

    @property
    def y(self) -> Array:
        return self._stepper.y

    def refresh(self) -> None:
        """Read the parameters again."""
        self._own.fill(self._vector, self._theta)
        self._stepper.refresh()
