"""A table of vectors, looked up by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gated.backends import backend_of, checked_name
from gated.backends.whole_step import Link, TableLink
from gated.nn import checks
from gated.nn.claims import Description, Shape, Weight
from gated.nn.equations import LookUp, Part
from gated.nn.layer import Layer
from gated.nn.parameters import ParameterVector
from gated.nn.refusals import refuse_tape

Array = np.ndarray[Any, Any]


class Embedding(Layer, kind="embedding"):
    """y = W[id]: the product of Wᵀ with a one-hot vector, made by a look-up.

    Args:
        num_embeddings: how many ids there are, 0 .. num_embeddings - 1.
        size: length of each vector.
        dtype: "float32" or "float64".
        seed: of the initial table, N(0, 1) as torch.nn.Embedding.
        backend: "native" or "reference".
    """

    fresh = True

    def __init__(
        self, num_embeddings: int, size: int, *, dtype: Any = "float32", seed: Any = 0, backend: str = "native"
    ) -> None:
        self.num_embeddings = checks.size("num_embeddings", num_embeddings)
        self.size = self.output_size = checks.size("size", size)
        self.dtype = checks.dtype(dtype)
        self.backend_name = checked_name(backend)
        sizes = {"num_embeddings": self.num_embeddings, "size": self.size}
        checks.room(sizes, self.num_embeddings * self.size, self.dtype)
        self.params = ParameterVector({"W": (self.num_embeddings, self.size)}, self.dtype)
        self.params["W"] = checks.generator(seed).standard_normal((self.num_embeddings, self.size))

    def forward(
        self, x: Any, state: Any = None, lengths: Any = None, *, rng: Any = None
    ) -> tuple[Array, tuple[()], Array]:
        """ids (...), integers -> vectors (..., size), no state, the tape."""
        ids = np.array(checks.ids("x", x, self.num_embeddings))  # a copy, for it is the tape
        return backend_of(self).look_up(self.params["W"], ids), (), ids

    def infer(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Array, tuple[()]]:
        """As `forward`, without a tape."""
        return self.forward(x)[:2]

    def backward(self, tape: Array, dy: Any, dstate: Any = None) -> tuple[None, tuple[()], ParameterVector]:
        """dy (..., size) -> (no adjoint for ids, no state, the gradient: the sum of dy over each id's occurrences)."""
        if (
            not isinstance(tape, np.ndarray)
            or tape.dtype.kind not in "iu"
            or (tape.size and not 0 <= tape.min() <= tape.max() < self.num_embeddings)
        ):
            refuse_tape(tape, self)
        dy = checks.array("dy", dy, (*tape.shape, self.size), self.dtype)
        backend = backend_of(self)
        grads = self.params.zeros(backend)
        backend.look_up_backward(tape, dy, grads["W"])
        return None, (), grads

    def config(self) -> dict[str, Any]:
        return {"kind": "embedding", "num_embeddings": self.num_embeddings, "size": self.size, "dtype": self.dtype.name}

    @staticmethod
    def claims(own: Description, weight: Weight) -> Iterator[tuple[str, Shape]]:
        rows, columns = (checks.size(name, own.get(name)) for name in ("num_embeddings", "size"))
        yield "W", (rows, columns)

    @property
    def id_count(self) -> int:
        return self.num_embeddings

    def links(self, start: int) -> list[Link]:
        return [TableLink(start, self.num_embeddings, self.size)]

    def equations(self, name: str) -> list[Part]:
        return [LookUp("W")]

    def __repr__(self) -> str:
        return f"Embedding({self.num_embeddings}, {self.size})"
