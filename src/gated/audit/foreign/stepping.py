"""Adapters: a class that does one step: with the states as arguments, or keeping them in the object.

A cell that is given its states gets an object of its own for each step, and their gradients are summed here. A layer
that remembers is fed one input after the other; its backward method is then given the last adjoint, all of them, or
one after the other in reverse: whichever gives the most right gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, methods, objects, roles
from gated.audit.foreign.calling import backward_arguments, plain, recorded, whose_result
from gated.audit.foreign.classes import Layer
from gated.audit.foreign.draws import draw
from gated.audit.foreign.subject import Parameters

Array = np.ndarray[Any, Any]
STEPS = ("ND", "DN", "D", "Dn", "nD")


class CellLayer(Layer):
    """One step with its states as arguments."""

    style = "a class that does one step"
    one_step = True
    ways = ("old", "new")  # a state that backward asks for may be that before the step or after

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        return self._run([self.made(P) for _ in x], x, states)

    def run_on(self, layer: Any, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        return self._run([layer] * len(x), x, states)

    def _run(self, layers: list[Any], x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        now, ys, kept = dict(states), [], []
        for layer, step in zip(layers, x, strict=True):
            given = layouts.to_theirs(step[None], self.layout, "TND")
            result = self.call(layer, given, now)
            single = layouts.state_layout(self.layout)
            held = {s: layouts.to_theirs(v, single, "ND") for s, v in now.items()}
            kept.append((layer, {"x": given, **held}, result))
            found = self._states(result, step)
            ys.append(found[0])
            now = dict(zip(self.states, found, strict=False))
            if len(now) < len(self.states):
                raise ValueError("no state in what the step returns")
        return np.stack(ys), kept

    def _states(self, result: Any, step: Array) -> list[Array]:
        sizes, found = {"N": step.shape[0], "D": self._sized[1][1] if self._sized else 0}, []
        parts = result if isinstance(result, tuple) else (result,)
        for part in [*parts, *methods.flat(result)] if not _arrays(parts) else parts:
            try:
                found.append(layouts.from_theirs(plain(part), layouts.state_layout(self.layout), "ND", sizes))
            except (ValueError, TypeError, IndexError):
                continue
        if not found:
            raise ValueError("no state in what the step returns")
        return found

    def object_of(self, kept: Any) -> Any:
        return kept[0][0]

    def again(self, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> tuple[Parameters, Parameters]:
        """Of one step."""
        return super().again(P, x[:1], states, dy[-1:])

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        total: Parameters = {}
        dx = np.zeros(x.shape)
        adjoint = {"h": np.zeros(dy.shape[1:]), "c": np.zeros(dy.shape[1:])}
        there = False
        for t in reversed(range(len(x))):
            found = self._step_back(kept[t], x[t], dy[t] + adjoint["h"], adjoint["c"])
            adjoint = {s: found.pop(s, np.zeros(dy.shape[1:])) for s in ("h", "c")}
            if "x" in found:
                there, dx[t] = True, found.pop("x")
            for name, value in found.items():
                total[name] = total.get(name, 0.0) + value
        return total | ({"x": dx} if there else {}) | {s: adjoint[s] for s in self.states}

    def _step_back(self, kept: Any, x: Array, dh: Array, dc: Array) -> Parameters:
        layer, given, result = kept
        single = layouts.state_layout(self.layout)
        theirs = [layouts.to_theirs(v, single, "ND") for v in (dh, np.zeros(dh.shape), dc)]
        values = backward_arguments(
            self, layer, given, result, theirs[0], theirs[1], True, theirs[2], self.ways[self.way] == "new"
        )
        back = self.keyed(getattr(layer, self.back), values)
        found = self.gradients(layer, back)
        results = methods.results(self.source, self.kind, self.back, back)
        named = self._claimed(results, x.shape[1], dh.shape)
        for whose, (_, value) in zip(named, results, strict=True):
            sizes = {"N": x.shape[0], "D": x.shape[1] if whose == "x" else dh.shape[1]}
            if whose and whose not in found and not isinstance(value, dict):
                try:
                    found[whose] = layouts.from_theirs(plain(value), single, "ND", sizes)
                except (ValueError, TypeError, IndexError):
                    continue
        lacking = [state for state in self.states if state not in found]
        if lacking:  # steps cannot be chained without it
            raise ValueError(f"{self.back}: no gradient of {self.names.get(lacking[0], lacking[0])} in what it returns")
        return found

    def _claimed(self, results: list[tuple[str | None, Any]], D: int, shape: tuple[int, ...]) -> list[str | None]:
        """Whose gradient each result is: by its name; those that no name tells, in the order x, h, c."""
        named = [whose_result(n, k) if n else None for k, (n, _) in enumerate(results)]
        open_ones = [whose for whose in ("x", *self.states) if whose not in named]
        single = layouts.state_layout(self.layout)
        for k, (name, value) in enumerate(results):
            other = named[k] or isinstance(value, (dict, list)) or (name and roles.owner(name, set(self.parameters)))
            if not open_ones or other:
                continue
            try:
                sizes = {"N": shape[0], "D": D if open_ones[0] == "x" else shape[1]}
                layouts.from_theirs(plain(value), single, "ND", sizes)
            except (ValueError, TypeError, IndexError):
                continue
            named[k] = open_ones.pop(0)
        return named


def _only(held: Any) -> Any:
    """The one state in a list or a dictionary by step, or the state itself."""
    if isinstance(held, (list, dict)) and len(held) == 1:
        return held[0] if isinstance(held, list) else next(iter(held.values()))
    return held


def _arrays(parts: tuple[Any, ...]) -> bool:
    return any(hasattr(p, "shape") for p in parts)


class Stepwise(Layer):
    """One step that remembers: fed one input after the other."""

    style = "a layer that is fed step by step"
    every_output = True
    ways = tuple(
        (dy, x) for dy in ("last", "list", "array", "each", "each and back") for x in ("last", "list", "array")
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.initial: dict[str, str] = {}

    def find_parameters(self, D: int, H: int) -> bool:
        if not super().find_parameters(D, H):
            return False
        layer = self.build(D, H)
        for state, words in (("h", ("h", "state", "s")), ("c", ("c",))):
            for word in words:
                for name in (f"{word}_list", f"{word}s", word, f"{word}_prev", f"prev_{word}", f"{word}_lst"):
                    held = getattr(layer, name, None)
                    start = _only(held)
                    if isinstance(start, np.ndarray) and start.size == H and state not in self.initial:
                        self.initial[state] = name
        self.states = tuple(self.initial)
        for state, name in self.initial.items():
            self.names[state] = f"{name}[0]" if isinstance(getattr(layer, name), (list, dict)) else name
        return True

    def find_way(self) -> bool:
        """Where their backward pass takes columns of one sequence alone, they are given one after the other."""
        found = super().find_way()
        if found and not self.one_sequence:
            rng = np.random.default_rng(8)
            at, dy = draw(self, 2, 2, 2, 3, rng), rng.standard_normal((2, 2, 3))
            try:
                self._summed(at.P, at.x, at.states, dy * (np.arange(2) == 1)[:, None, None])
            except Exception:  # noqa: BLE001 - whatever their code raises on several sequences
                self.one_sequence = True
        return found

    def _feed(self, layer: Any, x: Array, states: Mapping[str, Array]) -> None:
        self.call(layer, layouts.to_theirs(x[:1], self.layout, "TND"), {})

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        return self.run_on(self.made(P), x, states)

    def run_on(self, layer: Any, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        for state, value in states.items():
            held = getattr(layer, self.initial[state])
            if isinstance(held, dict):
                held.update({k: value.reshape(np.shape(v)) for k, v in held.items()})
            elif isinstance(held, list):
                held[-1] = value.reshape(np.shape(held[-1]))
            else:
                setattr(layer, self.initial[state], value.reshape(np.shape(held)))
        results, given = [], []
        for step in x:
            given.append(layouts.to_theirs(step[None], self.layout, "TND"))
            result = self.call(layer, given[-1], {})
            results.append(methods.flat(result)[0] if result is not None else None)
        sizes = {"N": x.shape[1], "D": self._sized[1][1] if self._sized else 0}
        single = layouts.state_layout(self.layout)
        for held in [results, *recorded(layer, len(x))]:
            try:
                return np.stack([layouts.from_theirs(plain(v), single, "ND", sizes) for v in held]), (layer, given)
            except (ValueError, TypeError, IndexError):
                continue
        raise ValueError("no outputs in what forward returns or keeps")

    def again(self, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> tuple[Parameters, Parameters]:
        """Backward twice; where it has used up what it kept, another pass."""
        _, kept = self.one_forward(P, x, states)
        first = {n: np.array(v) for n, v in self.one_backward(kept, P, x, states, dy).items()}
        try:
            second = self.one_backward(kept, P, x, states, dy)
            if all(np.allclose(first[n], second.get(n, np.nan), 1e-9, 1e-12) for n in first):
                return first, second
        except Exception:  # noqa: BLE001 - a history that backward empties
            pass
        return super().again(P, x, states, dy)

    def twice(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Array]:
        """Of one object where it can be told to forget, else of two: it is there to remember."""
        if any(methods.forgetting(thing, methods.FORGET) for thing in objects.parts(self.made(P))):
            return super().twice(P, x, states)
        return self.forward(P, x, states), self.forward(P, x, states)

    def choose(self, number: int) -> None:
        super().choose(number)
        self.last_only = self.ways[number][0] == "last"

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        layer, fed = kept
        how, inputs = self.ways[self.way]
        single = layouts.state_layout(self.layout)
        adjoints = [layouts.to_theirs(d, single, "ND") for d in dy]
        nothing = layouts.to_theirs(np.zeros(dy.shape[1:]), single, "ND")
        given = {"x": {"last": fed[-1], "list": list(fed), "array": np.array(fed)}[inputs]}

        def back(adjoint: Any) -> Any:
            values = backward_arguments(self, layer, given, None, adjoint, nothing, False)
            return self.keyed(getattr(layer, self.back), values)

        if not how.startswith("each"):
            whole = {"last": adjoints[-1], "list": adjoints, "array": np.array(adjoints)}[how]
            return self._named(layer, back(whole), x, dy)
        coming: Any = 0.0
        for adjoint in reversed(adjoints):
            result = back(adjoint + coming)
            if how == "each and back":
                results = methods.results(self.source, self.kind, self.back, result)
                coming = next(v for k, (n, v) in enumerate(results) if whose_result(n, k) == "h")
        return {n: v for n, v in self._named(layer, result, x, dy).items() if n != "x"}

    def _named(self, layer: Any, result: Any, x: Array, dy: Array) -> Parameters:
        found = self.gradients(layer, result)
        for state in self.states:
            adjoints = getattr(layer, f"delta_{state}_list", None)
            if isinstance(adjoints, list) and len(adjoints) == len(x) + 1 and np.size(adjoints[0]) == dy.shape[2]:
                found[state] = np.reshape(adjoints[0], (1, -1))
        units = {"N": x.shape[1], "D": dy.shape[2]}
        for k, (name, value) in enumerate(methods.results(self.source, self.kind, self.back, result)):
            whose, single = whose_result(name, k), layouts.state_layout(self.layout)
            try:
                if whose in self.states and name:
                    found[whose] = layouts.from_theirs(plain(value), single, "ND", units)
                elif whose == "x" and len(value) == len(x):
                    each = [layouts.from_theirs(plain(v), single, "ND", units | {"D": x.shape[2]}) for v in value]
                    found["x"] = np.stack(each)
            except (ValueError, TypeError, IndexError):
                continue
        return found
