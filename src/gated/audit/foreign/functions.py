"""Adapter: two functions, forward and backward, over a sequence or one step.

cs231n's (arrays as arguments, gates in one matrix), deeplearning.ai's (a dictionary, matrices on [a; x]), one
dictionary and two states, a function of parameters and inputs and another one for gradients: they differ in which
arguments there are, and these say by name what they are. Where time and units stand is tried.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, roles
from gated.audit.foreign.draws import draw
from gated.audit.foreign.source import Source, defaults
from gated.audit.foreign.subject import Parameters, Scheme, Sizes, Subject, plausible

Array = np.ndarray[Any, Any]
TRIAL = Sizes(T=3, N=2, D=5, H=4)


class Functions(Subject):
    def __init__(
        self, source: Source, forward: str, backward: str, layout: str, initial: Any = None, elementwise: bool = False
    ) -> None:
        super().__init__()
        self.elementwise = elementwise
        self.place_of_x: int | None = None  # among the results of backward, where it has no name
        self.source, self.where, self.layout, self.initial = source, (forward, backward), layout, initial
        self.forward_function, self.backward_function = source.get(forward), source.get(backward)
        self.one_step = "T" not in layout
        self.one_sequence = "N" not in layout
        self.asked = [(name, roles.role(name)) for name in source.arguments(forward)]
        optional = defaults(self.forward_function)
        self.asked = [a for a in self.asked if a[1] != "array" or a[0] not in optional or source.functions is None]
        self.states = tuple(s for s in ("h", "c") if any(r == s for _, r in self.asked))
        self.names = {r: n for n, r in self.asked if r in ("x", "h", "c")}
        self.dictionary = any(r == "parameters" for _, r in self.asked)
        self.parameters = self._parameters()
        self.scheme = Scheme(families=dict.fromkeys(self.parameters, "W"))
        self.returned = source.returned(forward) or []
        self.given_back = self._backward_arguments()

    def _parameters(self) -> list[str]:
        if not self.dictionary:
            return [n for n, r in self.asked if r == "array"]
        if self.initial is not None:
            return list(self.initial(3, 2))
        callees = [f for f in self.source.functions if f == self.where[0] or re.search("forward|step|cell|gate", f)]
        return self.source.keys(list(dict.fromkeys([self.where[0], *callees])))

    def _backward_arguments(self) -> list[tuple[str, str]]:
        """Arguments of the backward function and what each is: a role, or "=name" for something forward returned."""
        optional, found = defaults(self.backward_function), []
        for name in self.source.arguments(self.where[1]):
            role = roles.role(name, backward=True)
            if role == "array" and name in self.returned or role == "cache" and name in self.returned:
                role = f"={name}"
            elif role == "array" and name not in self.parameters:
                role = "optional" if name in optional else "dy"
            found.append((name, role))
        outputs = [n for n, r in found if r == "dy"]
        if len(outputs) > 1:  # dy and dh: the second is what comes into the last state
            first = next((n for n in outputs if re.search("y|out|s$|seq|all", n.lower())), outputs[0])
            found = [(n, "last_h" if r == "dy" and n != first else r) for n, r in found]
        return found

    @property
    def fits(self) -> bool:
        """May these two functions be what is sought, by names alone?"""
        has = {r for _, r in self.asked}
        back = {r for _, r in self.given_back}
        return "x" in has and (bool(self.parameters) or self.dictionary) and "dy" in back

    def schemes(self) -> Iterator[Scheme]:
        """Shapes that the parameters may have, the likeliest first."""
        names = tuple(self.parameters)
        if self.elementwise:
            yield Scheme(elementwise=True, families=dict.fromkeys(names, "W"))
            return
        words = {roles.gate_word(n) for n in names}
        gated = {4: "lstm", 3: "gru", 1: "rnn"}
        text = "_".join([*self.where, self.source.path.stem]).lower()
        blocks = [1] if words - {"", "h", "y"} else sorted(gated, key=lambda k: gated[k] not in text)
        recurrent = any(roles.family(n, names, False) == "U" for n in names)
        columns = self.layout.startswith("D") or "n" in self.layout or self.one_sequence
        for k, in_one, flipped, bias in itertools.product(
            blocks, (False,) if recurrent else (True, False), (columns, not columns), ("flat", "column", "row")
        ):
            if bias != "flat" and not any(roles.family(n, names, in_one) in "bp" for n in names):
                continue
            families = {n: roles.family(n, names, in_one) for n in names}
            yield Scheme(k, in_one, flipped, bias, False, families)

    def settle(self) -> bool:
        """Find the shapes with which it runs; False where there are none."""
        for scheme in [None] if self.initial is not None and self.dictionary else self.schemes():
            if scheme is not None:
                self.scheme, self.equal_sizes = scheme, scheme.elementwise
            sizes = Sizes(1 if self.one_step else TRIAL.T, TRIAL.N, TRIAL.D, TRIAL.H)
            try:
                if plausible(self, sizes, np.random.default_rng(5)) is None and self._settle_backward(sizes):
                    return True
            except KeyError as error:  # a key that is put together as they run
                key = error.args[0] if error.args else None
                if self.dictionary and self.initial is None and isinstance(key, str) and key not in self.parameters:
                    self.parameters.append(key)
                    return self.settle()
            except Exception:  # noqa: BLE001 - whatever their code raises on arrays that it was not made for
                continue
        return False

    def _settle_backward(self, sizes: Sizes) -> bool:
        rng = np.random.default_rng(6)
        at = draw(self, sizes.T, sizes.N, sizes.D, sizes.H, rng)
        dy = rng.standard_normal((sizes.T, sizes.N, sizes.H))
        failed: Exception | None = None
        for last_only in (False, True) if not self.one_step else (False,):
            self.last_only = last_only
            try:
                if self.last_only:
                    dy[:-1] = 0.0
                return bool(self.backward(at.P, at.x, at.states, dy))
            except Exception as error:  # noqa: BLE001
                failed = failed or error
        self.last_only, self.failure = False, failed
        return True  # the forward pass is understood: that backward fails is a finding

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        if self.dictionary and self.initial is not None:
            return {n: np.shape(v) for n, v in self.initial(D, H).items()}
        return {n: self.scheme.shape(n, D, H) for n in self.parameters}

    def drawn(self, D: int, H: int) -> Parameters:
        return dict(self.initial(D, H)) if self.dictionary and self.initial is not None else {}

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        if not self.one_step:
            given, result = self._call(P, x, states)
            return self._outputs(result, x), (given, result)
        kept, ys, now = [], [], dict(states)
        for t in range(len(x)):
            given, result = self._call(P, x[[t]], now)
            y, after = self._step_outputs(result, x)
            kept.append((given, result))
            ys.append(y)
            now = {s: v for s, v in zip(("h", "c"), (y, *after), strict=False) if s in self.states}
        return np.stack(ys), kept

    def _call(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[dict[str, Any], Any]:
        single = layouts.state_layout(self.layout)
        given: dict[str, Any] = {}
        for name, role in self.asked:
            if role == "x":
                given[name] = layouts.to_theirs(x, self.layout, "TND")
            elif role in ("h", "c"):
                given[name] = layouts.to_theirs(states[role], single, "ND")
            elif role == "parameters":
                given[name] = P
            else:
                given[name] = P[name]
        return given, self.guarded(self.forward_function, list(given), list(given.values()))

    def _outputs(self, result: Any, x: Array) -> Array:
        sizes = self._sizes(x)
        for part in result if isinstance(result, tuple) else (result,):
            for layout in (self.layout, self.layout.lstrip("*"), "*" + self.layout.lstrip("*")):
                try:
                    return layouts.from_theirs(part, layout, "TND", sizes)
                except (ValueError, TypeError, IndexError):
                    continue
        raise ValueError("no outputs of every step in what forward returns")

    def _sizes(self, x: Array) -> dict[str, int]:
        return {"T": x.shape[0], "N": x.shape[1], "D": self._H}

    def _step_outputs(self, result: Any, x: Array) -> tuple[Array, list[Array]]:
        single, found = layouts.state_layout(self.layout), []
        for part in result if isinstance(result, tuple) else (result,):
            try:
                found.append(layouts.from_theirs(part, single, "ND", self._sizes(x)))
            except (ValueError, TypeError, IndexError):
                continue
        if not found:
            raise ValueError("no state in what the step returns")
        return found[0], found[1:]

    def fresh(self, P: Parameters) -> Parameters:
        fresh = super().fresh(P)
        self._H = self.sizes_of(fresh)[1]
        return fresh

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        if not self.one_step:
            return self._back(kept, P, x, states, dy, None)
        total: Parameters = {}
        dh, dc = np.zeros_like(dy[0]), np.zeros_like(dy[0])
        dx = np.zeros(x.shape)
        for t in reversed(range(len(x))):
            found = self._back(kept[t], P, x[[t]], states, dy[[t]] + dh, dc)
            dh, dc = found.pop("h", np.zeros_like(dh)), found.pop("c", np.zeros_like(dc))
            if "x" in found:
                dx[t] = found.pop("x")[0]
                total["x"] = dx
            for name, value in found.items():
                total[name] = total.get(name, 0.0) + value
        return total | {s: v for s, v in (("h", dh), ("c", dc)) if s in self.states}

    def _back(
        self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array, dc: Array | None
    ) -> Parameters:
        asked, result = kept
        single, shape = layouts.state_layout(self.layout), dy.shape[1:]
        values: list[tuple[str, Any]] = []
        for name, role in self.given_back:
            if role == "optional":
                break
            if role.startswith("="):
                value = result[self.returned.index(role[1:])] if isinstance(result, tuple) else result
            elif role == "cache":
                value = result[-1] if isinstance(result, tuple) else result
            elif role == "dy":
                as_step = self.last_only or self.one_step
                value = (
                    layouts.to_theirs(dy[-1], single, "ND") if as_step else layouts.to_theirs(dy, self.layout, "TND")
                )
            elif role in ("dc", "last_c", "last_h"):
                value = layouts.to_theirs(dc if dc is not None and role == "dc" else np.zeros(shape), single, "ND")
            elif role == "parameters":
                value = P
            else:
                value = asked[self.names.get(role, name)] if role != "array" else P[name]
            values.append((name, value))
        back = self.guarded(self.backward_function, [n for n, _ in values], [v for _, v in values])
        return self._named(back, x, dy)

    def _named(self, back: Any, x: Array, dy: Array) -> Parameters:
        """Their gradients by name; x and states in canonical shape."""
        pairs = list(_flat(back, self.source.returned(self.where[1])))
        known = {*self.parameters, "x", *self.states}
        if not any(name and roles.owner(name, known) for name, _ in pairs):
            order = ["x", *self.states, *self.parameters] if len(pairs) > len(self.parameters) else self.parameters
            pairs = list(zip(order, (v for _, v in pairs), strict=False))
        sizes = {**self._sizes(x), "D": x.shape[2]}
        found: Parameters = {}
        for place, (name, value) in enumerate(pairs):
            whose = roles.owner(name, known) if name else None
            if name is None and self._looks_like_x(place, value, sizes):
                whose = "x"
            if whose is None or value is None:
                continue
            if whose == "x":
                found["x"] = self._input_gradient(value, sizes)
            elif whose in ("h", "c"):
                state = layouts.state_layout(self.layout)
                try:
                    found[whose] = layouts.from_theirs(value, state, "ND", self._sizes(x))
                except ValueError:
                    continue  # the adjoints of all steps, say
            else:
                found.setdefault(whose, np.asarray(value))
        return found

    def _looks_like_x(self, place: int, value: Any, sizes: dict[str, int]) -> bool:
        """A result without a name that has the shape of x, which no other has where D is not H, as in the first run."""
        if sizes["D"] != self._H and self.place_of_x is None and np.ndim(value) == len(self.layout.lstrip("*")):
            try:
                self._input_gradient(value, sizes)
                self.place_of_x = place
            except (ValueError, TypeError):
                pass
        return place == self.place_of_x

    def _input_gradient(self, value: Any, sizes: dict[str, int]) -> Array:
        single = layouts.state_layout(self.layout)
        for layout in (self.layout, self.layout.lstrip("*"), "*" + self.layout.lstrip("*")):
            try:
                return layouts.from_theirs(value, layout, "TND", sizes)
            except (ValueError, TypeError):
                continue
        return layouts.from_theirs(value, single, "ND", sizes)[None]


def _flat(back: Any, names: list[str | None] | None) -> Iterator[tuple[str | None, Any]]:
    """(name, value) of what backward returned: a dictionary, a tuple, a tuple with a dictionary."""
    if isinstance(back, dict):
        yield from back.items()
    elif isinstance(back, tuple):
        fitting = names if names and len(names) == len(back) else [None] * len(back)
        for name, value in zip(fitting, back, strict=True):
            if isinstance(value, dict):
                yield from value.items()
            else:
                yield name, value
    else:
        yield (names[0] if names else None), back
