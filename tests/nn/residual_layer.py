"""A kind of layer that gated does not have, in a file of its own: nothing else in gated or in the tests knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gated.nn import Layer, ParameterVector, layer_of
from gated.nn.claims import Description, Shape, Weight, inner_claims
from gated.nn.equations import Part, Sum, inside
from gated.nn.network_checks import has_state


class Residual(Layer, kind="residual"):
    """y = x + inner(x), for a layer whose output is as long as its input. Its parameters are the inner layer's."""

    fresh = True

    def __init__(self, inner: Any) -> None:
        if inner.input_size != inner.output_size:
            raise ValueError(f"inner: got sizes {inner.input_size} and {inner.output_size}, expected the same")
        self.inner, self.dtype = inner, inner.dtype
        self.input_size = self.output_size = inner.input_size

    @property
    def _params(self) -> ParameterVector:  # type: ignore[override]
        return self.inner.params

    def _adopt(self, params: ParameterVector) -> None:
        self.inner._adopt(params)

    @property
    def layers(self) -> dict[str, Any]:
        """By which a network asks whether there is a state."""
        return {"inner": self.inner}

    def initial_state(self, batch: int) -> Any:
        return self.inner.initial_state(batch) if has_state(self.inner) else ()

    def forward(self, x: Any, state: Any = None, lengths: Any = None, *, rng: Any = None) -> tuple[Any, Any, Any]:
        y, last, tape = self.inner.forward(x, state or None, lengths, rng=rng)
        return x + y, last, tape

    def backward(self, tape: Any, dy: Any, dstate: Any = None) -> tuple[Any, Any, ParameterVector]:
        dx, before, grads = self.inner.backward(tape, dy, dstate)
        return dx + dy, before, grads

    # files

    def config(self) -> dict[str, Any]:
        return {"kind": "residual", "inner": self.inner.config(), "dtype": self.dtype.name}

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> Residual:
        return Residual(layer_of(config["inner"]))

    @staticmethod
    def claims(own: Description, weight: Weight) -> Iterator[tuple[str, Shape]]:
        yield from inner_claims(own.get("inner"), weight, "")

    # learning in real time

    def equations(self, name: str) -> list[Part] | None:
        inner = self.inner.equations(name)
        return None if inner is None else [Sum([[], inside(inner, "")])]

    def state_names(self) -> Any:
        return self.inner.state_names()

    def checked_state(self, name: str, state: Any, batch: int) -> Any:
        return self.inner.checked_state(name, state, batch)
