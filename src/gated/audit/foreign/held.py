"""A class of theirs, as an object that is given parameters and run: how it is made, which of its arrays they are.

It is constructed by the names of its arguments. Its parameters are those of its arrays that its outputs depend on,
wherever they lie: attributes, dictionaries, lists, objects in it. Each run has an object of its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, methods, objects, roles
from gated.audit.foreign.constructing import arrays_asked, asks_batch, construct
from gated.audit.foreign.draws import draw
from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Parameters, Scheme, Subject

Array = np.ndarray[Any, Any]
NO_PARAMETER = re.compile(
    r"^(h|hid|hidden|c|cell|state|a|s)_?(0|init|start)$|^(d[A-Z]|d_|grad|delta|cache|mem|m[A-Z]|v[A-Z]|adam|velocity|prev|last)|_(d|grad|grads|list)$"
)
OPTIMIZER = re.compile(r"^(m|v|mem|moment|momentum|velocity|cache|adam|rms|sq|ada|opt)", re.IGNORECASE)


class Held(Subject):
    """An object of a class: constructed, given parameters, asked for gradients.

    Args:
        pair: names of the forward and the backward method. swap: sizes without a name of their own are H, D.
        skip: states that it need not be given are not. scheme: of arrays that its constructor asks for.
    """

    def __init__(
        self,
        source: Source,
        name: str,
        pair: tuple[str, str],
        layout: str,
        swap: bool = False,
        skip: bool = False,
        scheme: Scheme | None = None,
        as_pair: bool = False,
    ) -> None:
        super().__init__()
        self.source, self.kind, self.where = source, source.get(name), (name,)
        self.ahead, self.back = pair
        self.layout, self.one_sequence = layout, "N" not in layout or asks_batch(self.kind)
        self.swap, self.scheme, self.as_pair = swap, scheme, as_pair
        self.arrays = arrays_asked(self.kind) if scheme else []
        self.asked = self._asked(skip)
        kinds = {r for _, r in self.asked}
        self.states = ("h", "c") if "pair" in kinds else tuple(s for s in ("h", "c") if s in kinds)
        self.names = {r: n for n, r in self.asked if r in ("x", "h", "c")}
        pair_name = next((n for n, r in self.asked if r == "pair"), "")
        self.names |= {s: f"{pair_name}[{k}]" for k, s in enumerate(("h", "c")) if pair_name}
        self.parameters: dict[str, list[objects.Place]] = {}
        self.lazy = self.tensors = self.columns = False
        self.start = ""  # a method of theirs that makes the parameters
        self.way = 0

    def _asked(self, skip: bool) -> list[tuple[str, str]]:
        function = getattr(self.kind, self.ahead)
        optional = {p.name for p in methods.arguments(function) if p.default is not p.empty}
        found = []
        for name, role in methods.asked(function):
            if skip and name in optional and role != "x" and role != "all":
                continue
            if role in ("pair", "h or pair"):
                role = "pair" if self.as_pair else "h"
            found.append((name, role))
        return found

    def build(self, D: int, H: int) -> Any:
        """An object for these sizes, as its constructor makes it."""
        if self.scheme:
            self.scheme = Scheme(
                self.scheme.blocks,
                False,
                self.scheme.transposed,
                self.scheme.bias,
                False,
                {n: roles.family(n, tuple(self.arrays), False) for n in self.arrays},
            )
            arrays = {n: np.zeros(self.scheme.shape(n, D, H)) for n in self.arrays}
            return construct(self.kind, D, H, self.swap, arrays, self.source)
        np.random.seed(0)
        made = construct(self.kind, D, H, self.swap, None, self.source)
        if self.start:
            construct(getattr(made, self.start), D, H, self.swap, None, self.source)
        if self.lazy:  # its parameters are made when it sees inputs
            at = {s: np.zeros((2, H)) for s in self.states}
            n = slice(0, 1) if self.one_sequence else slice(None)
            self._feed(made, np.zeros((2, 2, D))[:, n], {s: v[n] for s, v in at.items()})
        return made

    def _feed(self, layer: Any, x: Array, states: Mapping[str, Array]) -> None:
        self.call(layer, layouts.to_theirs(x, self.layout, "TND"), states)

    def found(self, D: int, H: int) -> tuple[Any, dict[str, Array]]:
        """An object, and its arrays by name."""
        layer = self.build(D, H)
        held = {place: value for place, _, value in objects.places(layer)}
        return layer, {n: held[at[0]] for n, at in self.parameters.items()}

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        return {n: tuple(v.shape) for n, v in self._flat(self.found(D, H)[1]).items()}

    def drawn(self, D: int, H: int) -> Parameters:
        """The parameters as their own constructor draws them; none where it is given them."""
        if self.scheme:
            return {}
        return self._flat(self.found(D, H)[1])

    def _flat(self, held: Mapping[str, Any]) -> dict[str, Array]:
        """Without an axis of gates, where there is one: (4, H, D) as (4 H, D), (4, D, H) as (D, 4 H)."""
        apart = any(v.ndim == 3 for v in held.values())
        return {
            n: self.flat(np.array(objects.plain(v))) if apart and v.ndim > 1 else np.array(objects.plain(v))
            for n, v in held.items()
        }

    def flat(self, value: Array) -> Array:
        if value.ndim == 3 and self.columns:
            value = np.moveaxis(value, 0, 1)
            return value.reshape(value.shape[0], -1)
        return value.reshape(-1, *value.shape[2:])

    def _apart(self, value: Array, shape: tuple[int, ...]) -> Array:
        """The reverse."""
        if len(shape) == 3 and self.columns:
            return np.moveaxis(value.reshape(shape[1], shape[0], shape[2]), 1, 0)
        return value.reshape(shape)

    def made(self, P: Parameters) -> Any:
        """A new object with these parameters: nothing of the run before is left in it."""
        layer = self.build(*self.sizes_of(P))
        self.give(layer, P)
        return layer

    def lift(self, value: Any) -> Any:
        if not self.tensors:
            return value
        import torch

        return [torch.tensor(v) for v in value] if isinstance(value, list) else torch.tensor(value)

    def call(self, layer: Any, x: Any, states: Mapping[str, Array]) -> Any:
        """Their forward method, on x as it is and states (N, H)."""
        single, given = layouts.state_layout(self.layout), {}
        theirs = {s: self.lift(layouts.to_theirs(v, single, "ND")) for s, v in states.items()}
        for name, role in self.asked:
            given[name] = {"x": self.lift(x), "all": True, "pair": tuple(theirs.values())}.get(role, theirs.get(role))
        return self.keyed(getattr(layer, self.ahead), given)

    def ahead_states(self, result: Any) -> list[Any]:
        """The states after a step, as their forward returned them."""
        return [v for v in methods.flat(result) if objects.is_array(v)]

    def keyed(self, function: Any, given: dict[str, Any]) -> Any:
        """`guarded`, by names."""
        call = lambda *values: function(**dict(zip(given, values, strict=True)))  # noqa: E731
        call.__name__ = getattr(function, "__name__", self.ahead)
        return self.guarded(call, list(given), list(given.values()))

    def give(self, layer: Any, P: Parameters) -> None:
        """Parameters, to an object that has some."""
        held = {place: value for place, _, value in objects.places(layer)}
        old = {n: held[self.parameters[n][0]] for n in P}
        objects.write(layer, {id(old[n]): self._apart(np.array(v), tuple(old[n].shape)) for n, v in P.items()})

    def find_parameters(self, D: int, H: int) -> bool:
        """Those of its arrays that its outputs depend on."""
        for start, lazy in (("", False), *((n, False) for n in methods.starting(self.kind)), ("", True)):
            self.start, self.lazy, self.parameters = start, lazy, {}
            try:
                arrays = self._candidates(self.build(D, H))
            except Exception:  # noqa: BLE001 - a method that is no beginning
                if lazy or not start:
                    raise
                continue
            if not any(v.ndim >= 2 for v in arrays.values()):
                continue
            self.columns = any(v.ndim == 3 and v.shape[1:] == (D, H) for v in arrays.values())
            self.tensors = any(not isinstance(v, np.ndarray) for v in arrays.values())
            self.whole_numbers = not self.tensors
            keys = [objects.key(p) for p in arrays]
            places = dict(zip(objects.names(keys, methods.list_names(self.source)), arrays, strict=True))
            self.parameters = {n: [p] for n, p in places.items()}
            if self.scheme:
                self._by_arguments()
            self.parameters = self._that_matter(D, H)
            self._sized = None
            if self.parameters:
                return True
        return False

    def _candidates(self, layer: Any) -> dict[objects.Place, Any]:
        """Arrays that may be parameters, each once: a view is not, nor what has the name of a state or gradient."""
        found: dict[int, tuple[objects.Place, Any]] = {}
        for place, holder, value in objects.places(layer):
            word = str(objects.key(place)[-1])
            if (
                value.ndim not in (1, 2, 3)
                or any(isinstance(k, int) and roles.state(str(w)) for w, k in itertools.pairwise(place))
                or not str(value.dtype).replace("torch.", "").startswith("float")
                or NO_PARAMETER.search(word)
                or not isinstance(holder, dict)
                and word.lower() in roles.H | roles.C
                or any(NO_PARAMETER.search(str(w)) or str(w).lower() in objects.GRADIENT for w in place[:-1])
                or len(place) > 1
                and str(place[-1]) in objects.GRADIENT
                or any(isinstance(w, str) and OPTIMIZER.match(w) for w in place[:-1])
            ):
                continue
            if not any(value is not v and np.shares_memory(objects.plain(value), objects.plain(v)) and v.ndim == 2
                       and value.size < objects.plain(v).size for _, v in found.values()):  # fmt: skip
                found.setdefault(id(value), (place, value))
        return dict(found.values())

    def _by_arguments(self) -> None:
        """Parameters that the constructor was given are called as its arguments are."""
        made = construct(self.kind, 5, 4, self.swap, marks := self._marks(), self.source)
        of = {id(v): n for n, v in marks.items()}
        where = {of[id(v)]: place for place, _, v in objects.places(made) if id(v) in of}
        if where:
            self.parameters = {n: [where[n]] for n in self.arrays if n in where}

    def _marks(self) -> dict[str, Array]:
        assert self.scheme
        return {n: np.zeros(self.scheme.shape(n, 5, 4)) for n in self.arrays}

    def _that_matter(self, D: int, H: int) -> dict[str, list[objects.Place]]:
        rng = np.random.default_rng(4)
        at = draw(self, 3, 2, D, H, rng)
        self._sized = ({n: v.shape for n, v in at.P.items()}, (D, H))
        y = self.forward(at.P, at.x, at.states)
        kept = {}
        for name in at.P:
            moved = at.P | {name: at.P[name] + 0.3 * rng.standard_normal(at.P[name].shape)}
            if not np.array_equal(y, self.forward(moved, at.x, at.states)):
                kept[name] = self.parameters[name]
        return kept
