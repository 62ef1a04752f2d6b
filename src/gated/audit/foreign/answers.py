"""The gradients of a class of theirs: what its backward method returned by name, else what it left in the object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import methods, objects, roles
from gated.audit.foreign.calling import whose_result
from gated.audit.foreign.constructing import RATE
from gated.audit.foreign.held import Held
from gated.audit.foreign.subject import Parameters

Array = np.ndarray[Any, Any]
INITIAL = re.compile(r"0$|init|start")


class Answering(Held):
    """An object of a class whose gradients are read."""

    before: Parameters = {}  # noqa: RUF012 - the parameters as they were given last; never changed

    def give(self, layer: Any, P: Parameters) -> None:
        super().give(layer, P)
        self.before = {n: np.array(v) for n, v in P.items()}

    def gradients(self, layer: Any, result: Any) -> Parameters:
        """Of the parameters: what backward returned by name, else what it left in the object."""
        pairs = methods.results(self.source, self.kind, self.back, result)
        found: dict[objects.Place, Any] = {}
        known = {*self.parameters}
        answer: Parameters = {}
        for name, value in pairs:
            if isinstance(value, dict) or objects.theirs(value) or hasattr(value, "_fields"):
                found.update({("grads", *place): v for place, _, v in objects.places(value)})
            elif isinstance(value, list) and len(value) == len(known) and name != "dx":
                found.update({("grads", k): v for k, v in enumerate(value)})
            elif name and (whose := roles.owner(name, known)) and self.sized(value, whose):
                answer[whose] = objects.plain(value)
        held = self._own_arrays(layer)
        own = {id(v) for _, v in held}
        answer |= {n: v.grad for n, v in held if self.tensors and n not in answer and v.grad is not None}
        for place, _, value in objects.places(layer):
            if id(value) not in own:
                found.setdefault(place, value)
        wanted = {n: self.keys_of(n, layer) for n in self.parameters if n not in answer}
        every = objects.match_gradients(wanted, found) | self._in_a_list(layer, wanted)
        answer |= {n: objects.plain(v) for n, v in every.items()}
        if not answer:
            answer = self._in_order(pairs)
        answer = answer or self._stepped(held)
        shapes = self._sized[0] if self._sized else {}
        return {n: self._shaped(np.array(objects.plain(v)), shapes.get(n, ())) for n, v in answer.items()}

    def _stepped(self, held: list[tuple[str, Any]]) -> Parameters:
        """By how much their backward method itself changed the parameters, at the rate of 1 that it was given."""
        function = getattr(self.kind, self.back)
        if not any(RATE.search(p.name.lower()) for p in methods.arguments(function)):
            return {}
        there = [(n, objects.plain(v)) for n, v in held if n in self.before]
        changed = {n: self.before[n].reshape(v.shape) - v for n, v in there}
        return {n: v for n, v in changed.items() if np.any(v)}

    def _shaped(self, value: Array, shape: tuple[int, ...]) -> Array:
        """Without an axis of gates."""
        apart = value.ndim > max(len(shape), 1) and value.size == np.prod(shape, dtype=int) and 1 not in value.shape
        return self.flat(value) if apart else value

    def inputs_and_states(self, layer: Any, back: Any) -> list[tuple[str | None, str | None, Any]]:
        """(name, whose, value) of what may be the gradient of x or of a state: what backward returned, apart or in a
        dictionary, then what it left in the object under a name that says so."""
        pairs = methods.results(self.source, self.kind, self.back, back)
        x, alone = self.names.get("x", "x"), len(pairs) == 1

        def whose_is(n: str | None, k: int) -> str | None:
            is_x = n is not None and (alone or roles.stem(n) == x) and not roles.owner(n, set(self.parameters))
            return whose_result(n, k) or ("x" if is_x else None)

        found = [(n, whose_is(n, k), v) for k, (n, v) in enumerate(pairs) if not isinstance(v, dict)]
        for _, held in pairs:
            if isinstance(held, dict):
                found += [(str(k), whose_result(str(k), 1), v) for k, v in held.items()]
        for place, _, value in objects.places(layer):
            word = str(place[-1])
            marked = any(str(w).lower() in objects.GRADIENT for w in place[:-1])
            stem = word if marked else roles.stem(word)
            whose = roles.role(stem) if stem.lower() in roles.X or INITIAL.search(stem.lower()) else None
            whose = "h" if whose == "state" and self.states == ("h",) else whose
            if whose and (marked or stem != word):
                found.append((word, whose, value))
        return found

    def sized(self, value: Any, name: str) -> bool:
        return bool(np.size(objects.plain(value)) > 0) and not isinstance(value, (list, tuple))

    def _own_arrays(self, layer: Any) -> list[tuple[str, Any]]:
        held = {place: value for place, _, value in objects.places(layer)}
        return [(n, held[at[0]]) for n, at in self.parameters.items() if at[0] in held]

    def keys_of(self, name: str, layer: Any) -> list[objects.Place]:
        """Every place where a parameter lies, without the words that only hold; and its name."""
        value = dict(self._own_arrays(layer)).get(name)
        places = [place for place, _, v in objects.places(layer) if v is value]
        return list(dict.fromkeys([*(objects.key(p) for p in (*self.parameters[name], *places)), (name,)]))

    def _in_a_list(self, layer: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """A list of gradients, one for each parameter, in their order."""
        for thing in objects.parts(layer):
            for word in objects.GRADIENT:
                held = getattr(thing, word, None)
                if isinstance(held, list) and len(held) == len(self.parameters):
                    return {n: held[k] for k, n in enumerate(self.parameters) if n in wanted}
        return {}

    def _in_order(self, pairs: list[tuple[str | None, Any]]) -> Parameters:
        """The last results without a name, in the order of the parameters, where their shapes are these."""
        values = [objects.plain(v) for _, v in pairs if objects.is_array(v)]
        D, H = self._sized[1] if self._sized else (0, 0)
        tail = values[len(values) - len(self.parameters) :]
        shapes = self.shapes(D, H) if D else {}
        fits = len(tail) == len(shapes) and all(v.shape == s for v, s in zip(tail, shapes.values(), strict=True))
        return dict(zip(shapes, tail, strict=True)) if fits and len(values) > len(shapes) else {}
