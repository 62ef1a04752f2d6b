"""Adapters: a layer as a class.

Fed step by step: `forward(x)` with one column vector, lists over time in the object, `backward(x, delta_h, activator)`
from the last step (the Chinese tutorial). Fed sequences: `forward(X)` and `backward(dY)`, with `params` and `grads` or
with attributes; it returns all outputs or the last one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, roles
from gated.audit.foreign.source import Source, argument_names, defaults, returned_names
from gated.audit.foreign.subject import Parameters, Sizes, Subject, plausible

Array = np.ndarray[Any, Any]
LISTS = {"h": ("h_list", "h_lst", "hs", "h_seq"), "c": ("c_list", "c_lst", "cs", "c_seq")}
SEQUENCES = ("NTD", "TND", "TD", "TDn", "*TDn", "*TD", "*TND", "DNT")
NO_PARAMETER = re.compile(r"(^|_)(d[A-Z]|d_|grad|delta|cache|mem|m[A-Z]|v[A-Z]|adam|velocity|prev|last)|_(grad|list)$")


def construct(kind: type, D: int, H: int, **more: Any) -> Any:
    """An object of their class for D inputs and H units, by the names of its arguments, else in this order."""
    values: list[Any] = []
    sizes, optional = [D, H], defaults(kind)
    for name in argument_names(kind):
        key = name.lower()
        if key in roles.SIZES["D"]:
            values.append(D)
        elif key in roles.SIZES["H"]:
            values.append(H)
        elif re.search("rate|lr|eta|alpha|eps|std|scale|sigma", key):
            values.append(0.1)
        elif "seed" in key:
            values.append(0)
        elif key in ("rng", "generator"):
            values.append(np.random.default_rng(0))
        elif name in optional:
            break
        else:
            values.append(sizes.pop(0) if sizes else 1)
    return kind(*values, **more)


def parameters_of(layer: Any) -> dict[str, Array]:
    """Its parameters, by the names of their dictionary or attributes."""
    for name in ("params", "parameters", "weights", "W", "p"):
        held = getattr(layer, name, None)
        if isinstance(held, dict) and held and all(isinstance(v, np.ndarray) for v in held.values()):
            return held
    found = {n: v for n, v in vars(layer).items() if isinstance(v, np.ndarray) and v.ndim <= 2 and v.dtype.kind == "f"}
    return {n: v for n, v in found.items() if not NO_PARAMETER.search(n) and n.lower() not in roles.H | roles.C}


def set_parameters(layer: Any, P: Parameters) -> None:
    held = parameters_of(layer)
    as_attributes = all(getattr(layer, n, None) is v for n, v in held.items())
    for name, value in P.items():
        if as_attributes:
            setattr(layer, name, np.array(value))
        else:
            held[name] = np.array(value)


def gradients_of(layer: Any, result: Any, names: set[str]) -> Parameters:
    """Gradients from what backward returned, a dictionary `grads`, or attributes dW, W_grad, grad_W."""
    found: Parameters = {}
    held = [getattr(layer, n, None) for n in ("grads", "gradients", "grad", "dparams", "d")]
    parts = result if isinstance(result, tuple) else (result,)
    for source in [*(p for p in parts if isinstance(p, dict)), *(h for h in held if isinstance(h, dict)), vars(layer)]:
        for name, value in source.items():
            if name in names and source is vars(layer):
                continue
            whose = roles.owner(name, names)
            if whose in names and whose is not None and isinstance(value, (np.ndarray, float)):
                found.setdefault(whose, np.array(value))
    return found


class Layer(Subject):
    """What both adapters share."""

    def __init__(self, source: Source, name: str) -> None:
        super().__init__()
        self.source, self.kind, self.where = source, source.get(name), (name,)

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        return {n: v.shape for n, v in parameters_of(construct(self.kind, D, H)).items()}

    def made(self, P: Parameters) -> tuple[Any, int]:
        """A new object with these parameters, and H: nothing of the run before is left in it."""
        D, H = self.sizes_of(P)
        layer = construct(self.kind, D, H, **getattr(self, "options", {}))
        set_parameters(layer, P)
        return layer, H

    def settle(self) -> bool:
        rng = np.random.default_rng(5)
        try:
            return plausible(self, Sizes(3, 2, 5, 4), rng) is None
        except Exception:  # noqa: BLE001 - whatever their code raises
            return False


class Stepwise(Layer):
    """Fed step by step; the adjoint of the last output alone."""

    style = "a layer that is fed step by step"
    one_sequence = True
    last_only = True

    def __init__(self, source: Source, name: str) -> None:
        super().__init__(source, name)
        layer = construct(self.kind, 3, 2)
        self.lists = {s: next((n for n in names if hasattr(layer, n)), None) for s, names in LISTS.items()}
        self.states = tuple(s for s, n in self.lists.items() if n and len(getattr(layer, n)) == 1)
        self.names = {"x": argument_names(self.kind.forward)[1], "h": "h_list[0]", "c": "c_list[0]"}
        self.column = True

    @staticmethod
    def fits(source: Source, name: str) -> bool:
        kind = source.get(name)
        if not callable(getattr(kind, "forward", None)) or not callable(getattr(kind, "backward", None)):
            return False
        try:
            layer = construct(kind, 3, 2)
        except Exception:  # noqa: BLE001
            return False
        return any(isinstance(getattr(layer, n, None), list) for n in LISTS["h"])

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        layer, H = self.made(P)
        for state, value in states.items():
            held = getattr(layer, self.lists[state] or "")
            held[0] = value.reshape(np.shape(held[0]))
        before = len(getattr(layer, self.lists["h"] or ""))
        for step in x:
            layer.forward(step.reshape(-1, 1))
        hs = getattr(layer, self.lists["h"] or "")[before:]
        return np.stack([np.reshape(h, (1, H)) for h in hs]), layer

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        names, values = [], []
        for name in argument_names(kept.backward):
            role = roles.role(name, backward=True)
            if role == "x":
                value: Any = x[-1].reshape(-1, 1)
            elif role == "dy" or "delta" in name.lower():
                value = dy[-1].reshape(-1, 1)
            elif "activ" in name.lower():
                value = self._identity()
            else:
                continue
            names.append(name)
            values.append(value)
        self.guarded(kept.backward, names, values)
        found = gradients_of(kept, None, set(P))
        for state in self.states:
            adjoints = getattr(kept, f"delta_{state}_list", None)
            if isinstance(adjoints, list) and len(adjoints) == len(x) + 1:
                found[state] = np.reshape(adjoints[0], (1, -1))
        return found

    def _identity(self) -> Any:
        """The activation of the layer before: theirs if there is one, else our own."""
        for name in self.source.classes:
            if "identity" in name.lower():
                return self.source.get(name)()
        return type("Identity", (), {"forward": lambda self, v: v, "backward": lambda self, v: np.ones_like(v)})()


class SequenceLayer(Layer):
    """Fed sequences."""

    style = "a layer that is fed sequences"

    def __init__(self, source: Source, name: str, layout: str) -> None:
        super().__init__(source, name)
        self.layout, self.one_sequence = layout, "N" not in layout
        self.asked = [(n, roles.role(n)) for n in argument_names(self.kind.forward) if n != "self"]
        self.states = tuple(s for s in ("h", "c") if any(r == s for _, r in self.asked))
        self.names = {r: n for n, r in self.asked if r in ("x", "h", "c")}
        if "return_sequences" in argument_names(self.kind):
            self.options = {"return_sequences": True}

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        layer, H = self.made(P)
        y = self._forward(layer, x, states)
        sizes = {"T": x.shape[0], "N": x.shape[1], "D": H}
        for layout in (self.layout, self.layout.lstrip("*"), "*" + self.layout.lstrip("*")):
            try:
                return layouts.from_theirs(y, layout, "TND", sizes), layer
            except (ValueError, TypeError):
                continue
        last = layouts.from_theirs(
            y, layouts.state_layout(self.layout), "ND", sizes
        )  # only the last: others by prefixes
        self.last_only = True
        if len(x) == 1:
            return last[None], layer
        return np.concatenate([self.one_forward(P, x[:-1], states)[0], last[None]]), layer

    def twice(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Array]:
        """Of one object, which may keep its states."""
        layer, _ = self.made(P)
        n = slice(0, 1) if self.one_sequence else slice(None)
        given = {s: v[n] for s, v in states.items()}
        first = np.array(self._forward(layer, x[:, n], given))
        return first, np.array(self._forward(layer, x[:, n], given))

    def _forward(self, layer: Any, x: Array, states: Mapping[str, Array]) -> Any:
        values = []
        for _, role in self.asked:
            if role in ("h", "c"):
                values.append(layouts.to_theirs(states[role], layouts.state_layout(self.layout), "ND"))
            else:
                values.append(layouts.to_theirs(x, self.layout, "TND"))
        result = self.guarded(layer.forward, [n for n, _ in self.asked], values)
        return result[0] if isinstance(result, tuple) else result

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        single = layouts.state_layout(self.layout)
        values, names = [], []
        for argument in argument_names(kept.backward):
            if argument == "self" or roles.role(argument, True) in ("dc", "last_h", "last_c"):
                continue
            whole = not self.last_only
            values.append(
                layouts.to_theirs(dy, self.layout, "TND") if whole else layouts.to_theirs(dy[-1], single, "ND")
            )
            names.append(argument)
            break
        result = self.guarded(kept.backward, names, values)
        found = gradients_of(kept, result, set(P))
        sizes = {"T": x.shape[0], "N": x.shape[1], "D": x.shape[2]}
        tree = self.source.classes[self.where[0]]
        parts = result if isinstance(result, tuple) else (result,)
        from_code = returned_of(tree, "backward")
        for position, part in enumerate(parts):
            name = from_code[position] if from_code and len(from_code) == len(parts) else None
            whose = roles.owner(name, {"x", *self.states}) if name else "x" if position == 0 else None
            try:
                if whose == "x" and not isinstance(part, dict):
                    found["x"] = layouts.from_theirs(part, self.layout, "TND", sizes)
                elif whose in self.states and whose is not None:
                    found[whose] = layouts.from_theirs(part, single, "ND", sizes | {"D": dy.shape[2]})
            except (ValueError, TypeError):
                continue
        return found


def returned_of(tree: Any, method: str) -> list[str | None] | None:
    return returned_names(next((n for n in tree.body if getattr(n, "name", "") == method), None))
