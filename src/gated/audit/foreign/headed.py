"""Adapter: a class in which an output layer, often with its loss, stands after the recurrence.

A method forward and one backward, or one that does both; targets go to either. The output matrix is watched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, methods, objects
from gated.audit.foreign.arguments import TARGETS
from gated.audit.foreign.calling import backward_arguments
from gated.audit.foreign.classes import Layer
from gated.audit.foreign.draws import draw
from gated.audit.foreign.reworded import reworded
from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Parameters
from gated.audit.foreign.truth import truth
from gated.audit.foreign.watched import Log, watch

Array = np.ndarray[Any, Any]
LAYOUTS = ("NTD", "TND", "TD", "TDn", "*TDn", "*TD", "*TND", "DNT")
BOTH = re.compile(r"loss|bptt|back|grad|train|lossfun|fit_step|step")
TARGET_KINDS = ("outputs", "numbers", "last outputs", "last number")
SHAPES = (1.0, -1.0, 0.0)


class HeadedLayer(Layer):
    """See above.

    Args:
        whole: inputs are whole numbers that index, and are vectors here.
    """

    style = "a class with an output layer"
    ways = tuple((kind, ascending) for kind in TARGET_KINDS for ascending in (False, True))

    def __init__(self, source: Source, name: str, pair: tuple[str, str], layout: str, whole: bool, swap: bool) -> None:
        super().__init__(source, name, pair, layout, swap)
        self.one_sequence = True
        self.whole_numbers = False
        asked = [(n, r) for n, r in self.asked if not TARGETS.match(n.lower())]
        self.targets = next((n for n in _names(getattr(self.kind, pair[0])) if TARGETS.match(n.lower())), "")
        self.asked = asked
        self.states = tuple(s for s in ("h", "c") if s in {r for _, r in asked})
        self.names = {r: n for n, r in asked}
        self.kind = reworded(source, self.kind, self.names.get("x", ""), whole)
        self.head: objects.Place = ()
        self.factor, self.power = 1.0, 0.0  # of their loss, and how it goes with the number of steps
        self.scaled = True

    def settle(self) -> bool:
        return "x" in self.names and super().settle()

    def outside_the_audit(self) -> list[tuple[str, tuple[str, ...]]]:
        return [("output_layer", (str(self.head[-1]),))] if self.head else []

    # the output matrix

    def find_parameters(self, D: int, H: int) -> bool:
        for place in self._heads(D, H):
            self.head = place
            for number in range(0, len(self.ways), 2):
                self.choose(number)
                try:
                    if super().find_parameters(D, H):
                        self.ways = tuple(way for k, way in enumerate(self.ways) if self._runs(k, D, H))
                        self.choose(0)
                        return True
                except Exception:  # noqa: BLE001, S112 - whatever their code raises on such targets
                    continue
        return False

    def _runs(self, number: int, D: int, H: int) -> bool:
        """Does their forward pass, with targets of this kind?"""
        self.choose(number)
        at = draw(self, 2, 1, D, H, np.random.default_rng(4))
        try:
            self.forward(at.P, at.x, at.states)
        except Exception:  # noqa: BLE001 - whatever their code raises on such targets
            return False
        return True

    def _heads(self, D: int, H: int) -> Iterator[objects.Place]:
        """Matrices one of whose axes is the units, those last defined first."""
        for start in ("", *methods.starting(self.kind)):
            self.start = start
            try:
                arrays = self._candidates(self.build(D, H))
            except Exception:  # noqa: BLE001, S112 - a method that is no beginning
                continue
            yield from [p for p, v in reversed(arrays.items()) if _may_be_head(v, H)]

    def _watched(self, layer: Any) -> Log:
        log = Log(self.ways[self.way][1])
        for place, holder, value in list(objects.places(layer)):
            if place == self.head:
                objects.put(holder, place[-1], watch(value, value.shape[1] == self.units, log))
        return log

    # runs

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        y, kept = self.run_on(self.made(P), x, states)
        if len(y) < len(x):
            self.last_only = True
            return np.concatenate([self.one_forward(P, x[:-1], states)[0], y]), kept
        return y, kept

    def run_on(self, layer: Any, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        self.units = next(iter(states.values())).shape[-1] if states else self._units(layer)
        log = self._watched(layer)
        given, result = self._ahead(layer, x, states)
        return _hidden(log.seen, len(x), self.units), (layer, log, given, result, x, states)

    def _units(self, layer: Any) -> int:
        return self._sized[1][1] if self._sized else 0

    def _ahead(self, layer: Any, x: Array, states: Mapping[str, Array]) -> tuple[Any, Any]:
        given = layouts.to_theirs(x, self.layout, "TND")
        single = layouts.state_layout(self.layout)
        values = {"x": given, **{s: layouts.to_theirs(v, single, "ND") for s, v in states.items()}}
        called = {n: values[r] for n, r in self.asked if r in values}
        if self.targets:
            called[self.targets] = self._made_targets(layer, x)
        return given, self.keyed(getattr(layer, self.ahead), called)

    def _made_targets(self, layer: Any, x: Array) -> Any:
        """Some, of the kind that they expect: their loss is not audited."""
        kind, size = self.ways[self.way][0], self._outputs_of(layer)
        T = 1 if kind.startswith("last") else len(x)
        if kind.endswith("numbers") or kind.endswith("number"):
            whole = np.zeros((T, 1, 1), int)
            letters = self.layout.lstrip("*").replace("D", "").replace("n", "")
            letters = letters.replace("T", "") if T == 1 and kind.startswith("last") else letters
            return layouts.to_theirs(whole[..., 0], letters, "TN") if letters else 0
        outputs = np.full((T, 1, size), 0.25)
        if kind.startswith("last"):
            return layouts.to_theirs(outputs[0], layouts.state_layout(self.layout), "ND")
        return layouts.to_theirs(outputs, self.layout, "TND")

    def _outputs_of(self, layer: Any) -> int:
        shape = next(v.shape for place, _, v in objects.places(layer) if place == self.head)
        return int(shape[0] if shape[1] == self.units else shape[1])

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        layer, log, given, result, _, _ = kept
        if self.ahead == self.back:  # both in one: once more
            layer = self.made(P)
            log = self._watched(layer)
        log.adjoints, log.asked = dy[-1:] if self.last_only else dy, 0
        if self.ahead == self.back:
            back = self._ahead(layer, x, states)[1]
        else:
            nothing = np.zeros(self.units)
            there = {"x": given, **states}
            values = backward_arguments(self, layer, there, result, self._made_targets(layer, x), nothing, False)
            back = self.keyed(getattr(layer, self.back), values)
        if not log.asked and not log.exchanged:
            raise ValueError(f"{self.back}: no product with the output matrix")
        found = self.gradients(layer, back)
        found |= self._of_inputs(layer, back, x, dy, found)
        by = self.factor * len(x) ** self.power
        return {n: v / by for n, v in found.items()}

    def _of_inputs(self, layer: Any, back: Any, x: Array, dy: Array, found: Parameters) -> Parameters:
        more: Parameters = {}
        single = layouts.state_layout(self.layout)
        for _, whose, value in self.inputs_and_states(layer, back):
            try:
                if whose == "x" and whose not in more:
                    sizes = {"T": x.shape[0], "N": 1, "D": x.shape[2]}
                    more[whose] = layouts.from_theirs(objects.plain(value), self.layout, "TND", sizes)
                elif whose in self.states and whose is not None and whose not in more:
                    more[whose] = layouts.from_theirs(objects.plain(value), single, "ND", {"N": 1, "D": dy.shape[2]})
            except (ValueError, TypeError, IndexError):
                continue
        return more

    def find_way(self) -> bool:
        """Also the factor that all gradients have in common: that of a loss which is a mean."""
        if not super().find_way():
            return False
        factors = {T: self._factor(T) for T in (2, 4)}
        two, four = factors[2], factors[4]
        if two and four and (abs(two - 1) > 1e-6 or abs(four - 1) > 1e-6):
            self.power = next((p for p in SHAPES if abs(four / two - 2**p) < 1e-6), 0.0)
            self.factor = two / 2**self.power
        return True

    def _factor(self, T: int) -> float | None:
        """What all gradients of the parameters are to the right ones, where it is one number."""
        rng = np.random.default_rng(7)
        at = draw(self, T, 1, 2, 3, rng)
        dy = rng.standard_normal((T, 1, 3)) * (np.arange(T) >= (T - 1 if self.last_only else 0))[:, None, None]
        try:
            found, right = self._summed(at.P, at.x, at.states, dy), truth(self, at).gradient(dy)
        except Exception:  # noqa: BLE001 - whatever their code raises is seen where it is called
            return None
        ratios = []
        for name in at.P:
            if name in found and np.size(found[name]) == right[name].size and np.any(right[name]):
                value = np.reshape(found[name], right[name].shape)
                ratio = float(np.vdot(right[name], value) / np.vdot(right[name], right[name]))
                if np.allclose(value, ratio * right[name], 1e-5, 1e-7):
                    ratios.append(ratio)
        same = len(ratios) > 1 and np.allclose(ratios, ratios[0], 1e-5) and ratios[0] > 0
        return ratios[0] if same and 2 * len(ratios) > len(at.P) else None


def _may_be_head(value: Any, H: int) -> bool:
    return value.ndim == 2 and 1 not in value.shape and list(value.shape).count(H) == 1


def _names(function: Any) -> list[str]:
    return [p.name for p in methods.arguments(function) if p.default is p.empty]


def _hidden(seen: list[Array], T: int, H: int) -> Array:
    """(T, 1, H), or (1, 1, H) where the output layer sees the last state alone."""
    if len(seen) == 1 and seen[0].size == T * H:
        value = seen[0]
        flat = value.reshape(-1, H) if value.shape[-1] == H else value.reshape(H, -1).T
        return flat.reshape(T, 1, H)
    if len(seen) not in (1, T) or any(v.size != H for v in seen):
        raise ValueError("products with the output matrix that are not one a step")
    return np.stack([v.reshape(1, H) for v in seen])


def headed_candidates(source: Source, name: str) -> Iterator[HeadedLayer]:
    kind = source.get(name)
    pairs = methods.pair_of(kind)
    own = [n for n in dir(kind) if not n.startswith("__") and callable(getattr(kind, n))]
    for method in sorted(own, key=lambda n: ("train" in n or "step" in n, "loss" not in n)):
        wanted = _names(getattr(kind, method))
        roles_there = [r for n, r in methods.asked(getattr(kind, method)) if not TARGETS.match(n.lower())]
        if BOTH.search(method.lower()) and "x" in roles_there and any(TARGETS.match(n.lower()) for n in wanted):
            pairs.append((method, method))
    for pair in pairs:
        for whole in (False, True):
            for layout in LAYOUTS:
                for swap in (False, True):
                    yield HeadedLayer(source, name, pair, layout, whole, swap)
