"""A dense layer, the same at every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from gated.backends import Scan, backend_of, checked_name
from gated.backends.whole_step import Link, MapLink
from gated.errors import as_array, describe, uncopied, unknown, wrong
from gated.language import relu, sigmoid, softplus, tanh
from gated.nn import checks
from gated.nn.claims import Description, Shape, Weight
from gated.nn.equations import Equations, Part
from gated.nn.initialisation import initial_value
from gated.nn.layer import Layer
from gated.nn.maps import planned
from gated.nn.parameters import ParameterVector
from gated.nn.refusals import refuse_tape

Array = np.ndarray[Any, Any]


def _linear(x, *, W, b):  # type: ignore[no-untyped-def]
    return W.y @ x + b.y


def _linear_no_bias(x, *, W):  # type: ignore[no-untyped-def]
    return W.y @ x


def _sigmoid(x, *, W, b):  # type: ignore[no-untyped-def]
    return sigmoid(W.y @ x + b.y)


def _tanh(x, *, W, b):  # type: ignore[no-untyped-def]
    return tanh(W.y @ x + b.y)


def _relu(x, *, W, b):  # type: ignore[no-untyped-def]
    return relu(W.y @ x + b.y)


def _softplus(x, *, W, b):  # type: ignore[no-untyped-def]
    return softplus(W.y @ x + b.y)


ACTIVATIONS = {None: _linear, "sigmoid": _sigmoid, "tanh": _tanh, "relu": _relu, "softplus": _softplus}


@dataclass(eq=False)
class DenseTape:
    """What a forward pass of a dense layer leaves for its backward pass."""

    layer: Dense
    scan: Scan

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise uncopied("tape", "it belongs to one forward pass: keep y, or run forward again")


class Dense(Layer, kind="dense"):
    """y = activation(W.y @ x + b.y) at every step.

    Args:
        input_size: length of x_t.
        output_size: length of y_t.
        activation: None, "sigmoid", "tanh", "relu" or "softplus".
        bias: without it (only for activation None) y = W.y @ x.
        dtype: "float32" or "float64".
        seed: of the initial parameters.
        init: see `gated.nn.initialisation`; "pytorch" is U(±1/√input_size), as torch.nn.Linear.
        backend: "native" or "reference".
    """

    fresh = True

    def __init__(
        self,
        input_size: int,
        output_size: int,
        activation: str | None = None,
        *,
        bias: bool = True,
        dtype: Any = "float32",
        seed: Any = 0,
        init: str = "pytorch",
        backend: str = "native",
    ) -> None:
        self.input_size = checks.size("input_size", input_size)
        self.output_size = checks.size("output_size", output_size)
        if not isinstance(activation, (str, type(None))) or activation not in ACTIVATIONS:
            raise unknown("activation", activation, ACTIVATIONS)
        self.activation, self.bias = activation, checks.flag("bias", bias)
        if not self.bias and activation is not None:
            raise wrong("bias", f"False with activation {activation!r}", "True, or activation None")
        self.dtype = checks.dtype(dtype)
        self.backend_name = checked_name(backend)
        self._plan()
        parameters = self._schedule.graph.parameters
        shapes = {name: tuple(self._sizes[dim] for dim in shape) for name, shape in parameters.items()}
        sizes = {"input_size": self.input_size, "output_size": self.output_size}
        checks.room(sizes, self.input_size * self.output_size, self.dtype)
        self.params = ParameterVector(shapes, self.dtype)
        rng = checks.generator(seed)
        for name, shape in shapes.items():
            self.params[name][...] = initial_value(init, shape, self.input_size, rng)

    def _plan(self) -> None:
        self._schedule = planned(ACTIVATIONS[self.activation] if self.bias else _linear_no_bias)
        graph = self._schedule.graph
        self._sizes = {graph.dims["x"]: self.input_size, graph.parameters["W.y"][0]: self.output_size}

    def forward(
        self, x: Any, state: Any = None, lengths: Any = None, *, rng: Any = None
    ) -> tuple[Array, tuple[()], DenseTape]:
        """x (..., input_size) -> y (..., output_size), no state, the tape. `lengths` and `rng` change nothing here."""
        return self._forward(self._checked(x, own=True))

    def forward_owned(
        self, x: Array, state: Any = None, lengths: Any = None, *, rng: Any = None
    ) -> tuple[Array, tuple[()], DenseTape]:
        """As `forward`, of an array that nobody else will write to: the tape holds it without a copy."""
        return self._forward(self._checked(x, own=False))

    def infer(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Array, tuple[()]]:
        """As `forward`, without a tape."""
        return self._forward(self._checked(x, own=False), sealed=False)[:2]

    def _checked(self, x: Any, own: bool) -> Array:
        x = as_array("x", x)
        if x.ndim == 0:
            raise wrong("x", describe(x), f"shape (..., {self.input_size})")
        leading: tuple[int | str, ...] = ("T", "N", "...")[: x.ndim - 1] if x.ndim <= 4 else tuple("n" * (x.ndim - 1))
        return checks.array("x", x, (*leading, self.input_size), self.dtype, own=own)

    def _forward(self, x: Array, sealed: bool = True) -> tuple[Array, tuple[()], DenseTape]:
        rows = x.reshape(-1, self.input_size)
        y, scan = backend_of(self).map(self._schedule, self._sizes, self.params, {"x": rows}, sealed)
        if self.activation is not None:  # its derivative may be made of the output, which is the caller's to change
            y = y.copy()
        return y.reshape(*x.shape[:-1], self.output_size), (), DenseTape(self, scan)

    def backward(self, tape: DenseTape, dy: Any, dstate: Any = None) -> tuple[Array, tuple[()], ParameterVector]:
        """dy, of y's shape -> dx, no state, the parameters' gradients (summed over all steps and sequences).

        Raises:
            ArgumentError, ArgumentTypeError: a shape or dtype does not fit, the tape is of another layer, or the
                parameters have changed since.
        """
        if not isinstance(tape, DenseTape) or tape.layer is not self:
            refuse_tape(tape, self)
        dy, scan = as_array("dy", dy), tape.scan
        rows = checks.array("dy", dy, dy.shape, self.dtype)
        if dy.shape[-1:] != (self.output_size,) or dy.size != scan.rows * self.output_size:
            raise wrong("dy", describe(dy), f"the shape of y: {scan.rows} rows of {self.output_size}")
        backend = backend_of(self)
        grads = self.params.zeros(backend)
        dx = backend.map_backward(scan, rows.reshape(-1, self.output_size), grads)[0]
        return dx.reshape(*dy.shape[:-1], self.input_size), (), grads

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key not in ("_schedule", "_sizes")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._plan()

    def config(self) -> dict[str, Any]:
        return {
            "kind": "dense",
            "input_size": self.input_size,
            "output_size": self.output_size,
            "activation": self.activation,
            "bias": self.bias,
            "dtype": self.dtype.name,
        }

    @staticmethod
    def claims(own: Description, weight: Weight) -> Iterator[tuple[str, Shape]]:
        columns, rows = (checks.size(name, own.get(name)) for name in ("input_size", "output_size"))
        yield "W.y", (rows, columns)
        if own.get("bias", True):
            yield "b.y", (rows,)

    def links(self, start: int) -> list[Link]:
        starts = {name: start + self.params.span(name)[0] for name in self._schedule.graph.parameters}
        return [MapLink(self._schedule, self._sizes, starts, self.output_size)]

    def equations(self, name: str) -> list[Part]:
        return [Equations(self._schedule.graph, {key: key for key in self._schedule.graph.parameters})]

    def __repr__(self) -> str:
        return f"Dense({self.input_size}, {self.output_size}" + (f", {self.activation!r})" if self.activation else ")")
