"""The one way in which their code is run, whatever its shape: `Subject`, of which every adapter is one.

Legend: T steps, N sequences, D inputs, H units; dy the adjoint of y, zero but at the last step where only that is
asked. Parameters stay in their names and shapes; x, states and outputs are canonical (T, N, D), (N, H), (T, N, H).
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gated.audit.foreign.draws import draw

Array = np.ndarray[Any, Any]
Parameters = dict[str, Array]
UNCLIPPED = 1e-4  # size of dy: gradients so small are not clipped
SEEDS = (5, 8, 12)  # of trials
SHAPE = "outputs of shape"
MOST = 24  # sizes are below it: nobody is asked to run larger ones


@dataclass(frozen=True)
class Sizes:
    T: int
    N: int
    D: int
    H: int

    def letters(self) -> dict[str, int]:
        return {"T": self.T, "N": self.N, "D": self.D, "H": self.H}


class Subject(ABC):
    """Their forward and backward pass."""

    style = ""
    where: tuple[str, ...] = ()  # names of the functions or of the class
    states: tuple[str, ...] = ()  # of "h", "c": initial states that can be given
    one_sequence = False  # a batch is run one after the other and summed here
    last_only = False  # an adjoint can be given to the last output alone
    every_output = False  # the outputs of all steps are there, whatever adjoint can be given
    equal_sizes = False  # D has to be H
    whole_numbers = True  # integer arrays can be given
    one_step = False  # of theirs: steps are chained here
    clips: bool | None = None  # large gradients are cut off; None: not known yet
    names: dict[str, str]  # "x", "h", "c" -> what they call it

    def __init__(self) -> None:
        self.names = {}
        self.changed: dict[str, None] = {}  # arguments that were changed in place
        self._sized: tuple[dict[str, tuple[int, ...]], tuple[int, int]] | None = None

    @abstractmethod
    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        """Their parameters."""

    @abstractmethod
    def settle(self) -> bool:
        """Find out how their code runs; False where it does not as this adapter thinks."""

    @abstractmethod
    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        """y (T, N, H) and what `one_backward` needs."""

    @abstractmethod
    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        """Gradients by their parameters' names and "x" (T, N, D), "h", "c" (N, H), as far as their code gives them."""

    def outside_the_audit(self) -> list[tuple[str, tuple[str, ...]]]:
        """What of their code is not audited: keys of `sentences.say`, and what stands in the braces."""
        return []

    def drawn(self, D: int, H: int) -> Parameters:
        """Parameters as their own code draws them; none where it draws none."""
        return {}

    def sizes_of(self, P: Mapping[str, Any]) -> tuple[int, int]:
        """D and H of parameters of theirs. They are tried, and remembered as long as the shapes stay the same.

        Raises:
            ValueError: there are none up to `MOST`.
        """
        seen = {name: tuple(np.shape(value)) for name, value in P.items()}
        if self._sized is None or self._sized[0] != seen:
            pairs = ((D, H) for D in range(1, MOST) for H in range(1, MOST))
            found = next((pair for pair in pairs if self.shapes(*pair) == seen), None)
            if found is None:
                raise ValueError(f"parameters of shapes {seen}, which their code has for no sizes")
            self._sized = seen, found
        return self._sized[1]

    def fresh(self, P: Parameters) -> Parameters:
        return {name: np.array(value) for name, value in P.items()}

    def forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> Array:
        given = {s: v for s, v in states.items() if s in self.states}
        if not self.one_sequence:
            return self.one_forward(self.fresh(P), x, given)[0]
        each = [
            self.one_forward(self.fresh(P), x[:, [n]], {s: v[[n]] for s, v in given.items()})[0]
            for n in range(x.shape[1])
        ]
        return np.concatenate(each, 1)

    def backward(self, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        """Their gradients of sum(y * dy).

        Raises:
            ValueError: dy is not zero before the last step, and their code takes one there alone.
        """
        if self.last_only and np.any(dy[:-1]):
            raise ValueError("dy: their code takes the adjoint of the last output alone")
        given = {s: v for s, v in states.items() if s in self.states}
        if self.clips is None and np.any(dy):
            self.clips = self._clips(P, x, given, dy)
        if not self.clips:
            return self._summed(P, x, given, dy)
        factor = UNCLIPPED / max(float(np.abs(dy).max()), 1e-300)
        return {name: value / factor for name, value in self._summed(P, x, given, factor * dy).items()}

    def _clips(self, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> bool:
        """Gradients are proportional to dy. Do those of a large one stay behind?"""
        try:
            small, large = self._summed(P, x, states, UNCLIPPED * dy), self._summed(P, x, states, dy / UNCLIPPED)
        except Exception:  # noqa: BLE001 - whatever their backward pass raises is seen where it is called
            return False
        size = {n: (np.linalg.norm(small[n]) / UNCLIPPED, np.linalg.norm(large.get(n, 0)) * UNCLIPPED) for n in small}
        return any(b < 0.999 * a for a, b in size.values())

    def _summed(self, P: Parameters, x: Array, given: Mapping[str, Array], dy: Array) -> Parameters:
        """A batch at once, or one sequence after the other and their gradients summed."""
        if not self.one_sequence:
            return self._both(P, x, given, dy)
        each = [self._both(P, x[:, [n]], {s: v[[n]] for s, v in given.items()}, dy[:, [n]]) for n in range(x.shape[1])]
        axes = {"x": 1, "h": 0, "c": 0}
        joined: Parameters = {}
        for name in each[0]:
            parts = [gradients[name] for gradients in each]
            joined[name] = np.concatenate(parts, axes[name]) if name in axes else np.sum(parts, 0)
        return joined

    def _both(self, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        P = self.fresh(P)
        _, kept = self.one_forward(P, x, states)
        return self.one_backward(kept, P, x, states, dy)

    def twice(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Array]:
        """The outputs of the same call made twice."""
        return self.forward(P, x, states), self.forward(P, x, states)

    def again(self, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> tuple[Parameters, Parameters]:
        """The gradients of the same backward call made twice."""
        _, kept = self.one_forward(P, x, states)
        before = _length(kept)
        first = {n: np.array(v) for n, v in self.one_backward(kept, P, x, states, dy).items()}
        if _length(kept) < before:
            raise ValueError("it takes what it needs off the cache: nobody can call it twice")
        return first, self.one_backward(kept, P, x, states, dy)

    def guarded(self, function: Callable[..., Any], names: Sequence[str], values: Sequence[Any]) -> Any:
        """Call their function, and note which of its arguments it changed."""
        before = [_copied(v) if isinstance(v, (np.ndarray, list, dict)) else None for v in values]
        result = function(*values)
        for name, old, new in zip(names, before, values, strict=True):
            if old is not None and not same(old, new):
                self.changed[f"{name} of {getattr(function, '__name__', 'it')}"] = None
        return result


def _copied(value: Any) -> Any:
    """A copy of arrays, as deep as lists and dictionaries go: what `same` looks at."""
    if isinstance(value, np.ndarray):
        return copy.deepcopy(value) if value.dtype.hasobject else value.copy()
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def same(a: Any, b: Any) -> bool:
    """Are two values, as deep as lists and dictionaries go, the same to the bit?"""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        try:
            if a.shape == b.shape and a.tobytes() == b.tobytes():
                return True
        except AttributeError:  # the other is none
            pass
        try:
            return np.array_equal(a, b, equal_nan=True)
        except (TypeError, ValueError):
            return True
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return True


@dataclass(frozen=True)
class Scheme:
    """How their parameters may be shaped."""

    blocks: int = 1  # gates stacked in one array
    in_one: bool = False  # one matrix on [h, x]
    transposed: bool = False  # rows are units, as in W @ x
    bias: str = "flat"  # flat (H), column (H, 1), row (1, H)
    elementwise: bool = False  # weights are vectors, and D = H
    families: Mapping[str, str] = field(default_factory=dict)

    def shape(self, name: str, D: int, H: int) -> tuple[int, ...]:
        family, units = self.families[name], self.blocks * H
        if family in ("by", "Wy"):  # an output layer, which is not audited
            family, units = {"by": "b", "Wy": "U"}[family], H
        if self.elementwise:
            return (H,)
        if family == "b":
            return {"flat": (units,), "column": (units, 1), "row": (1, units)}[self.bias]
        if family == "p":
            return {"flat": (H,), "column": (H, 1), "row": (1, H)}[self.bias]
        inputs = {"W": D, "U": H, "WU": D + H}[family]
        return (units, inputs) if self.transposed else (inputs, units)


def runs_through_time(subject: Subject, sizes: Sizes) -> bool:
    """Is their forward pass `plausible`, on one of several draws: units of a relu may all be shut in one?"""
    for seed in SEEDS:
        against = plausible(subject, sizes, np.random.default_rng(seed))
        if against is None:
            return True
        if against.startswith(SHAPE):  # no other numbers would have another
            return False
    return False


def plausible(subject: Subject, sizes: Sizes, rng: np.random.Generator) -> str | None:
    """Does the forward pass, as the adapter understands it, look like one through time? What speaks against it.

    One number of the first sequence's last input may change that sequence's last output alone; its first input, also
    the last output: else time, sequences and units stand elsewhere than was thought.
    """
    at = draw(subject, sizes.T, sizes.N, sizes.D, sizes.H, rng)
    y = subject.forward(at.P, at.x, at.states)
    if y.shape != (sizes.T, sizes.N, sizes.H):
        return f"{SHAPE} {y.shape}"
    if not np.all(np.isfinite(y)) or not np.any(y):
        return "outputs that are not finite, or all zero"
    if not np.array_equal(y, subject.forward(at.P, at.x, at.states)):
        return None  # it keeps something from call to call: `manners` will say so, and nothing here can be seen
    for step, others in ((sizes.T - 1, sizes.T - 1), (0, 0)):
        moved = at.x.copy()
        moved[step, 0] += 0.5
        changed = np.abs(subject.forward(at.P, moved, at.states) - y).max(axis=2) > 1e-12
        if changed[:others].any() or changed[:, 1:].any() or not changed[step, 0]:
            return f"input {step + 1} of a sequence changes the outputs {np.argwhere(changed).tolist()}"
    return None if changed[-1, 0] or sizes.T == 1 else "the first input does not reach the last output"


def _length(kept: Any) -> int:
    """How much there is in lists and dictionaries."""
    if isinstance(kept, dict):
        return len(kept) + sum(map(_length, kept.values()))
    return len(kept) + sum(map(_length, kept)) if isinstance(kept, (list, tuple)) else 0
