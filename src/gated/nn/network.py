"""Layers in a chain, their parameters in one vector."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gated.errors import FileFormatError, GatedError, describe, shown, wrong, wrong_type
from gated.nn.claims import claims, entries
from gated.nn.dense import Dense
from gated.nn.embedding import Embedding
from gated.nn.parameters import ParameterVector
from gated.nn.recurrent import Recurrent

Array = np.ndarray[Any, Any]
Layer = Any  # has forward, backward, params, config: Recurrent, Dense, Embedding or a user's own
States = dict[str, tuple[Array, ...]]

KINDS: dict[str, Any] = {"recurrent": Recurrent, "dense": Dense, "embedding": Embedding}


class Network:
    """A chain of named layers: the output of each is the input of the next.

    Args:
        layers: name -> layer, in order, e.g. {"embed": Embedding(...), "rnn": LSTM(...), "head": Dense(...)}. The
            layers' parameters move into one vector; a layer belongs to one network.

    Attributes:
        params: "rnn.l0.W.i" -> writable view; theta: all parameters, one contiguous vector.

    Raises:
        ArgumentError, ArgumentTypeError: no layers, a bad name, sizes that do not fit, layers of different dtypes.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        if not isinstance(layers, Mapping) or not layers:
            raise wrong_type("layers", describe(layers), "a dict of at least one named layer")
        _check_chain(layers)
        self.layers = dict(layers)
        shapes = {
            f"{name}.{key}": shape for name, layer in layers.items() for key, shape in layer.params.shapes.items()
        }
        self.dtype = next(iter(layers.values())).dtype
        self.params = ParameterVector(shapes, self.dtype)
        start = 0
        for layer in self.layers.values():
            part = self.theta[start : start + layer.theta.size]
            part[...] = layer.theta
            layer.params = layer.params.like(part)
            start += part.size

    @property
    def theta(self) -> Array:
        return self.params.vector

    def forward(
        self,
        x: Any,
        state: States | None = None,
        lengths: Any = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> tuple[Array, States, list[Any]]:
        """Run the chain.

        Args:
            x: input of the first layer, (T, N, ...) (time first, unless the recurrent layers are batch_first).
            state: {name: state tuple} for recurrent layers; zeros for those not given.
            lengths: (N,) as `Recurrent.forward`.
            rng: generator for dropout; without it there is none.

        Returns:
            the last layer's output, {name: last state}, the tape.
        """
        self._check_state(state)
        tapes, last = [], {}
        for name, layer in self.layers.items():
            x, after, tape = layer.forward(x, (state or {}).get(name), lengths, rng=rng)
            tapes.append(tape)
            if after:
                last[name] = after
        return x, last, tapes

    def backward(self, tape: list[Any], dy: Any, dstate: States | None = None) -> tuple[Any, States, ParameterVector]:
        """dx (None where the first layer takes ids), {name: adjoint of the initial state}, grads as `params`."""
        if not isinstance(tape, list) or len(tape) != len(self.layers):
            raise wrong_type("tape", describe(tape), "the tape of this network's forward()")
        self._check_state(dstate, "dstate")
        grads = self.params.like()
        first: States = {}
        stop = self.theta.size
        for (name, layer), part in zip(reversed(self.layers.items()), reversed(tape), strict=True):
            dy, before, own = layer.backward(part, dy, (dstate or {}).get(name))
            grads.vector[stop - own.vector.size : stop] = own.vector
            stop -= own.vector.size
            if before:
                first[name] = before
        return dy, first, grads

    def _check_state(self, state: Any, argument: str = "state") -> None:
        recurrent = [name for name, layer in self.layers.items() if isinstance(layer, Recurrent)]
        if state is None:
            return
        if not isinstance(state, Mapping):
            raise wrong_type(
                argument, describe(state), f"a dict of layer name -> state for {', '.join(recurrent) or 'no layer'}"
            )
        for name in state:
            if name not in recurrent:
                raise wrong(
                    argument,
                    f"the name {name!r}",
                    f"names of recurrent layers: {', '.join(recurrent) or 'there are none'}",
                )

    def config(self) -> dict[str, Any]:
        """All that is needed to build the network again (JSON-able), but for the parameters' values."""
        return {"kind": "network", "layers": [[name, layer.config()] for name, layer in self.layers.items()]}

    def __repr__(self) -> str:
        return "Network(" + ", ".join(f"{name}={layer!r}" for name, layer in self.layers.items()) + ")"


def _check_chain(layers: Mapping[str, Layer]) -> None:
    before: tuple[str, Any] | None = None
    for name, layer in layers.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise wrong("layers", f"the name {name!r}", "names such as 'embed' or 'rnn1'")
        if not all(hasattr(layer, attribute) for attribute in ("forward", "backward", "params", "config")):
            raise wrong_type(f"layers[{name!r}]", describe(layer), "a layer: Recurrent, Dense, Embedding")
        if before is not None:
            size, wants = getattr(before[1], "output_size", None), getattr(layer, "input_size", None)
            if size is not None and wants is not None and size != wants:
                raise wrong(f"layers[{name!r}]", f"input_size {wants}", f"{size}, the output size of {before[0]!r}")
            if before[1].dtype != layer.dtype:
                raise wrong_type(
                    f"layers[{name!r}]", f"dtype {layer.dtype}", f"{before[1].dtype}, the dtype of {before[0]!r}"
                )
        before = name, layer


def network_from_config(config: Any, claimed: Callable[[str, tuple[int, ...], str], None] | None = None) -> Network:
    """The network that `Network.config` described; runs no code from the file.

    Args:
        claimed: called with name, shape and dtype of every parameter before any layer is built; it raises to refuse.

    Raises:
        FileFormatError: the description is not one.
    """
    for claim in claims(config):
        if claimed is not None:
            claimed(*claim)
    layers: dict[str, Layer] = {}
    for name, own in entries(config):
        try:
            layers[name] = KINDS[own["kind"]].from_config(own)
        except FileFormatError:
            raise
        except (GatedError, TypeError, ValueError, MemoryError, OverflowError) as error:
            raise FileFormatError(f"network: layer '{shown(name)}' cannot be built: {shown(error, 150)}") from error
    try:
        return Network(layers)
    except GatedError as error:
        raise FileFormatError(f"network: {shown(error, 200)}") from error
