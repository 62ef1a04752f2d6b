"""Adapter: PyTorch code, a torch.autograd.Function for one step or a sequence, or a Module around one.

torch is imported only here, and this only where their file imports it. PyTorch's own backward pass calls theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, roles
from gated.audit.foreign.classes import construct
from gated.audit.foreign.functions import TRIAL
from gated.audit.foreign.source import Source, argument_names
from gated.audit.foreign.subject import Parameters, Scheme, Sizes, Subject, plausible

Array = np.ndarray[Any, Any]


def torch_candidates(source: Source, name: str | None) -> Iterator[Subject]:
    """Modules first: they say what goes into the functions that they use."""
    import torch

    kinds = [source.get(n) for n in source.classes if name in (None, n)]
    modules = [k for k in kinds if isinstance(k, type) and issubclass(k, torch.nn.Module)]
    functions = [k for k in kinds if isinstance(k, type) and issubclass(k, torch.autograd.Function)]
    kind: Any
    for kind in (*modules, *functions):
        arguments = [n for n in argument_names(kind.forward) if n not in ("self", "ctx")]
        steps = any(n.lower() in ("c", "c_prev", "prev_c", "hx", "cx", "h", "h_prev", "prev_h") for n in arguments)
        every = (*layouts.STEPS, *layouts.SEQUENCES) if steps else (*layouts.SEQUENCES, *layouts.STEPS)
        for layout in every:
            if not layout.startswith("*"):
                yield TorchCode(source, kind, arguments, layout, kind in modules)


class TorchCode(Subject):
    whole_numbers = False

    def __init__(self, source: Source, kind: Any, arguments: list[str], layout: str, module: bool) -> None:
        super().__init__()
        self.source, self.kind, self.layout, self.module = source, kind, layout, module
        self.where = (kind.__name__,)
        self.style = "a PyTorch module" if module else "a PyTorch autograd.Function"
        self.asked = [(n, roles.role(n)) for n in arguments]
        self.states = tuple(s for s in ("h", "c") if any(r == s for _, r in self.asked))
        self.names = {r: n for n, r in self.asked if r in ("x", "h", "c")}
        self.one_step, self.one_sequence = "T" not in layout, "N" not in layout
        self.parameters = [] if module else [n for n, r in self.asked if r == "array"]
        self.scheme = Scheme()
        self._built: tuple[tuple[int, int], Any] | None = None

    def settle(self) -> bool:
        names = tuple(self.parameters)
        families = {n: roles.family(n, names, False) for n in names}
        schemes = [Scheme(k, False, flipped, "flat", False, families) for k in (4, 3, 1) for flipped in (True, False)]
        for scheme in schemes[:1] if self.module else schemes:
            self.scheme = scheme
            try:
                sizes = Sizes(1 if self.one_step else TRIAL.T, 1 if self.one_sequence else TRIAL.N, TRIAL.D, TRIAL.H)
                if plausible(self, sizes, np.random.default_rng(5)) is None:
                    return True
            except Exception:  # noqa: BLE001 - whatever their code raises on tensors that it was not made for
                continue
        return False

    def shapes(self, D: int, H: int) -> dict[str, tuple[int, ...]]:
        if not self.module:
            return {n: self.scheme.shape(n, D, H) for n in self.parameters}
        return {n: tuple(p.shape) for n, p in construct(self.kind, D, H).named_parameters()}

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        import torch

        kind = torch.complex128 if np.iscomplexobj(x) else torch.float64

        def leaf(value: Array) -> Any:
            return torch.tensor(value, dtype=kind, requires_grad=kind is torch.float64)

        leaves = {n: leaf(v) for n, v in P.items()}
        call = self._callable(leaves, x)
        single = layouts.state_layout(self.layout)
        now = {s: leaf(layouts.to_theirs(v, single, "ND")) for s, v in states.items()}
        kept: dict[str, Any] = {"P": leaves, "states": dict(now)}
        parts = [x[[t]] for t in range(len(x))] if self.one_step else [x]
        kept["x"] = [leaf(layouts.to_theirs(p, self.layout, "TND")) for p in parts]
        kept["y"] = []
        for part in kept["x"]:
            given = [part if r == "x" else now[r] if r in now else leaves[n] for n, r in self.asked]
            result = call(*given)
            out = [r for r in _tensors(result)]
            kept["y"].append(out[0])
            now = {s: v for s, v in zip(("h", "c"), out, strict=False) if s in self.states}
        return np.concatenate([self._output(y, x) for y in kept["y"]]), kept

    def _callable(self, leaves: Mapping[str, Any], x: Array) -> Any:
        if not self.module:
            return self.kind.apply
        import torch

        sizes = self.sizes_of(leaves)
        if self._built is None or self._built[0] != sizes:
            self._built = sizes, construct(self.kind, *sizes).double()
        layer = self._built[1]
        return lambda *given: torch.func.functional_call(layer, dict(leaves), given)

    def _output(self, y: Any, x: Array) -> Array:
        value = y.detach().numpy()
        if self.one_step:
            return layouts.from_theirs(value, self.layout, "ND", {"N": x.shape[1], "D": value.shape[-1]})[None]
        return layouts.from_theirs(value, self.layout, "TND", {"T": len(x), "N": x.shape[1], "D": value.shape[-1]})

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
        single = layouts.state_layout(self.layout)
        sizes = {"T": 1 if self.one_step else len(x), "N": x.shape[1], "D": x.shape[2]}
        dx = []
        for value in values[count : count + steps]:
            whole = layouts.from_theirs(
                value, single if self.one_step else self.layout, "ND" if self.one_step else "TND", sizes
            )
            dx.append(whole[None] if self.one_step else whole)
        ends = zip(kept["states"], values[count + steps :], strict=True)
        units = {"N": x.shape[1], "D": dy.shape[2]}
        return {
            **dict(zip(kept["P"], values[:count], strict=True)),
            "x": np.concatenate(dx),
            **{s: layouts.from_theirs(v, single, "ND", units) for s, v in ends},
        }


def _tensors(result: Any) -> list[Any]:
    """The tensors of a result, in order, as deep as tuples go."""
    if isinstance(result, (tuple, list)):
        return [t for part in result for t in _tensors(part)]
    return [result]
