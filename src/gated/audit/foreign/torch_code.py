"""Adapter: PyTorch code, a torch.autograd.Function for one step or a sequence, or a Module around one.

torch is imported only here and for classes whose arrays are tensors, and this only where their file imports it.
PyTorch's own backward pass calls theirs.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, methods, roles
from gated.audit.foreign.constructing import construct, size_of
from gated.audit.foreign.functions import TRIAL
from gated.audit.foreign.source import Source, argument_names
from gated.audit.foreign.subject import Parameters, Scheme, Sizes, Subject, plausible

Array = np.ndarray[Any, Any]
CELLS = {"c", "c_prev", "prev_c", "hx", "cx", "h", "h_prev", "prev_h", "hidden", "old_h", "state", "h_tm1", "x_t", "xt"}
NEW_H = re.compile(r"^(h|hy|hidden|state|h_?(t|n|new|next|seq|s|t_1)|new_h|next_h|hs|hiddens|ht|hidden_(seq|states?))$")


def torch_candidates(source: Source, name: str | None) -> Iterator[Subject]:
    """Modules first: they say what goes into the functions that they use."""
    import torch

    kind: Any
    kinds = [source.get(n) for n in source.classes if name in (None, n)]
    modules = [k for k in kinds if isinstance(k, type) and issubclass(k, torch.nn.Module)]
    functions = [k for k in kinds if isinstance(k, type) and issubclass(k, torch.autograd.Function)]
    # a backward method of their own is what is to be audited, not what PyTorch derives from the forward pass
    modules = [k for k in modules if not methods.pair_of(k) or _applies(source, k)]
    for kind in reversed(modules):  # what is defined last uses what is defined before
        for asked, swap in itertools.product(_ways(kind), (False, True)):
            for layout in _layouts(asked):
                yield TorchCode(source, kind, asked, layout, True, swap)
    for kind in reversed(functions):
        given = _asked_of_function(kind)
        for layout in _layouts(given):
            yield TorchCode(source, kind, given, layout, False)


def _applies(source: Source, kind: Any) -> bool:
    """Does a module call an autograd.Function, whose backward pass PyTorch runs?"""
    trees = [source.classes[base.__name__] for base in kind.__mro__ if base.__name__ in source.classes]
    return any(isinstance(n, ast.Attribute) and n.attr == "apply" for tree in trees for n in ast.walk(tree))


def _layouts(asked: list[tuple[str, str]]) -> list[str]:
    steps = any(n.lower() in CELLS for n, r in asked)
    every = (*layouts.STEPS, *layouts.SEQUENCES) if steps else (*layouts.SEQUENCES, *layouts.STEPS)
    return [layout for layout in every if not layout.startswith("*")]


def _ways(kind: Any) -> Iterator[list[tuple[str, str]]]:
    """Arguments that a module may be given: with its states, as a pair, without."""
    asked = methods.asked(kind.forward)
    optional = {p.name for p in methods.arguments(kind.forward) if p.default is not p.empty}
    for word in ("pair", "h"):
        yield [(n, word if r in ("pair", "h or pair") else r) for n, r in asked]
    if any(n in optional for n, _ in asked):
        yield [(n, r) for n, r in asked if n not in optional]


def _asked_of_function(kind: Any) -> list[tuple[str, str]]:
    asked = [(n, roles.role(n)) for n in argument_names(kind.forward) if n not in ("self", "ctx")]
    if asked and not any(r == "x" for _, r in asked):
        asked[0] = asked[0][0], "x"
    sized = {n: size_of(n) for n, r in asked if r == "array" and re.search("size|dim|units", n)}
    return [(n, sized.get(n) or ("array" if r in ("cache", "parameters") else r)) for n, r in asked]


class TorchCode(Subject):
    whole_numbers = False

    def __init__(
        self, source: Source, kind: Any, asked: list[tuple[str, str]], layout: str, module: bool, swap: bool = False
    ) -> None:
        super().__init__()
        self.source, self.kind, self.layout, self.module, self.swap = source, kind, layout, module, swap
        self.where = (kind.__name__,)
        self.style = "a PyTorch module" if module else "a PyTorch autograd.Function"
        self.asked = asked
        kinds = {r for _, r in asked}
        self.states = ("h", "c") if "pair" in kinds else tuple(s for s in ("h", "c") if s in kinds)
        self.names = {r: n for n, r in self.asked if r in ("x", "h", "c")}
        pair = next((n for n, r in asked if r == "pair"), "")
        self.names |= {s: f"{pair}[{k}]" for k, s in enumerate(("h", "c")) if pair}
        self.one_step, self.one_sequence = "T" not in layout, "N" not in layout
        self.parameters = [] if module else [n for n, r in self.asked if r == "array"]
        self.unused: set[str] = set()
        self.scheme = Scheme()
        self._built: tuple[tuple[int, int], Any] | None = None

    def settle(self) -> bool:
        names = tuple(self.parameters)
        for scheme in [None] if self.module else self._schemes(names):
            self.scheme = scheme or self.scheme
            try:
                sizes = Sizes(3, 1 if self.one_sequence else TRIAL.N, TRIAL.D, TRIAL.H)
                if plausible(self, sizes, np.random.default_rng(5)) is None:
                    self._leave_out_unused()
                    return True
            except Exception:  # noqa: BLE001 - whatever their code raises on tensors that it was not made for
                continue
        return False

    def _schemes(self, names: tuple[str, ...]) -> Iterator[Scheme]:
        recurrent = any(roles.family(n, names, False) == "U" for n in names)
        for in_one in (False,) if recurrent else (True, False):
            families = {n: roles.family(n, names, in_one) for n in names}
            for k, flipped in itertools.product((4, 3, 1), (True, False)):
                yield Scheme(k, in_one, flipped, "flat", False, families)

    def _leave_out_unused(self) -> None:
        """Parameters that the states do not depend on: an output layer."""
        if self.module:
            import torch

            D, H = TRIAL.D, TRIAL.H
            P = {n: np.ones(s) * 0.1 for n, s in self.shapes(D, H).items()}
            states = {s: np.ones((1, H)) for s in self.states}
            _, kept = self.one_forward(P, np.ones((2, 1, D)), states)
            loss = sum(y.sum() for y in kept["y"])
            found = torch.autograd.grad(loss, list(kept["P"].values()), allow_unused=True)
            self.unused = {n for n, g in zip(kept["P"], found, strict=True) if g is None}
            self._built = self._sized = None

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        if not self.module:
            return {n: self.scheme.shape(n, D, H) for n in self.parameters}
        held = self._construct(D, H).named_parameters()
        return {n: tuple(p.shape) for n, p in held if n not in self.unused}

    def drawn(self, D: int, H: int) -> Parameters:
        """The parameters as their own constructor draws them."""
        if not self.module:
            return {}
        held = self._construct(D, H).named_parameters()
        return {n: p.detach().numpy() for n, p in held if n not in self.unused}

    def _construct(self, D: int, H: int) -> Any:
        return construct(self.kind, D, H, self.swap, None, self.source).double().eval()

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        import torch

        kind = torch.complex128 if np.iscomplexobj(x) else torch.float64

        def leaf(value: Array) -> Any:
            return torch.tensor(value, dtype=kind, requires_grad=kind is torch.float64)

        leaves = {n: leaf(v) for n, v in P.items()}
        call = self._callable(leaves)
        D, H = self.sizes_of(P)
        single = layouts.state_layout(self.layout)
        now = {s: leaf(layouts.to_theirs(v, single, "ND")) for s, v in states.items()}
        kept: dict[str, Any] = {"P": leaves, "states": dict(now)}
        parts = [x[[t]] for t in range(len(x))] if self.one_step else [x]
        kept["x"] = [leaf(layouts.to_theirs(p, self.layout, "TND")) for p in parts]
        kept["y"] = []
        for part in kept["x"]:
            special = {"x": part, "pair": tuple(now.values()), "all": True, "D": D, "H": H, **now}
            given = {n: special[r] if r in special else leaves[n] for n, r in self.asked}
            out = self._ordered(call(given))
            kept["y"].append(out[0])
            now = dict(zip(self.states, out, strict=False))
        return np.concatenate([self._output(y, x, H) for y in kept["y"]]), kept

    def _ordered(self, result: Any) -> list[Any]:
        """The tensors of a result, the new h first where its name tells it from an output of another layer."""
        out = _tensors(result)
        called = methods.returned(methods.method_tree(self.source, self.kind, "forward"))
        if len(called) == len(out) and called[0] and not NEW_H.match(called[0].lower()) and len(out) > len(self.states):
            place = next((k for k, n in enumerate(called) if n and NEW_H.match(n.lower())), 0)
            return [*out[place:], *out[:place]] if self.one_step else out
        return out

    def _callable(self, leaves: Mapping[str, Any]) -> Any:
        if not self.module:
            return lambda given: self.kind.apply(*given.values())
        import torch

        sizes = self.sizes_of(leaves)
        if self._built is None or self._built[0] != sizes:
            self._built = sizes, self._construct(*sizes)
        layer = self._built[1]
        return lambda given: torch.func.functional_call(layer, dict(leaves), (), given)

    def _output(self, y: Any, x: Array, H: int) -> Array:
        value, sizes = y.detach().numpy(), {"T": len(x), "N": x.shape[1], "D": H}
        if self.one_step:
            return layouts.from_theirs(value, self.layout, "ND", sizes)[None]
        return layouts.from_theirs(value, self.layout, "TND", sizes)

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        import torch

        parts = [dy[[t]] for t in range(len(dy))] if self.one_step else [dy]
        loss = sum(
            (y * torch.tensor(layouts.to_theirs(d, self.layout, "TND"), dtype=torch.float64)).sum()
            for y, d in zip(kept["y"], parts, strict=True)
        )
        leaves = [*kept["P"].values(), *kept["x"], *kept["states"].values()]
        found = torch.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True)
        values = [
            np.zeros(tuple(v.shape)) if g is None else g.detach().numpy() for v, g in zip(leaves, found, strict=True)
        ]
        count, steps = len(kept["P"]), len(kept["x"])
        dx = [self._input(value, x) for value in values[count : count + steps]]
        ends = zip(kept["states"], values[count + steps :], strict=True)
        units, single = {"N": x.shape[1], "D": dy.shape[2]}, layouts.state_layout(self.layout)
        return {
            **dict(zip(kept["P"], values[:count], strict=True)),
            "x": np.concatenate(dx),
            **{s: layouts.from_theirs(v, single, "ND", units) for s, v in ends},
        }

    def _input(self, value: Array, x: Array) -> Array:
        sizes = {"T": 1 if self.one_step else len(x), "N": x.shape[1], "D": x.shape[2]}
        if self.one_step:
            return layouts.from_theirs(value, layouts.state_layout(self.layout), "ND", sizes)[None]
        return layouts.from_theirs(value, self.layout, "TND", sizes)


def _tensors(result: Any) -> list[Any]:
    """The tensors of a result, in order, as deep as tuples go."""
    if isinstance(result, (tuple, list)):
        return [t for part in result for t in _tensors(part)]
    return [result]
