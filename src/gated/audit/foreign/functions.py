"""Adapter: two functions, forward and backward, over a sequence or one step.

cs231n's (arrays as arguments, gates in one matrix), deeplearning.ai's (a dictionary, matrices on [a; x]), one
container and two states, a function of parameters and inputs and another one for gradients: they differ in which
arguments there are, and these say by name what they are. Where time and units stand, and how parameters are shaped, is
tried: every way in which their code runs is a reading, and `readings` finds the best one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gated.audit.foreign import arguments, layouts, results, roles
from gated.audit.foreign.arguments import Argument
from gated.audit.foreign.gradients import by_name
from gated.audit.foreign.holding import Holding
from gated.audit.foreign.schemes import Scheme
from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Parameters, Sizes

Array = np.ndarray[Any, Any]
TRIAL = Sizes(T=3, N=2, D=5, H=4)
SMALL = 2.0**-12  # of dy: below what they clip


class Functions(Holding):
    """One reading of two functions.

    Args:
    layout: of x, see `layouts`. initial: their function that makes parameters for (D, H), if there is one.
    elementwise: weights are vectors.
    """

    def __init__(
        self, source: Source, forward: str, backward: str, layout: str, initial: Any = None, elementwise: bool = False
    ) -> None:
        super().__init__()
        self.source, self.where, self.layout, self.initial = source, (forward, backward), layout, initial
        self.elementwise = elementwise
        self.forward_function: Any = source.get(forward)
        self.backward_function: Any = source.get(backward)
        self.one_step = "T" not in layout
        self.one_sequence = "N" not in layout
        self.asked = arguments.of_forward(source, forward)
        self.unpacked = source.unpacked([*self.where, *source.functions])
        self.names = arguments.names_of(self.asked, self.unpacked)
        self.outside = self._outside()
        self.states = tuple(s for s in ("h", "c") if s in self.names)
        self.dictionary = any(a.role == "parameters" for a in self.asked)
        self.inside = self._unpacked_parameters()
        self.parameters = [*self._parameters(), *self.outside]
        self.layer = self._output_layer()
        self.kinds = [v for v in vars(source.module).values() if isinstance(v, type) and v.__module__ != "builtins"]
        self.scheme = Scheme(families=dict.fromkeys(self.parameters, "W"))
        self.returned = source.returned_tree(forward)
        self.returned_back = source.returned_tree(backward)
        self.asked_back = arguments.of_backward(source, self.backward_function, self.asked, self.returned)
        self.y_layout, self.x_layout, self.y_kind = "", "", ""  # as they came, once they have
        self.whole_cache, self.as_list = False, False
        self.y_skip = 0  # of what may be outputs, so many are none
        self.y_place: int | None = None  # which of what forward returns they are, once known
        self.failure: Exception | None = None  # of backward, where it always raises
        self.latest: tuple[int, int] | None = None
        self.order: tuple[str, ...] = ()  # of gradients that have no names

    @property
    def fits(self) -> bool:
        """May these two functions be what is sought, by names alone?"""
        has = {a.role for a in self.asked}
        back = {a.role for a in self.asked_back}
        enough = bool(self.parameters) or self.dictionary
        return (
            "x" in has
            and enough
            and "dy" in back
            and "targets" not in back
            and (not self.one_step or "h" in self.states)
        )

    def settle(self) -> bool:
        """A reading is settled when it is made."""
        return True

    # forward

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        if self.one_step:
            return self._steps(P, x, states)
        given, result = self._call(P, x, states)
        found = self._outputs(result, x)
        if found is not None:
            return found, (given, result)
        last = self._states_in(result, x)
        if not last:
            raise ValueError("no outputs of every step in what forward returns")
        self.last_only = True  # it returns the last output alone: others by what it says of beginnings
        earlier = [self.one_forward(P, x[:-1], states)[0]] if len(x) > 1 else []
        return np.concatenate([*earlier, last[0][None]]), (given, result)

    def _steps(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        kept, ys, now = [], [], dict(states)
        for t in range(len(x)):
            given, result = self._call(P, x[[t]], now)
            found = self._states_in(result, x)
            if len(found) < len(self.states):
                raise ValueError("no state in what the step returns")
            kept.append((given, result))
            ys.append(found[0])
            now = dict(zip(self.states, found, strict=False))
        return np.stack(ys), kept

    def _call(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[dict[str, Any], Any]:
        single, held = layouts.state_layout(self.layout), self.held(P)
        sizes = {**self._sizes(x), "D": x.shape[2], "H": self._H}
        apart = held if isinstance(held, dict) else vars(held) if hasattr(held, "__dict__") else dict(P)

        def value(a: Argument) -> Any:
            if a.role == "x":
                return layouts.to_theirs(x, self.layout, "TND")
            if a.role in ("h", "c"):
                return layouts.to_theirs(states[a.role], single, "ND")
            if a.role == "state":
                order = arguments.state_order(self.unpacked.get(a.name))
                return tuple(layouts.to_theirs(states[s], single, "ND") for s in order)
            if a.role == "lengths":
                return np.full(x.shape[1], x.shape[0])
            if a.role == "mask":
                return layouts.to_theirs(np.ones((*x.shape[:2], 1)), self.layout, "TND")[..., 0]
            return held if a.role == "parameters" else sizes[a.role] if a.role in sizes else apart[a.name]

        given = {a.name: value(a) for a in self.asked}
        return given, self._run(self.forward_function, given)

    def _run(self, function: Callable[..., Any], given: Mapping[str, Any], quiet: Sequence[str] = ()) -> Any:
        """Their function, by keywords; changes of the arguments are noted but for `quiet` ones."""
        loud = [name for name in given if name not in quiet]
        rest = {name: given[name] for name in quiet}

        def call(*values: Any) -> Any:
            return function(**dict(zip(loud, values, strict=True)), **rest)

        call.__name__ = getattr(function, "__name__", "it")
        return self.guarded(call, loud, [given[name] for name in loud])

    def _sizes(self, x: Array) -> dict[str, int]:
        return {"T": x.shape[0], "N": x.shape[1], "D": self._H}

    def _outputs(self, result: Any, x: Array) -> Array | None:
        skip, sizes = self.y_skip, self._sizes(x)
        likely = results.likeliest(results.parts(result, self.returned))
        for with_initial, (place, (_, value)) in itertools.product((False, True), enumerate(likely)):
            if self.y_place not in (None, place):
                continue
            found = results.read(value, self.y_layout or self.layout, sizes, bool(self.y_layout), with_initial)
            if found is not None and skip and self.y_place is None:
                skip -= 1
            elif found is not None:
                self.y_layout, self.y_place = found[1], place
                self.y_kind = type(value).__name__
                return found[0]
        return None

    def _states_in(self, result: Any, x: Array) -> list[Array]:
        """h, and c if there is one."""
        found = results.likeliest(results.parts(result, self.returned))
        states = [(n, results.read_state(v, self.layout, self._sizes(x))) for n, v in found]
        there = [(n, v) for n, v in states if v is not None]
        cells = [v for n, v in there if roles.state(n or "") == "c"]
        return [v for _, v in there[:1]] + (cells or [v for _, v in there[1:]])[:1]

    # backward

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        if not self.one_step:
            return self._back(kept, P, x, dy, None)
        total: Parameters = {}
        dh, dc = np.zeros_like(dy[0]), np.zeros_like(dy[0])
        dx = np.zeros(x.shape)
        for t in reversed(range(len(x))):
            found = self._back(kept[t], P, x[[t]], dy[[t]] + dh, dc)
            dh, dc = found.pop("h", np.zeros_like(dh)), found.pop("c", np.zeros_like(dc))
            if "x" in found:
                dx[t] = found.pop("x")[0]
                total["x"] = dx
            for name, value in found.items():
                total[name] = total.get(name, 0.0) + value
        return total | {s: v for s, v in (("h", dh), ("c", dc)) if s in self.states}

    def _back(self, kept: Any, P: Parameters, x: Array, dy: Array, dc: Array | None) -> Parameters:
        asked, result = kept
        named = dict(results.parts(result, self.returned))
        sizes = {**self._sizes(x), "D": x.shape[2], "H": self._H}
        given: dict[str, Any] = {}
        for a in self.asked_back:
            if a.role == "given":
                given[a.name] = asked[a.name]
            elif a.role == "result":
                given[a.name] = named.get(a.name, result)
            elif a.role == "cache":
                last = isinstance(result, tuple) and not self.whole_cache
                given[a.name] = result[-1] if last else result
            elif a.role in sizes:
                given[a.name] = sizes[a.role]
            elif a.role in ("x", "h", "c", "state", "parameters"):
                given[a.name] = asked[next(f.name for f in self.asked if f.role == a.role)]
            else:
                given[a.name] = self._adjoint(a, dy, dc)
        quiet = [a.name for a in self.asked_back if a.role in ("cache", "result")]
        back = self._run(self.backward_function, given, quiet)
        return by_name(self, back, x)

    def _adjoint(self, a: Argument, dy: Array, dc: Array | None) -> Any:
        single = layouts.state_layout(self.layout)

        def state(value: Array) -> Any:
            return layouts.to_theirs(value, single, "ND")

        nothing = np.zeros(dy.shape[1:])
        if a.role == "dy" and (self.last_only or self.one_step):
            return state(dy[-1])
        if a.role in ("dy", "every_c"):
            layout = self.y_layout or self.layout
            over = layouts.to_theirs(dy if a.role == "dy" else 0 * dy, layout, "TND")
            return list(over) if self.as_list else over
        if a.role == "dc" and dc is not None:
            return state(dc)
        return (state(nothing), state(nothing)) if a.role == "last_state" else state(nothing)
