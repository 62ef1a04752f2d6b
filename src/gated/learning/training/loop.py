"""The training loop: passes over the data, and everything it takes to stop at any update and go on later."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gated.data.sequences import Sequences
from gated.errors import ArgumentError, FileFormatError, GatedError, describe, shown, wrong_type
from gated.learning.rules.optimizers import Optimizer
from gated.learning.rules.option_checks import nameable
from gated.learning.training.bptt import check_learner, full_step, inside, truncated_step
from gated.nn.losses import Loss
from gated.nn.network_checks import flat_state, nested_state


@dataclass
class Progress:
    """Where a training is: updates made, whole passes made, batches of this pass made."""

    step: int = 0
    epoch: int = 0
    position: int = 0


@dataclass(frozen=True)
class Update:
    """What one update was: its number (from 1), its pass (from 0), loss, gradient norm before clipping, rate."""

    step: int
    epoch: int
    loss: float
    norm: float
    rate: float
    predictions: int


class Training:
    """Iterating over a Training makes one update after the other and yields an `Update` each, for ever.

    Args:
        network: a `gated.Network`; its parameters change in place.
        loss: from gated.losses.
        optimizer: from gated.learning.
        batches: `batches(epoch)` gives the batches of one pass, the same ones in the same order whenever it is asked:
            that, with `state`, is what lets a training go on exactly where it was. A batch in which no step counts
            makes no update.
        carry_state: True: the batches are windows (x, target) of one stream, as `gated.data.stream_windows` cuts them;
            they run in order, each from the final state of the one before, and a pass starts from zero
            (`gated.learning.truncated_step`). False: they are `gated.learning.Sequences`, as
            `gated.data.shuffled_batches` makes them, each whole (`gated.learning.full_step`); `batches` does well to
            shuffle them, from a generator seeded by the epoch: `epoch_generator`.
        clip: bound on the gradient's global norm.
        seed: starts the generator of the dropout masks.
    """

    def __init__(
        self,
        network: Any,
        loss: Any,
        optimizer: Optimizer,
        batches: Callable[[int], Iterable[Any]],
        *,
        carry_state: bool,
        clip: float | None = None,
        seed: int = 0,
    ) -> None:
        check_learner(network, loss, optimizer)
        given: Any = batches
        if not callable(given):
            expected = "a function of the pass's number, such as lambda epoch: stream_windows(...)"
            raise wrong_type("batches", f"a {type(given).__name__}", expected)
        self.network, self.loss, self.optimizer, self.batches = network, loss, optimizer, batches
        self.carry_state, self.clip = carry_state, clip
        self.rng = np.random.default_rng(seed)
        self.progress = Progress()
        self.carried: Any = None

    def __iter__(self) -> Iterator[Update]:
        progress = self.progress
        while True:
            counted = progress.position > 0
            for given in itertools.islice(iter(self.batches(progress.epoch)), progress.position, None):
                batch = Sequences.of(given)
                predictions = self._count(batch)
                if predictions:
                    counted = True
                    yield self._update(batch, predictions)
                else:
                    self._pass_over(batch)
            if not counted:
                came = "none" if progress.position == 0 else f"{progress.position} in which no step counts"
                raise ArgumentError(f"batches: got {came} in pass {progress.epoch}, expected at least one")
            progress.epoch, progress.position, self.carried = progress.epoch + 1, 0, None

    def _pass_over(self, batch: Sequences) -> None:
        """There is nothing to learn here (sequences of 0 steps, all masked or ignored): only the state goes on."""
        if self.carry_state:
            self.carried = self.network.forward(batch.x, self.carried, batch.lengths)[1]
        self.progress.position += 1

    def _count(self, batch: Sequences) -> int:
        """Predictions in a batch: places (t, n) that count, by mask or lengths and by the loss."""
        counts = inside(self.network, batch) if batch.mask is None else np.asarray(batch.mask) != 0
        if isinstance(self.loss, Loss):
            counts = self.loss.counted_rows(batch.target, counts)
        return int(np.count_nonzero(counts))

    def _update(self, batch: Sequences, predictions: int) -> Update:
        rate = self.optimizer.rate
        learner = (self.network, self.loss, self.optimizer)
        if self.carry_state:
            loss, self.carried, norm = truncated_step(*learner, batch, self.carried, clip=self.clip, rng=self.rng)
        else:
            loss, norm = full_step(*learner, batch, clip=self.clip, rng=self.rng)
        self.progress.step += 1
        self.progress.position += 1
        return Update(self.progress.step, self.progress.epoch, loss, norm, rate, predictions)

    def __getstate__(self) -> dict[str, Any]:
        for name, function in (("batches", self.batches), ("loss", self.loss)):
            nameable(name, function, "a function at the top of a module; state() is what a training has come to")
        return self.__dict__

    def __deepcopy__(self, memo: dict[int, Any]) -> Training:
        other = memo[id(self)] = type(self).__new__(type(self))
        other.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return other

    def __copy__(self) -> Training:
        return copy.deepcopy(self)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and a JSON value: all that the next update depends on, save data and options."""
        arrays = {"theta": self.network.theta.copy()}
        if self.network.fixed:
            arrays["fixed"] = self.network.params.fixed_vector.copy()
        arrays |= {f"optimizer.{name}": array for name, array in self.optimizer.state().items()}
        arrays |= {f"state.{name}": np.array(array) for name, array in _flat(self.carried).items()}
        return arrays, {"progress": asdict(self.progress), "rng": self.rng.bit_generator.state}

    def load_state(self, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> None:
        """Go on from `state` of a training with the same network, optimizer and batches.

        Raises:
            FileFormatError: something is missing or does not fit.
        """
        theta = self.network.theta
        saved = arrays.get("theta")
        if saved is None or saved.shape != theta.shape or saved.dtype != theta.dtype:
            came = "none" if saved is None else f"{saved.size} of {saved.dtype}"
            raise FileFormatError(f"theta: got {came}, expected {theta.size} parameters of {theta.dtype}")
        fixed, own = arrays.get("fixed", theta[:0]), self.network.params.fixed_vector
        if fixed.shape != own.shape or fixed.dtype != own.dtype:
            raise FileFormatError(f"fixed: got {describe(fixed)}, expected {describe(own)}")
        rng = np.random.default_rng()
        try:
            if not isinstance(values.get("rng"), Mapping):
                raise TypeError("no state of a generator")
            progress = Progress(**{name: _count_from(values["progress"], name) for name in asdict(Progress())})
            rng.bit_generator.state = values["rng"]
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
            reason = shown(repr(error), 60)
            raise FileFormatError(f"progress: got something damaged ({reason}), expected counts and rng") from None
        carried = _carried(_under("state.", arrays), self.network)
        buffers = _under("optimizer.", arrays)
        for name, array in buffers.items():
            if name in self.optimizer.buffers and (array.shape != theta.shape or array.dtype != theta.dtype):
                raise FileFormatError(f"optimizer.{name}: got {describe(array)}, expected {describe(theta)}")
        try:
            self.optimizer.load_state(buffers)
        except GatedError as error:
            raise FileFormatError(f"optimizer: {error}") from None
        theta[:] = saved
        self.network.params.fixed_vector[...] = fixed
        self.progress, self.carried, self.rng = progress, carried, rng


def epoch_generator(seed: int, epoch: int) -> np.random.Generator:
    """The generator to shuffle one pass with: it depends on the seed and the pass, not on what was drawn before."""
    return np.random.default_rng([seed, epoch])


def _count_from(values: Any, name: str) -> int:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError(f"{name} is {shown(repr(value), 30)}")
    return value


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _flat(states: Any) -> dict[str, np.ndarray]:
    """{"rnn": (h, c), "encoder": {"gru": (h,)}} -> {"rnn.0": h, "rnn.1": c, "encoder.gru.0": h}"""
    return {f"{name}.{k}": array for name, own in flat_state(states).items() for k, array in enumerate(own)}


def _carried(arrays: Mapping[str, np.ndarray], network: Any) -> dict[str, Any] | None:
    """The inverse of `_flat`, for states that the network's layers take; None if there is none."""
    if not arrays:
        return None
    first = next(iter(arrays.values()))
    batch = first.shape[1] if first.ndim == 3 and first.size else 1
    own = network.initial_state(1)
    expected = {name: (array.shape[0], batch, array.shape[2]) for name, array in _flat(own).items()}
    if arrays.keys() != expected.keys():
        name = sorted(arrays.keys() ^ expected.keys())[0]
        came = "an array of this name" if name in arrays else "none"
        known = shown(", ".join(f"state.{name}" for name in expected)) or "no state"
        raise FileFormatError(f"state.{shown(name)}: got {came}, expected {known}")
    for name, array in arrays.items():
        if array.shape != expected[name] or array.dtype != network.dtype:
            raise FileFormatError(
                f"state.{name}: got {describe(array)}, expected one of shape {expected[name]} and dtype {network.dtype}"
            )
    layers = flat_state(own).items()
    return nested_state({name: tuple(arrays[f"{name}.{k}"] for k in range(len(states))) for name, states in layers})
