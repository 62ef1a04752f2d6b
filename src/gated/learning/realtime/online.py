"""Learning while the data come: one step at a time, in constant memory, for ever.

Legend: T steps, N sequences side by side (`batch`), D inputs, V outputs.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends import NAMES, backend_of, get_backend
from gated.errors import FileFormatError, GatedError, as_array, describe, shown, wrong, wrong_type
from gated.files.tensor_file import open_tensors, write_tensors
from gated.learning.realtime.chain import links_of
from gated.learning.realtime.compiled import NativeEngine, native_engine
from gated.learning.realtime.engines import NotFinite, ReferenceEngine, begin, rule_of
from gated.learning.realtime.fixed import Fixed
from gated.learning.realtime.row import Row
from gated.learning.realtime.rtrl import MEMORY_LIMIT
from gated.learning.rules.finite import HINT, Given, parameters_of, place_of, reason
from gated.learning.rules.optimizers import SGD, Optimizer
from gated.nn import checks
from gated.nn.losses import Loss, SquaredError
from gated.nn.network_checks import has_state, nested_state
from gated.number_checks import above_zero, told

Array = np.ndarray[Any, Any]
KIND = "gated online learner"
ANOTHER = "make a new learner with this network, which has learnt what this one has"


class Online:
    """A network that learns at every step for which a target is known.

    Args:
        network: a gated.Network of Recurrent (one direction, no dropout), Dense and Embedding layers, or of one's own
            that tell their equations (`Layer.equations`) or have no state. Its parameters change in place.
        algorithm: "online", traces with the recurrent matrices cut, as the LSTM papers of 1997 and 2000
            (`realtime.traces`): cheap, and the whole gradient only of a cell without such matrices. "rtrl", the
            whole gradient of every step's loss (`realtime.rtrl`): exact, and expensive; see
            `gated.learning.rtrl_cost`.
        optimizer: from gated.learning; SGD(0.1) if None.
        loss: from gated.losses, of one step's rows; SquaredError() if None. It chooses what squashes the output.
        batch: N.
        peepholes: for "online": False leaves the peepholes out of the traces (`gated.schedule.traces.plan_traces`).
        clip: bound on the norm of each step's gradient.
        memory_limit: for "rtrl": bytes that the Jacobians may take.
        backend: "reference" (NumPy) or "native" (machine code, for "online" with layers that tell equations, stacks
            too, but none of look-ups or sums); None: native where it can be, and else what computes for the network,
            array by array. `fallback` tells which it is.

    The weights change at every target while states and traces go on from what older weights made of them: they are a
    little stale, the less so the smaller the learning rate. That is how all learning in real time is meant.

    A learner can be copied and pickled, in mid-stream too, with its network and its optimizer: the copy goes on with
    the same bits and shares nothing.

    Raises:
        ArgumentError, ArgumentTypeError: an option that cannot be used; a cell for which "online" is not defined.
    """

    # what runs the steps is made from these
    network, algorithm, optimizer, loss, batch, peepholes, clip, memory_limit = (Fixed(ANOTHER) for _ in range(8))

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
        backend: str | None = None,
    ) -> None:
        if not isinstance(optimizer, (Optimizer, type(None))):
            raise wrong_type("optimizer", describe(optimizer), "an optimizer of gated.learning, such as SGD(0.1)")
        if not isinstance(loss, (Loss, type(None))):
            raise wrong_type("loss", describe(loss), "a loss of gated.losses, such as SquaredError()")
        self.network, self.algorithm = network, algorithm
        self.optimizer, self.loss = optimizer or SGD(0.1), loss or SquaredError()
        self.batch, self.peepholes = checks.size("batch", batch), checks.flag("peepholes", peepholes)
        self.clip = None if clip is None else above_zero("clip", clip)
        self.memory_limit = checks.size("memory_limit", memory_limit)
        self._backend = backend
        self._start()
        self._outputs = _size(network.output_size, "output_size", "last")
        self._ids = int(getattr(next(network.parts())[1], "id_count", 0))
        self._row = Row(network)
        if self._row.width:  # rows of several inputs, ids among them
            self._width, self._ids = self._row.width, 0
        else:
            self._width = 0 if self._ids else _size(network.input_size, "input_size", "first")
        self._dtype, self._axes, rows = network.dtype, 1 if self._ids else 2, (self.batch, self._width)
        self._rows = () if self._ids else (rows, rows[1:]) if self.batch == 1 else (rows,)

    def step(self, x_t: Any, target: Any = None, mask: Any = None) -> Array:
        """One time step: predict, and if there is a target, learn.

        Args:
            x_t: (N, D), or (D,) if N is 1; for an Embedding ids (N,) or one id. Where cells have several inputs a dict,
                see `Network.forward`, or all of them side by side.
            target: what the loss takes for outputs (N, V), or (V,) if x_t has no axis N; None: nothing is learnt.
            mask: (N,), True for the sequences that have a target; None: all.

        Returns:
            the prediction, (N, V) or (V,), from before the weights change.

        Raises:
            ArgumentError, ArgumentTypeError: a shape or dtype does not fit.
            ArgumentError: NaN or inf in x_t, but for rows that the mask leaves out; the learner is as it was.
            GatedError: the gradient is not finite; the weights are untouched.
        """
        if self.network.params is not self._params:
            self._move()
        if type(x_t) is np.ndarray and x_t.dtype == self._dtype and x_t.shape in self._rows:
            x, single = x_t, x_t.ndim == 1  # the usual case, checked at once
        else:
            x, single = self._input("x_t", x_t, ())
        x = x if x.ndim == self._axes else x[None]
        known = None if mask is None else self._mask("mask", mask, None)[0]
        if not self._ids and not np.isfinite(x).all():
            self._refuse_not_finite("x_t", x, None if target is None else known, single)
        if target is not None:
            if self._fits(target, single):
                target = target[None] if single else target
            else:
                target, known = self._target(target, (), single, known)
        try:
            y = self._engine.step(x, target, known)
        except NotFinite:
            rows = (None if array is None else array[0] if single else array for array in (target, known))
            raise self._not_finite(*rows) from None
        return y[0] if single else y

    def partial_fit(self, xs: Any, targets: Any = None, mask: Any = None) -> Array:
        """The next T steps of the stream, as T calls of `step`; call again with what comes next.

        Args:
            xs: (T, N, D), or (T, D) if N is 1; ids (T, N) or (T,).
            targets: as for `step`, with the axis T in front; None: nothing is learnt.
            mask: (T, N) or (T,), True where there is a target; None: everywhere.

        Returns:
            the predictions, (T, N, V) or (T, V), each from before its own update.

        Raises:
            ArgumentError, ArgumentTypeError, GatedError: as `step`. NaN or inf in xs, but for steps of a sequence
                behind the last one that the mask lets count, is refused before the first step is made.
        """
        if self.network.params is not self._params:
            self._move()
        x, single = self._input("xs", xs, ("T",))
        known = None if mask is None else self._mask("mask", mask, len(x))
        wanted = None
        if not self._ids and not np.isfinite(x).all():
            # what stands in the states after a step that does not count is looked at by those behind it
            later = None if known is None or targets is None else np.logical_or.accumulate(known[::-1])[::-1]
            self._refuse_not_finite("xs", x, later, single)
        if targets is not None:
            wanted, known = self._target(targets, (len(x),), single, known)
        try:
            y = self._engine.run(x, wanted, known)
        except NotFinite as error:
            seen = (slice(error.step + 1), 0) if single else slice(error.step + 1)
            rows = (None if array is None else array[seen] for array in (wanted, known))
            raise self._not_finite(*rows) from None
        return y[:, 0] if single else y

    def reset(self, state: Mapping[str, Any] | None = None, rows: Any = None) -> None:
        """Begin new sequences: states and traces (or Jacobians) become 0; weights and optimizer stay.

        Args:
            state: {layer: tuple of (K, N, size)} as `Network.forward` takes it, to begin there instead of at 0.
            rows: (N,) booleans, the sequences that begin anew; None: all.
        """
        chosen = None if rows is None else self._mask("rows", rows, None)[0]
        begin(self._engine.arrays(), self.network, state, chosen)

    @property
    def network_state(self) -> dict[str, Any]:
        """The states, {layer: tuple of (K, N, size)}, copies, as `Network.forward` takes them."""
        arrays = self._engine.arrays()
        found = {
            name: tuple(np.stack([arrays[f"{name}.{part}"] for part in parts]) for parts in layer.state_names())
            for name, layer, _ in self.network.parts()
            if has_state(layer)
        }
        return nested_state(found)

    @property
    def fallback(self) -> str | None:
        """Why not all of a step is done in machine code; None where all of it is."""
        return self._engine.fallback

    # checkpoints

    def state(self) -> dict[str, Array]:
        """Copies of all that the next step depends on, but for data and options: what `load_state` takes."""
        arrays = {"theta": self.network.theta.copy()}
        if self.network.fixed:
            arrays["fixed"] = self.network.params.fixed_vector.copy()
        arrays |= {f"optimizer.{name}": array for name, array in self.optimizer.state().items()}
        return arrays | {f"memory.{name}": array.copy() for name, array in self._engine.arrays().items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Go on from what `state` of a learner built in the same way returned: the same numbers to the last bit.

        Raises:
            ArgumentError: an array is missing, or one is too many or does not fit; nothing is changed then.
        """
        own = {"theta": self.network.theta}
        if self.network.fixed:
            own["fixed"] = self.network.params.fixed_vector
        own |= {f"memory.{name}": array for name, array in self._engine.arrays().items()}
        given = {name: array for name, array in state.items() if not name.startswith("optimizer.")}
        if given.keys() != own.keys():
            name = sorted(given.keys() ^ own.keys())[0]
            raise wrong("state", f"{'an' if name in given else 'no'} array '{shown(name)}'", "what state() returned")
        for name, array in own.items():
            came = as_array(f"state[{name!r}]", given[name])
            if came.shape != array.shape or came.dtype != array.dtype:
                raise wrong(f"state[{name!r}]", describe(came), f"{describe(array)}")
        prefix, theta = "optimizer.", self.network.theta
        buffers = {n.removeprefix(prefix): np.asarray(a) for n, a in state.items() if n.startswith(prefix)}
        for name, array in buffers.items():
            if name in self.optimizer.buffers and (array.shape != theta.shape or array.dtype != theta.dtype):
                raise wrong(f"state['optimizer.{name}']", describe(array), describe(theta))
        self.optimizer.load_state(buffers)
        for name, array in own.items():
            array[...] = given[name]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `state()` to a safetensors file, with what it belongs to; the file appears whole or not at all."""
        write_tensors(path, KIND, self.state(), {"learner": self._description()})

    def load(self, path: str | os.PathLike[str]) -> None:
        """`load_state` from a file that `save` of a learner built in the same way has written.

        Raises:
            ArgumentError: there is no such file.
            FileFormatError: it is not such a file, or of another network or algorithm.
        """
        with open_tensors(path, KIND) as file:
            found, own = file.document("learner", dict), self._description()
            for key, value in own.items():
                if found.get(key) != value:
                    came = "another network" if key == "network" else shown(repr(found.get(key)), 60)
                    expected = "the network of this learner" if key == "network" else repr(value)
                    raise FileFormatError(f"{file.path!r}: got {came} under {key!r}, expected {expected}")
            state = {name: file.read(name) for name in file.shapes}
        try:
            self.load_state(state)
        except GatedError as error:
            raise FileFormatError(f"{os.fspath(path)!r}: {shown(error, 220)}") from None

    # copies

    def __getstate__(self) -> dict[str, Any]:
        """The arguments that make a learner like this one, and what it carries on."""
        names = ("network", "algorithm", "optimizer", "loss", "batch", "peepholes", "clip", "memory_limit")
        arguments = {name: getattr(self, name) for name in names} | {"backend": self._backend}
        memory = {name: array.copy() for name, array in self._engine.arrays().items()}
        return {"arguments": arguments, "memory": memory}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(**state["arguments"])  # type: ignore[misc]
        for name, array in self._engine.arrays().items():
            array[...] = state["memory"][name]

    def __copy__(self) -> Online:
        return copy.deepcopy(self)  # with a network and an optimizer of its own: what two change belongs to neither

    def _description(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("algorithm", "peepholes", "batch")}
        kinds = {name: type(getattr(self, name)).__name__ for name in ("loss", "optimizer")}
        return {**plain, **kinds, "network": self.network.config()}

    # checks

    def _input(self, name: str, value: Any, steps: tuple[str, ...]) -> tuple[Array, bool]:
        """The input with its axis N, and whether it came without (N = 1)."""
        if self._row.width and isinstance(value, Mapping):
            value = self._row.joined(name, value)
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

    def _target(
        self, value: Any, steps: tuple[int, ...], single: bool, known: Array | None
    ) -> tuple[Array, Array | None]:
        """(the targets as rows, which are known): (T, N, V) and (T, N), without T where `steps` is ().

        Args:
            value: what the loss takes for outputs of the shape that the user sees.
            known: (T, N) booleans, None for all. A loss may know of more rows that do not count.
        """
        shape = (*steps, *([] if single else [self.batch]), self._outputs)
        counts = np.ones(shape[:-1], bool) if known is None else np.asarray(known).reshape(shape[:-1])
        rows, counts = self.loss._target(value, shape, self.network.dtype, counts)
        full = (*steps, self.batch)
        return rows.reshape(*full, self._outputs), None if counts.all() else counts.reshape(full)

    def _fits(self, target: Any, single: bool) -> bool:
        """Whether the target of a step is the row that the loss wants already."""
        shape = (self._outputs,) if single else (self.batch, self._outputs)
        return type(target) is np.ndarray and target.dtype == self._dtype and target.shape == shape

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

    def _refuse_not_finite(self, name: str, x: Array, counts: Array | None, single: bool) -> None:
        """Before the states move: they would hold NaN from then on. x (..., N, D); `counts` (..., N): where it counts.

        Raises:
            ArgumentError: NaN or inf where it counts.
        """
        found = place_of(x, counts)
        if found is not None:
            number, place = found
            if single:  # as the user gave it
                del place[-2]
            raise wrong(name, f"{'NaN' if np.isnan(number) else number} at {place}", "finite numbers")

    def _not_finite(self, target: Array | None, known: Array | None) -> GatedError:
        """After a step whose gradient was not finite, with what it was given, as the user gave it."""
        given: list[Given] = [("target", target, None if known is None else np.asarray(known))]
        cause = reason([*given, *parameters_of(self.network)])
        memory = reason([(f"the memory {key}", array, None) for key, array in self._engine.arrays().items()])
        if cause == HINT and memory != HINT:  # NaN of a step before, or numbers that have grown too large
            cause = f"{memory} (reset() empties it); {HINT}"
        updates = self.optimizer.updates
        return GatedError(f"gradient: got NaN or inf at update {updates}, expected finite numbers; {cause}")

    def _start(self) -> None:
        self._engine = self._chosen(self._backend, self.memory_limit)
        self._params = self.network.params

    def _move(self) -> None:
        """The network has become part of another one, and its parameters lie elsewhere: go on with these."""
        memory = self._engine.arrays()
        self._start()
        for name, array in self._engine.arrays().items():
            array[...] = memory[name]

    def _chosen(self, backend: Any, memory_limit: int) -> ReferenceEngine | NativeEngine:
        if backend is not None and not (isinstance(backend, str) and backend in NAMES):
            raise wrong("backend", told(backend), f"None or one of {', '.join(map(repr, NAMES))}")
        network, optimizer, loss = self.network, self.optimizer, self.loss
        links_of(network)  # the network is checked before all else
        own = backend_of(network) if backend is None else get_backend(backend)
        reason = f"algorithm {told(self.algorithm)}"
        if backend == "reference":
            reason = "backend 'reference'"
        elif isinstance(self.algorithm, str) and self.algorithm == "online":
            found = native_engine(network, optimizer, loss, self.clip, self.batch, self.peepholes, own)
            if not isinstance(found, str):
                return found
            reason = found
        rule = rule_of(network, self.algorithm, self.batch, self.peepholes, memory_limit, own)
        if backend == "native":
            raise wrong("backend", f"'native' for {reason}", "None or 'reference': there is no machine code for it")
        return ReferenceEngine(rule, network, optimizer, loss, self.clip, reason)


def _size(value: Any, name: str, which: str) -> int:
    """A layer of one's own need not say it, but to go online."""
    if value is None:
        raise wrong_type("network", f"a {which} layer without {name}", f"one that says its {name}")
    return int(value)
