"""Adapter: a layer as a class, fed whole sequences; and what it shares with those that are fed step by step.

Gradients are what backward returns or leaves in the object under a name that goes with the parameter's.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, methods, objects
from gated.audit.foreign.answers import Answering
from gated.audit.foreign.calling import backward_arguments, plain, recorded
from gated.audit.foreign.draws import Draw, draw
from gated.audit.foreign.subject import Parameters, Sizes, runs_through_time
from gated.audit.foreign.truth import truth

Array = np.ndarray[Any, Any]
SEQUENCES = ("NTD", "TND", "TD", "TDn", "*TDn", "*TD", "*TND", "DNT", "NDT", "TDN", "*TDN", "DT")


class Layer(Answering):
    """An object of a class, asked for gradients."""

    ways: tuple[Any, ...] = (None,)  # in which their backward method may be called

    def settle(self) -> bool:
        try:
            if not self.find_parameters(5, 4):
                return False
            return runs_through_time(self, Sizes(3, 2, 5, 4)) and self.find_way()
        except Exception:  # noqa: BLE001 - whatever their code raises
            return False

    def find_way(self) -> bool:
        """Of the ways to call backward, that which gives the most right gradients, of one step and of three; the first,
        if all of them raise. For one step most faults do not show."""
        rng = np.random.default_rng(6)
        scores: dict[int, float] = {}
        for T in (1, 3):
            at = draw(self, T, 1, 2, 3, rng)
            right = truth(self, at) if len(self.ways) > 1 else None
            dy = rng.standard_normal((T, 1, 3))
            for number in range(len(self.ways)):
                self.choose(number)
                given = dy * (np.arange(T) == T - 1)[:, None, None] if self.last_only else dy
                try:
                    found = self._summed(at.P, at.x, at.states, given)
                except Exception:  # noqa: BLE001 - whatever their code raises
                    continue
                if not found.keys().isdisjoint(at.P) and (T == 1 or number in scores):
                    score = _rightness(found, right.gradient(given)) if right else 1.0
                    if right and T > 1 and score % 1 and not self._hears_last(at, given, found):
                        score = float(int(score))  # near by chance: it is called once for each step, and forgets
                    scores[number] = scores.get(number, 0.0) + score
                elif number in scores:
                    del scores[number]
        self.choose(max(scores, key=lambda n: scores[n]) if scores else 0)
        return bool(scores)

    def _hears_last(self, at: Draw, dy: Array, found: Parameters) -> bool:
        """Whether a gradient changes with the adjoint of the last output."""
        other = self._summed(at.P, at.x, at.states, dy * (1.0 + (np.arange(len(dy)) == len(dy) - 1))[:, None, None])
        return any(name not in other or not np.array_equal(other[name], value) for name, value in found.items())

    def choose(self, number: int) -> None:
        self.way = number

    def again(self, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> tuple[Parameters, Parameters]:
        """A second pass of the same object, which may forget in between as it knows how to, or by its update."""
        _, kept = self.one_forward(P, x, states)
        first = {n: np.array(v) for n, v in self.one_backward(kept, P, x, states, dy).items()}
        for forget in (self.forget, self.update):
            layer = copy.deepcopy(self.object_of(kept))
            forget(layer)
            self.give(layer, P)
            second = self.one_backward(self.run_on(layer, x, states)[1], P, x, states, dy)
            second = {n: np.array(v) for n, v in second.items()}
            if all(np.allclose(first[n], second.get(n, np.nan), 1e-9, 1e-12) for n in first):
                break
        return first, second

    def forget(self, layer: Any) -> None:
        for thing in objects.parts(layer):
            for method in (*methods.forgetting(thing, methods.FORGET), *methods.forgetting(thing, methods.ZERO)):
                method()

    def update(self, layer: Any) -> None:
        """The step that follows a backward pass, which may set the gradients to zero."""
        self.forget(layer)
        for thing in objects.parts(layer):
            for name in methods.UPDATE:
                method = getattr(thing, name, None)
                if callable(method):
                    method(*[0.1 for p in methods.arguments(method) if p.default is p.empty])

    def object_of(self, kept: Any) -> Any:
        return kept[0]

    def run_on(self, layer: Any, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        raise NotImplementedError

    def twice(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Array]:
        """Of one object, which may keep its states until it is told to forget them."""
        layer = self.made(P)
        n = slice(0, 1) if self.one_sequence else slice(None)
        given = {s: v[n] for s, v in states.items()}
        first = np.array(self.run_on(layer, x[:, n], given)[0])
        self.forget(layer)
        return first, np.array(self.run_on(layer, x[:, n], given)[0])


def _rightness(found: Parameters, right: Mapping[str, Array]) -> float:
    """How many are right, and those that are not how nearly, whatever their sign and size."""
    score = 0.0
    for name, value in right.items():
        if name in found and np.size(found[name]) == value.size and np.any(value):
            theirs, size = np.reshape(found[name], value.shape), float(np.linalg.norm(value))
            off, product = float(np.linalg.norm(theirs - value)), float(np.abs(np.vdot(theirs, value)))
            score += 1.0 if off < 1e-4 * size else 0.1 * product / max(size * float(np.linalg.norm(theirs)), 1e-300)
    return score


class SequenceLayer(Layer):
    """Fed whole sequences."""

    style = "a layer that is fed sequences"
    ways = ("all", "last")

    def choose(self, number: int) -> None:
        super().choose(number)
        self.last_only = self.only_last_output or self.ways[number] == "last"

    only_last_output = False

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        layer = self.made(P)
        y, kept = self.run_on(layer, x, states)
        if y.shape[0] == len(x):
            return y, kept
        self.only_last_output = self.last_only = True  # the last output only: others by prefixes
        return np.concatenate([self.one_forward(P, x[:-1], states)[0], y]), kept

    def run_on(self, layer: Any, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        """y (T, N, H), or (1, N, H) where it returns the last only; then object, what it was given and returned."""
        given = layouts.to_theirs(x, self.layout, "TND")
        result = self.call(layer, given, states)
        return self._outputs(layer, result, x), (layer, {"x": given, **states}, result)

    def _outputs(self, layer: Any, result: Any, x: Array) -> Array:
        sizes = {"T": x.shape[0], "N": x.shape[1], "D": self.sizes_now(layer)}
        parts = [plain(v) for v in methods.flat(result)] if result is not None else []
        single = layouts.state_layout(self.layout)
        ways = [(value, layout) for value in parts for layout in self._like_x()]
        ways += [(value, f"T{single}") for value in recorded(layer, len(x))]  # a list over time, whatever x is
        for value, layout in ways:
            try:
                return layouts.from_theirs(value, layout, "TND", sizes)
            except (ValueError, TypeError, IndexError):
                continue
        for value in parts:
            try:
                return layouts.from_theirs(value, single, "ND", sizes)[None]
            except (ValueError, TypeError):
                continue
        raise ValueError("no outputs in what forward returns")

    def _like_x(self) -> tuple[str, ...]:
        """Layouts of what lies as x does: as an array or a list over time, whichever x is."""
        own = self.layout.lstrip("*")
        return self.layout, own, f"*{own}"

    def sizes_now(self, layer: Any) -> int:
        return self._sized[1][1] if self._sized else 0

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        layer, given, result = kept
        single = layouts.state_layout(self.layout)
        adjoint = (
            layouts.to_theirs(dy[-1], single, "ND") if self.last_only else layouts.to_theirs(dy, self.layout, "TND")
        )
        nothing = layouts.to_theirs(np.zeros(dy.shape[1:]), single, "ND")
        values = backward_arguments(self, layer, given, result, adjoint, nothing, False)
        back = self.keyed(getattr(layer, self.back), values)
        found = self.gradients(layer, back)
        sizes = {"T": x.shape[0], "N": x.shape[1], "D": x.shape[2]}
        for _, whose, value in self.inputs_and_states(layer, back):
            try:
                if whose == "x":
                    found.setdefault("x", self._sequence(value, sizes))
                elif whose in self.states and whose not in found and whose is not None:
                    found[whose] = layouts.from_theirs(plain(value), single, "ND", sizes | {"D": dy.shape[2]})
            except (ValueError, TypeError, IndexError):
                continue
        return found

    def _sequence(self, value: Any, sizes: dict[str, int]) -> Array:
        for layout in self._like_x():
            try:
                return layouts.from_theirs(plain(value), layout, "TND", sizes)
            except (ValueError, TypeError, IndexError):
                continue
        raise ValueError("of another shape than x")
