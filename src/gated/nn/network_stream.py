"""A network as a stream: one time step at a time, and texts that it writes by itself.

N sequences, V outputs, K steps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from gated.backends import backend_of
from gated.backends.interface import Stepper
from gated.backends.made import for_chain
from gated.errors import GatedError, as_array, describe, uncopied, wrong
from gated.nn import checks, whole_pass
from gated.nn.further import given, taken
from gated.nn.linked import Linked
from gated.nn.network_checks import check_state, flat_state, has_state, nested_state
from gated.number_checks import above_zero, not_negative, whole_above_zero, within

if TYPE_CHECKING:
    from gated.nn.network import Network, States

Array = np.ndarray[Any, Any]


class NetworkStream:
    """Made by `Network.stream`. Not to be used from two threads at once.

    Where all layers tell what they compute (`Network.explain`), a step is one call of machine code. The parameters of
    recurrent and dense layers are read when the stream is made, and again at `refresh()`.
    """

    def __init__(self, network: Network, batch: int, state: States | None) -> None:
        check_state(network.layers, state, "state")
        self._network = network
        self._batch = batch = checks.size("batch", batch)
        self._wanted: tuple[Any, ...] = (batch,) if network.input_size is None else (batch, network.input_size)
        self._count = next(network.parts())[1].id_count if len(self._wanted) == 1 else 0
        found = network.linked
        self._steps: Any
        if isinstance(found, Linked) and not found.chain.turned:
            self._steps = _Whole(network, found, batch)
        else:
            self._steps = _ByParts(network, batch)
        self._steps.reset(state)

    def step(self, x_t: Any) -> Array:
        """One step of all sequences.

        Args:
            x_t: what the first layer takes for one step, (N, D), or ids (N,); with a batch of one, (D,) or a number
                as well. A dict where layers have several inputs, see `Network.forward`.

        Returns:
            the last layer's output (N, V).

        Raises:
            ArgumentError, ArgumentTypeError: the input does not fit.
        """
        if isinstance(x_t, Mapping):
            return self._step_of_several(x_t)
        if type(x_t) is int and self._batch == 1 and 0 <= x_t < self._count:
            return self._steps.step(x_t).copy()
        return self._steps.step(self._checked("x_t", x_t)).copy()

    def _step_of_several(self, x_t: Mapping[str, Any]) -> Array:
        """Of {"x": x_t, "rnn.dt": dt}, see `Network.forward`."""
        network = self._network
        x, more = taken(network.further, network.layers, x_t)
        if isinstance(self._steps, _ByParts):
            return self._steps.step(x, more).copy()
        _, layer, _ = next(network.parts())  # whose inputs they all are
        values = (x, *(value for own in more.values() for value in own.values()))
        return self._steps.step(layer.joined_step(values, self._batch)).copy()

    def _checked(self, name: str, x_t: Any) -> Array:
        """(N, D) numbers, or (N,) ids that the first layer has."""
        y, wanted = as_array(name, x_t), self._wanted
        if self._batch == 1 and y.ndim == len(wanted) - 1:
            y = y[None]
        if y.shape != wanted and (len(wanted) == 2 or y.shape[:1] != wanted):
            raise wrong(name, describe(as_array(name, x_t)), f"shape {wanted}")
        return checks.ids(name, y, self._count) if self._count else y

    def draw(
        self,
        first: Any,
        uniforms: Any,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
    ) -> Array:
        """K steps in which the network takes what it has drawn: id i with probability softmax(y / temperature)i.

        Args:
            first: what the first step takes, ids (N,); with a batch of one, a number as well.
            uniforms: (K, N) numbers from 0 to below 1, one for every draw; with a batch of one, (K,) as well.
            temperature: below 1 the likely becomes likelier, 0 takes the likeliest always.
            top_k: so many of the likeliest have a chance, no others; of equally likely ones the first. None: all.
            top_p: of these, the fewest of the likeliest that together have this part of the probability have a chance,
                no others: the nucleus of A. Holtzman et al. (2020), The curious case of neural text degeneration, ICLR.
                Above 0, at most 1; None: all.

        Returns:
            what was drawn, (K, N), or as the uniform numbers are.

        Raises:
            ArgumentError, ArgumentTypeError: an argument does not fit, or the network takes no ids, or has more outputs
                than there are ids.
            GatedError: outputs are not finite.
        """
        size = self._network.output_size
        if not self._count or not isinstance(size, int) or size > self._count:
            took = f"ids from 0 to {self._count - 1}" if self._count else "no ids"
            raise wrong("network", f"one that takes {took} and has {size} outputs", "an id for each output")
        ids = self._checked("first", first)
        if ids.shape != (self._batch,):
            raise wrong("first", describe(as_array("first", first)), f"shape ({self._batch},)")
        temperature = not_negative("temperature", temperature)
        given = as_array("uniforms", uniforms)
        flat = self._batch == 1 and given.ndim == 1
        numbers = checks.array("uniforms", given[:, None] if flat else given, ("K", self._batch), np.dtype("float64"))
        if numbers.size and not (numbers.min() >= 0.0 and numbers.max() < 1.0):
            raise wrong("uniforms", f"{numbers.min()} to {numbers.max()}", "from 0 to below 1")
        drawn = self._steps.draw(ids, np.ascontiguousarray(numbers), temperature, *likeliest(top_k, top_p))
        if drawn.size and drawn[-1].min() < 0:
            step = int((drawn < 0).any(axis=1).argmax())
            raise GatedError(f"draw: the network's output is not finite at step {step}")
        return drawn[:, 0] if flat else drawn

    def reset(self, state: States | None = None) -> None:
        """Begin again from this state, {name: state} as in `Network.forward`; zeros for those not given."""
        check_state(self._network.layers, state, "state")
        self._steps.reset(state)

    @property
    def state(self) -> States:
        """The state after the last step, by name: copies."""
        return self._steps.state

    def select(self, rows: Any) -> None:
        """Go on with some of the sequences, perhaps one several times, in the place of all: as beams do.

        Args:
            rows: (N,) which of the N each is to go on from.
        """
        chosen = self._chosen(rows)
        flat = flat_state(self.state)
        self.reset(nested_state({name: tuple(array[:, chosen] for array in own) for name, own in flat.items()}))

    def _chosen(self, rows: Any) -> Array:
        chosen = checks.ids("rows", as_array("rows", rows), self._batch)
        if chosen.shape != (self._batch,):
            raise wrong("rows", describe(chosen), f"shape ({self._batch},)")
        return chosen

    def refresh(self) -> None:
        """Read the parameters again, after they have changed."""
        self._steps.refresh()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise uncopied("stream", "keep its state, and make another one from the network")

    def __repr__(self) -> str:
        return f"<stream of {self._network!r}, batch {self._batch}>"


class _Whole:
    """All layers in one call of the backend."""

    def __init__(self, network: Network, found: Linked, batch: int) -> None:
        self._network, self._found, self._batch = network, found, batch
        checks.room({"batch": batch}, batch * sum(link.size for link, _ in found.chain.links), network.dtype)
        self._make()

    def _make(self) -> None:
        self._params = self._network.params
        chain = self._found.chain
        backend = for_chain(backend_of(self._network), chain)
        self._stepper: Stepper = backend.stream(chain, self._network.memory, self._batch)

    def step(self, x_t: Any) -> Array:
        self._put(x_t)
        return self._stepper.step()

    def _put(self, x_t: Any) -> None:
        x = self._stepper.x
        if type(x_t) is int:
            x[0] = x_t
        else:  # ids have been looked at
            x[...] = x_t if x.ndim == 1 else checks.array("x_t", x_t, x.shape, x.dtype)

    def draw(self, ids: Array, uniforms: Array, *how: Any) -> Array:
        self._put(ids)
        return self._stepper.draw(uniforms, *how)

    def reset(self, state: Any) -> None:
        self._stepper.put(whole_pass.by_link(self._network, self._found, state, self._batch))

    @property
    def state(self) -> States:
        return whole_pass.by_name(self._found, self._stepper.take())

    def refresh(self) -> None:
        if self._network.params is not self._params:  # the network has become part of another
            state = self._stepper.take()
            self._make()
            self._stepper.put(state)
        self._stepper.refresh()


class _ByParts:
    """Layer after layer, each by a stream of its own if it has one."""

    def __init__(self, network: Network, batch: int) -> None:
        self._network, self._batch = network, batch
        self._steps: dict[str, Any] = {name: one_by_one(layer, batch) for name, layer in network.layers.items()}

    def step(self, x_t: Any, more: Mapping[str, Any] | None = None) -> Array:
        y = np.asarray(x_t).reshape(-1) if type(x_t) is int else x_t
        for name, step in self._steps.items():
            y = step.step(given(self._network.layers[name], y, (more or {}).get(name)))
        return np.asarray(y)

    def draw(self, ids: Array, uniforms: Array, *how: Any) -> Array:
        return drawn_one_by_one(self._network, self.step, ids, uniforms, how)

    def reset(self, state: Any) -> None:
        for name, step in self._steps.items():
            step.reset((state or {}).get(name))

    @property
    def state(self) -> States:
        layers = self._network.layers
        return {name: step.state for name, step in self._steps.items() if has_state(layers[name])}

    def refresh(self) -> None:
        for step in self._steps.values():
            step.refresh()


def one_by_one(layer: Any, batch: int) -> Any:
    """A layer as a stream."""
    return layer.stream(batch) if hasattr(layer, "stream") else _One(layer, batch)


def likeliest(top_k: Any, top_p: Any) -> tuple[int | None, float | None]:
    """Both, if draws can be among the likeliest so. ArgumentError, ArgumentTypeError else."""
    return (
        None if top_k is None else whole_above_zero("top_k", top_k),
        None if top_p is None else within("top_p", above_zero("top_p", top_p), 0.0, 1.0, closed=True),
    )


def drawn_one_by_one(network: Any, step: Callable[[Array], Array], ids: Array, uniforms: Array, how: Any) -> Array:
    """See `interface.Stepper.draw`: a step and a choice after the other. `how`: what `Arithmetic.pick` is told."""
    backend, drawn = backend_of(network), np.full(uniforms.shape, -1)
    for chosen, own in zip(drawn, uniforms, strict=True):
        chosen[...] = backend.pick(step(ids), own, *how)
        if chosen.min() < 0:
            break
        ids = chosen
    return drawn


class _One:
    """A layer without a stream of its own: its forward pass over one step. A user's own may have a state."""

    def __init__(self, layer: Any, batch: int) -> None:
        self._layer, self._batch = layer, batch
        self._run = getattr(layer, "infer", None) or layer.forward
        self._state: Any = None
        self.reset()

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
