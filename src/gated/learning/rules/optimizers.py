"""First-order optimizers over one contiguous parameter vector.

theta, g: the parameters and the gradient, 1-D, same dtype and length. Every optimizer gives the
same numbers as the one of this name in `torch.optim` (with its default options where none is
here). Buffers are made at the first update; after that an update allocates one byte per entry, to see
whether the gradient is finite.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.backends import Backend, default_backend
from gated.backends.interface import Rule
from gated.backends.reference import updates
from gated.errors import ArgumentError, ArgumentTypeError, describe, shown
from gated.learning.rules.option_checks import finite_gradient, nameable, vector_of
from gated.learning.rules.schedules import INSTEAD, Function, as_schedule
from gated.nn.parameters import ParameterVector
from gated.number_checks import above_zero, not_negative, told, within


class Optimizer:
    """What the optimizers share: the count of updates, the schedule, the named buffers.

    A subclass lists the buffers that it keeps from update to update and writes `_apply`. An optimizer can be copied and
    pickled; the copy goes on with the same bits and shares nothing.

    Args:
        lr: the learning rate, a number or a schedule (see `gated.learning.schedules`); it may be set anew between
            updates.
    """

    buffers: tuple[str, ...] = ()
    _backend: Backend | None = None  # who computes the update that is being made
    _rule: Rule | None = None  # of those that a backend knows

    def __init__(self, lr: float | Function) -> None:
        self.lr = lr
        self.updates = 0
        self._buffers: dict[str, np.ndarray] = {}
        self._scratch: tuple[np.ndarray, np.ndarray] = (np.empty(0), np.empty(0))

    @property
    def lr(self) -> float | Function:
        """The number or the schedule, as it was given."""
        return self._lr

    @lr.setter
    def lr(self, lr: float | Function) -> None:
        self._schedule = as_schedule(lr)
        self._lr = lr

    @property
    def rate(self) -> float:
        """The learning rate of the next update."""
        return self._rate_at(self.updates)

    def _rate_at(self, updates: int) -> float:
        came = self._schedule(updates)
        try:
            rate = float(came)
        except (TypeError, ValueError, OverflowError):
            rate = math.nan
        if not (math.isfinite(rate) and rate >= 0.0):
            got = f"{told(came)} for update {updates} from the schedule"
            raise ArgumentError(f"lr: got {got}, expected a finite number of at least 0")
        return rate

    def update(self, theta: np.ndarray | ParameterVector, gradient: np.ndarray | ParameterVector) -> None:
        """One update in place.

        Args:
            theta: the parameters, 1-D, or parameters by name, of which the vector is taken.
            gradient: likewise, of the same length and dtype; it is only read.

        Raises:
            ArgumentTypeError: anything but two floating-point arrays of one dtype; nothing is changed then.
            ArgumentError: shapes that are not one-dimensional, equal, and those of the last call; NaN or inf in the
                gradient; a theta that is read-only; nothing is changed then.
        """
        self._update(vector_of(theta), vector_of(gradient), default_backend())

    def _update(self, theta: np.ndarray, gradient: np.ndarray, backend: Backend) -> None:
        """`update`, by this backend."""
        self._check(theta, gradient)
        finite_gradient(gradient, backend)
        rate = self.rate
        if self._scratch[0].shape != theta.shape or self._scratch[0].dtype != theta.dtype:
            self._scratch = (np.empty_like(theta), np.empty_like(theta))
        for name in self.buffers:
            if name not in self._buffers:
                self._buffers[name] = np.zeros_like(theta)
        self.updates += 1
        self._backend = backend
        self._apply(theta, gradient, rate)

    @property
    def has_rule(self) -> bool:
        """Whether its update is one of this module, which a backend may make in its own way."""
        own = type(self)
        mine = (own.update, own._update, own._apply, own._run) == _PLAIN
        return mine and own._rule is not None and own._numbers.__module__ == __name__

    def next_update(self, theta: np.ndarray) -> tuple[Rule, dict[str, np.ndarray], dict[str, float]]:
        """The rule of the next update, its buffers, which are to be handed to `made`, and its numbers.

        Raises:
            ArgumentError, ArgumentTypeError: as `update`, for this theta; nothing is changed then.
        """
        self._check(theta, theta)
        if self._rule is None:
            raise NotImplementedError
        rule, numbers, held = self._rule, self._numbers(self.rate, self.updates + 1), self._buffers
        buffers = {name: held[name] if name in held else np.zeros_like(theta) for name in self.buffers}
        return rule, buffers, numbers

    def made(self, buffers: dict[str, np.ndarray]) -> None:
        """The update that `next_update` told of has been made."""
        self._buffers, self.updates = buffers, self.updates + 1

    def state(self) -> dict[str, np.ndarray]:
        """Copies of all that the next update depends on: `updates` and the buffers by name."""
        held = {name: buffer.copy() for name, buffer in self._buffers.items()}
        return {"updates": np.array(self.updates, dtype=np.int64), **held}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from what `state` of an optimizer of the same kind returned."""
        names = set(state) - {"updates"}
        if "updates" not in state or (names and names != set(self.buffers)):
            expected = ", ".join(("updates", *self.buffers))
            if "updates" in state and frozenset(names) in KEEPERS:
                own = KEEPERS.get(frozenset(self.buffers), type(self).__name__)
                raise ArgumentError(f"state: got the state of {KEEPERS[frozenset(names)]}, expected that of {own}")
            came = shown(", ".join(sorted(state))) or "nothing"
            raise ArgumentError(f"state: got {came}, expected {expected}")
        count = np.asarray(state["updates"])
        if count.shape != () or count.dtype.kind not in "iu":
            raise ArgumentError(f"state['updates']: got {describe(count)}, expected one whole number")
        for name in names:
            if np.ndim(state[name]) != 1 or np.asarray(state[name]).dtype.kind != "f":
                came = describe(np.asarray(state[name]))
                raise ArgumentError(f"state[{name!r}]: got {came}, expected one dimension of floating-point numbers")
        updates = int(count)
        if updates < 0 or (updates > 0 and not names and self.buffers):
            raise ArgumentError(f"state: got {updates} updates without buffers, expected the buffers of each update")
        if len({np.shape(state[name]) for name in names}) > 1:
            raise ArgumentError("state: got buffers of several lengths, expected one length")
        self.updates = updates
        self._buffers = {name: np.array(state[name]) for name in names}

    def _kept(self) -> dict[str, Any]:
        """All that a copy needs."""
        return {
            name: value for name, value in self.__dict__.items() if name not in ("_scratch", "_schedule", "_backend")
        }

    def __getstate__(self) -> dict[str, Any]:
        nameable("lr", self.lr, INSTEAD)
        return self._kept()

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Copies: arrays from a file that is mapped into memory, or from beside the pickle (protocol 5), as joblib sends
        # them to its workers, are shared with others and may be read-only.
        own = {name: np.array(value) for name, value in state.items() if isinstance(value, np.ndarray)}
        self.__dict__.update(state, **own)
        self._buffers = {name: np.array(buffer) for name, buffer in self._buffers.items()}
        self._schedule = as_schedule(self.lr)
        self._scratch = (np.empty(0), np.empty(0))

    def __deepcopy__(self, memo: dict[int, Any]) -> Optimizer:
        other = memo[id(self)] = type(self).__new__(type(self))
        other.__setstate__(copy.deepcopy(self._kept(), memo))
        return other

    def __copy__(self) -> Optimizer:
        return copy.deepcopy(self)  # the buffers are changed in place: one copy that shares them would be none

    def _check(self, theta: np.ndarray, gradient: np.ndarray) -> None:
        for name, array in (("theta", theta), ("gradient", gradient)):
            masked = isinstance(array, np.ma.MaskedArray)
            if not isinstance(array, np.ndarray) or masked or array.dtype.kind != "f":
                came = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
                came = "a masked array" if masked else came
                raise ArgumentTypeError(f"{name}: got {came}, expected a one-dimensional floating-point array")
            if array.ndim != 1:
                raise ArgumentError(f"{name}: got shape {array.shape}, expected one dimension")
        if not theta.flags.writeable:
            raise ArgumentError("theta: got an array that is read-only, expected one that can be changed in place")
        if gradient.shape != theta.shape:
            raise ArgumentError(f"gradient: got {gradient.size} entries, expected {theta.size} as in theta")
        if gradient.dtype != theta.dtype:
            raise ArgumentTypeError(f"gradient: got dtype {gradient.dtype}, expected {theta.dtype} as in theta")
        for buffer in self._buffers.values():
            if buffer.shape != theta.shape or buffer.dtype != theta.dtype:
                raise ArgumentError(
                    f"theta: got {theta.size} entries of {theta.dtype}, "
                    f"expected {buffer.size} of {buffer.dtype} as in the optimizer's state"
                )

    def _apply(self, theta: np.ndarray, g: np.ndarray, lr: float) -> None:
        """One update at rate `lr`; `self.updates` already counts it. May use both scratch arrays.

        Those of this module leave the arithmetic to a backend (`_run`), by their `_rule` with their `_numbers`."""
        if self._rule is None:
            raise NotImplementedError
        self._run(self._rule, theta, g, **self._numbers(lr, self.updates))

    def _run(self, rule: Rule, theta: np.ndarray, g: np.ndarray, **numbers: float) -> None:
        """The update that a function of theta, g, the buffers, the scratch arrays and these numbers describes."""
        (self._backend or default_backend()).update(rule, theta, g, self._buffers, self._scratch, **numbers)

    def _numbers(self, lr: float, updates: int) -> dict[str, float]:
        """What the rule takes for an update at rate `lr`; `updates`: how many there are, this one counted."""
        raise NotImplementedError


_PLAIN = Optimizer.update, Optimizer._update, Optimizer._apply, Optimizer._run


def update_by(backend: Backend, optimizer: Optimizer, theta: np.ndarray, gradient: np.ndarray) -> None:
    """`optimizer.update`, by this backend; one of somebody's own with an `update` of its own does as it does."""
    if getattr(optimizer.update, "__func__", None) is Optimizer.update:
        optimizer._update(theta, gradient, backend)
    else:
        optimizer.update(theta, gradient)


class SGD(Optimizer):
    """Stochastic gradient descent: v <- momentum v + g;  theta <- theta - lr v.

    Args:
        lr: as for every `Optimizer`.
        momentum: how much of v stays.
        nesterov: step along g + momentum v instead of v (Sutskever et al., 2013, in the form that needs the gradient at
            theta only).
        weight_decay: weight_decay * theta is added to g.
    """

    _rule = staticmethod(updates.sgd)

    def __init__(
        self, lr: float | Function, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        super().__init__(lr)
        self.momentum = within("momentum", momentum, 0.0, 1.0)
        self.weight_decay = not_negative("weight_decay", weight_decay)
        if nesterov and not self.momentum:
            raise ArgumentError("nesterov: got True with momentum 0, expected a momentum above 0")
        self.nesterov = bool(nesterov)
        self.buffers = ("momentum",) if self.momentum else ()

    def _numbers(self, lr: float, updates: int) -> dict[str, float]:
        own = {"momentum": self.momentum, "nesterov": self.nesterov, "weight_decay": self.weight_decay}
        return {"lr": lr, **own}


class RMSProp(Optimizer):
    """Divide by a running root mean square: s <- alpha s + (1 - alpha) g^2;  d = g / (sqrt(s) + eps).

    Tieleman & Hinton (2012), lecture 6.5.

    Args:
        lr: as for every `Optimizer`.
        alpha: how much of s stays.
        eps: keeps the divisor from 0.
        momentum: v <- momentum v + d, and theta moves by -lr v; without it, by -lr d.
    """

    _rule = staticmethod(updates.rmsprop)

    def __init__(self, lr: float | Function, alpha: float = 0.99, eps: float = 1e-8, momentum: float = 0.0) -> None:
        super().__init__(lr)
        self.alpha = within("alpha", alpha, 0.0, 1.0)
        self.eps = above_zero("eps", eps)
        self.momentum = within("momentum", momentum, 0.0, 1.0)
        self.buffers = ("mean_square", "momentum") if self.momentum else ("mean_square",)

    def _numbers(self, lr: float, updates: int) -> dict[str, float]:
        return {"lr": lr, "alpha": self.alpha, "eps": self.eps, "momentum": self.momentum}


class Adam(Optimizer):
    """Kingma & Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.

    m <- b1 m + (1 - b1) g;  s <- b2 s + (1 - b2) g^2;
    theta <- theta - lr (m / (1 - b1^k)) / (sqrt(s / (1 - b2^k)) + eps) at update k = 1, 2, ...

    Args:
        lr: as for every `Optimizer`.
        betas: b1 and b2.
        eps: keeps the divisor from 0.
    """

    buffers = ("mean", "mean_square")
    _rule = staticmethod(updates.adam)

    def __init__(self, lr: float | Function, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> None:
        super().__init__(lr)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ArgumentError(f"betas: got {describe(betas)}, expected two numbers in [0, 1)")
        self.betas = (within("betas[0]", betas[0], 0.0, 1.0), within("betas[1]", betas[1], 0.0, 1.0))
        self.eps = above_zero("eps", eps)

    def _numbers(self, lr: float, updates: int) -> dict[str, float]:
        b1, b2 = self.betas
        return {"lr": lr, "b1": b1, "b2": b2, "eps": self.eps, "updates": updates}


class AdamW(Adam):
    """Adam with decoupled weight decay: theta <- (1 - lr weight_decay) theta before Adam's step.

    Loshchilov & Hutter, "Decoupled weight decay regularization" (2019), algorithm 2 as torch has it (the decay is
    multiplied by the learning rate).

    Args:
        lr: as for every `Optimizer`.
        betas: as for `Adam`.
        eps: as for `Adam`.
        weight_decay: see above.
    """

    def __init__(
        self,
        lr: float | Function,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(lr, betas, eps)
        self.weight_decay = not_negative("weight_decay", weight_decay)

    def _numbers(self, lr: float, updates: int) -> dict[str, float]:
        return super()._numbers(lr, updates) | {"decay": 1.0 - lr * self.weight_decay}


# who keeps which buffers, for a message
KEEPERS = {
    frozenset[str](): "SGD",
    frozenset(["momentum"]): "SGD with momentum",
    frozenset(["mean_square"]): "RMSProp",
    frozenset(["mean_square", "momentum"]): "RMSProp with momentum",
    frozenset(["mean", "mean_square"]): "Adam",
}
OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSProp, "adam": Adam, "adamw": AdamW}
