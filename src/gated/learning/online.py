"""Learning while the data come: one step at a time, in constant memory, for ever.

Legend: T steps, N sequences side by side (`batch`), D inputs, V outputs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.errors import FileFormatError, GatedError, as_array, describe, wrong, wrong_type
from gated.interop.tensor_file import open_tensors, write_tensors
from gated.learning.checks import above_zero
from gated.learning.clipping import clip_by_global_norm
from gated.learning.optimizers import SGD, Optimizer
from gated.learning.rtrl import MEMORY_LIMIT, RealTime
from gated.learning.traces import Traces
from gated.losses import Loss, SquaredError
from gated.nn import Embedding, Recurrent, checks

Array = np.ndarray[Any, Any]
KIND = "gated online learner"


class Online:
    """A network that learns at every step for which a target is known.

    Args:
        network: a gated.Network of Recurrent (one direction, no dropout), Dense and Embedding layers. Its parameters
            change in place.
        algorithm: "online", traces with the recurrent matrices cut, as the LSTM papers of 1997 and 2000
            (`gated.learning.traces`): cheap, not the whole gradient. "rtrl", the whole gradient of every step's loss
            (`gated.learning.rtrl`): exact, and expensive; see `gated.learning.rtrl_cost`.
        optimizer: from gated.learning; SGD(0.1) if None.
        loss: from gated.losses, of one step's rows; SquaredError() if None. It chooses what squashes the output.
        batch: N.
        peepholes: for "online": False leaves the peepholes out of the traces (`gated.schedule.traces.plan_traces`).
        clip: bound on the norm of each step's gradient.
        memory_limit: for "rtrl": bytes that the Jacobians may take.

    The weights change at every target while states and traces go on from what older weights made of them: they are a
    little stale, the less so the smaller the learning rate. That is how all learning in real time is meant.

    Raises:
        ArgumentError, ArgumentTypeError: an option that cannot be used; a cell for which "online" is not defined.
    """

    def __init__(
        self,
        network: Any,
        algorithm: str = "online",
        optimizer: Optimizer | None = None,
        loss: Loss | None = None,
        *,
        batch: int = 1,
        peepholes: bool = True,
        clip: float | None = None,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        if not isinstance(optimizer, (Optimizer, type(None))):
            raise wrong_type("optimizer", describe(optimizer), "an optimizer of gated.learning, such as SGD(0.1)")
        if not isinstance(loss, (Loss, type(None))):
            raise wrong_type("loss", describe(loss), "a loss of gated.losses, such as SquaredError()")
        self.network, self.algorithm = network, algorithm
        self.optimizer = SGD(0.1) if optimizer is None else optimizer
        self.loss = SquaredError() if loss is None else loss
        self.batch = checks.size("batch", batch)
        self.peepholes = checks.flag("peepholes", peepholes)
        self.clip = None if clip is None else above_zero("clip", clip)
        self._rule = _rule(network, algorithm, self.batch, self.peepholes, checks.size("memory_limit", memory_limit))
        first = next(iter(network.layers.values()))
        self._ids = first.num_embeddings if isinstance(first, Embedding) else 0
        self._width = 0 if self._ids else int(first.input_size)

    def step(self, x_t: Any, target: Any = None, mask: Any = None) -> Array:
        """One time step: predict, and if there is a target, learn.

        Args:
            x_t: (N, D), or (D,) if N is 1; for an Embedding ids (N,) or one id.
            target: what the loss takes for outputs (N, V), or (V,) if x_t has no axis N; None: nothing is learnt.
            mask: (N,), True for the sequences that have a target; None: all.

        Returns:
            the prediction, (N, V) or (V,), from before the weights change.

        Raises:
            ArgumentError, ArgumentTypeError: a shape or dtype does not fit.
            GatedError: the gradient is not finite; the weights are untouched.
        """
        x, single = self._input("x_t", x_t, ())
        y = self._rule.forward(x).copy()
        y = y[0] if single else y
        if target is not None:
            self._learn(y, target, mask)
        return y

    def partial_fit(self, xs: Any, targets: Any = None, mask: Any = None) -> Array:
        """The next T steps of the stream, as T calls of `step`; call again with what comes next.

        Args:
            xs: (T, N, D), or (T, D) if N is 1; ids (T, N) or (T,).
            targets: as for `step`, with the axis T in front; None: nothing is learnt.
            mask: (T, N) or (T,), True where there is a target; None: everywhere.

        Returns:
            the predictions, (T, N, V) or (T, V), each from before its own update.
        """
        x, single = self._input("xs", xs, ("T",))
        steps = len(x)
        wanted = None if targets is None else as_array("targets", targets)
        if wanted is not None and wanted.shape[:1] != (steps,):
            raise wrong("targets", describe(wanted), f"a first axis of {steps} steps, as xs")
        known = self._mask("mask", mask, steps)
        predictions = np.empty((steps, *([] if single else [self.batch]), self._output_size()), self.network.dtype)
        for t in range(steps):
            y = self._rule.forward(x[t])
            predictions[t] = y[0] if single else y
            if wanted is not None and known[t].any():
                self._learn(predictions[t], wanted[t], None if single else known[t])
        return predictions

    def gradient(self, dy: Any) -> Array:
        """The algorithm's gradient for the loss of the last step, (P,), a copy; changes nothing.

        Args:
            dy: (N, V), ∂loss/∂y at that step. Sums over all steps are what `compare_gradients` looks at.
        """
        rows = checks.array("dy", dy, (self.batch, self._output_size()), self.network.dtype)
        return self._rule.gradient(rows).copy()

    def _learn(self, y: Array, target: Array, mask: Any) -> None:
        _, dy = self.loss(y, target, mask)
        gradient = self._rule.gradient(dy.reshape(self.batch, -1))
        if self.clip is not None:
            clip_by_global_norm(gradient, self.clip)
        if not math.isfinite(float(gradient.sum())):
            raise GatedError(
                f"gradient: got NaN or inf at update {self.optimizer.updates}, expected finite numbers; "
                "a smaller learning rate or a smaller clip may help"
            )
        self.optimizer.update(self.network.theta, gradient)

    def reset(self, state: Mapping[str, Any] | None = None, rows: Any = None) -> None:
        """Begin new sequences: states and traces (or Jacobians) become 0; weights and optimizer stay.

        Args:
            state: {layer: tuple of (K, N, size)} as `Network.forward` takes it, to begin there instead of at 0.
            rows: (N,) booleans, the sequences that begin anew; None: all.
        """
        chosen = self._mask("rows", rows, None)[0]
        begin = self._states(state)
        for name, array in self._rule.arrays().items():
            array[chosen] = begin[name][chosen] if name in begin else 0

    @property
    def network_state(self) -> dict[str, tuple[Array, ...]]:
        """The states, {layer: tuple of (K, N, size)}, copies, as `Network.forward` takes them."""
        arrays = self._rule.arrays()
        return {
            name: tuple(np.stack([arrays[f"{name}.l{k}.state.{s}"] for k in range(layer.num_layers)]) for s in states)
            for name, layer, states in self._recurrent()
        }

    # checkpoints

    def state(self) -> dict[str, Array]:
        """Copies of all that the next step depends on, but for data and options: what `load_state` takes."""
        arrays = {"theta": self.network.theta.copy()}
        arrays |= {f"optimizer.{name}": array for name, array in self.optimizer.state().items()}
        return arrays | {f"memory.{name}": array.copy() for name, array in self._rule.arrays().items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Go on from what `state` of a learner built in the same way returned: the same numbers to the last bit.

        Raises:
            ArgumentError: an array is missing, or one is too many or does not fit; nothing is changed then.
        """
        own = {"theta": self.network.theta}
        own |= {f"memory.{name}": array for name, array in self._rule.arrays().items()}
        given = {name: array for name, array in state.items() if not name.startswith("optimizer.")}
        if given.keys() != own.keys():
            name = sorted(given.keys() ^ own.keys())[0]
            raise wrong("state", f"{'an' if name in given else 'no'} array {name!r}", "what state() returned")
        for name, array in own.items():
            came = as_array(f"state[{name!r}]", given[name])
            if came.shape != array.shape or came.dtype != array.dtype:
                raise wrong(f"state[{name!r}]", describe(came), f"{describe(array)}")
        prefix = "optimizer."
        self.optimizer.load_state({n.removeprefix(prefix): a for n, a in state.items() if n.startswith(prefix)})
        for name, array in own.items():
            array[...] = given[name]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `state()` to a safetensors file, with what it belongs to; the file appears whole or not at all."""
        write_tensors(path, KIND, self.state(), {"learner": self._description()})

    def load(self, path: str | os.PathLike[str]) -> None:
        """`load_state` from a file that `save` of a learner built in the same way has written.

        Raises:
            ArgumentError: no such file. FileFormatError: not such a file, or of another network or algorithm.
        """
        with open_tensors(path, KIND) as file:
            found, own = file.document("learner", dict), self._description()
            for key, value in own.items():
                if found.get(key) != value:
                    shown = "another network" if key == "network" else repr(found.get(key))
                    expected = "the network of this learner" if key == "network" else repr(value)
                    raise FileFormatError(f"{file.path!r}: got {shown} under {key!r}, expected {expected}")
            state = {name: file.read(name) for name in file.shapes}
        try:
            self.load_state(state)
        except GatedError as error:
            raise FileFormatError(f"{os.fspath(path)!r}: {error}") from None

    def _description(self) -> dict[str, Any]:
        return {
            "algorithm": self.algorithm,
            "peepholes": self.peepholes,
            "batch": self.batch,
            "loss": type(self.loss).__name__,
            "optimizer": type(self.optimizer).__name__,
            "network": self.network.config(),
        }

    # checks

    def _input(self, name: str, value: Any, steps: tuple[str, ...]) -> tuple[Array, bool]:
        """The input with its axis N, and whether it came without (N = 1)."""
        array = as_array(name, value)
        own = () if self._ids else (self._width,)
        single = self.batch == 1 and array.ndim == len(steps) + len(own)
        shape = (*steps, *own) if single else (*steps, self.batch, *own)
        if not self._ids:
            array = checks.array(name, array, shape, self.network.dtype)
            return (np.expand_dims(array, len(steps)) if single else array), single
        if array.dtype.kind not in "iu":
            raise wrong_type(name, describe(array if array.ndim else value), "integer ids")
        if array.ndim != len(shape) or array.shape[len(steps) :] != shape[len(steps) :]:
            raise wrong(name, describe(array), f"shape ({', '.join(map(str, shape))})")
        array = np.expand_dims(array, len(steps)) if single else array
        if array.size and not 0 <= array.min() <= array.max() < self._ids:
            bad = array.min() if array.min() < 0 else array.max()
            raise wrong(name, f"the id {bad}", f"ids from 0 to {self._ids - 1}")
        return array, single

    def _mask(self, name: str, mask: Any, steps: int | None) -> Array:
        """(steps, N) booleans; (1, N) from (N,) if steps is None."""
        if mask is None:
            return np.ones((steps or 1, self.batch), bool)
        array = as_array(name, mask)
        if array.dtype.kind != "b":
            raise wrong_type(name, describe(array), "booleans")
        allowed: list[tuple[int, ...]] = [(self.batch,)] if steps is None else [(steps, self.batch), (steps,)]
        if array.shape not in allowed:
            raise wrong(name, describe(array), f"shape {allowed[0]}")
        if steps is None:
            return array[None]
        return np.broadcast_to(array[:, None] if array.ndim == 1 else array, (steps, self.batch))

    def _recurrent(self) -> list[tuple[str, Recurrent, tuple[str, ...]]]:
        layers = self.network.layers.items()
        return [(name, layer, layer.cell.states) for name, layer in layers if isinstance(layer, Recurrent)]

    def _states(self, state: Mapping[str, Any] | None) -> dict[str, Array]:
        self.network._check_state(state)
        found = {}
        for name, layer, states in self._recurrent():
            if state is not None and name in state:
                for key, array in zip(states, layer._checked_state("state", state[name], self.batch), strict=True):
                    found.update({f"{name}.l{k}.state.{key}": array[k] for k in range(layer.num_layers)})
        return found

    def _output_size(self) -> int:
        return int(list(self.network.layers.values())[-1].output_size)


def _rule(network: Any, algorithm: str, batch: int, peepholes: bool, memory_limit: int) -> Traces | RealTime:
    if algorithm == "online":
        return Traces(network, batch, peepholes)
    if algorithm != "rtrl":
        raise wrong("algorithm", repr(algorithm), "'online' or 'rtrl'")
    if not peepholes:
        raise wrong("peepholes", "False with algorithm 'rtrl'", "True: the exact gradient leaves nothing out")
    return RealTime(network, batch, memory_limit)
