"""Layers in a chain, their parameters in one vector."""

from __future__ import annotations

import contextlib
import fnmatch
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np

from gated.backends import DEFAULT, backend_of
from gated.backends.whole_step import Link
from gated.errors import FileFormatError, GatedError, describe, shown, wrong, wrong_type
from gated.nn import checks, whole_pass
from gated.nn.claims import Description, Shape, Weight, claims, entries
from gated.nn.further import further_inputs, given, handed_back, taken
from gated.nn.kinds import KINDS, TIED
from gated.nn.layer import Layer
from gated.nn.linked import Linked, explain, linked, links_of
from gated.nn.network_checks import check_layers, check_state, has_state, ids_inside
from gated.nn.network_layers import NetworkLayers
from gated.nn.network_stream import NetworkStream
from gated.nn.parameters import ParameterVector
from gated.nn.refusals import refuse_tape
from gated.nn.stack import Stack

Array = np.ndarray[Any, Any]
Layer_ = Any  # has forward, backward, params, config: Recurrent, Dense, Embedding, Network or a user's own
States = dict[str, Any]  # name -> tuple of arrays, or such a dict again


class Network(Layer, kind="network"):
    """A chain of named layers: the output of each is the input of the next.

    Args:
        layers: name -> layer, in order, e.g. {"embed": Embedding(...), "rnn": LSTM(...), "head": Dense(...)}. The
            layers' parameters move into one vector; a layer belongs to one network (see `gated.nn.layer`). A layer may
            be a network itself. The same layer under two names is tied: one set of parameters, whose gradients are
            summed.

    Attributes:
        layers: name -> layer, as they were given; read-only.
        params: "rnn.l0.W.i" -> writable view, for a network in a network "encoder.rnn.l0.W.i"; theta: all parameters,
            one contiguous vector. Tied parameters are held once, under the first name, and found under both.
        backend_name: who computes what belongs to no single layer: sums of gradients, and within `full_step`,
            `truncated_step`, `Training` and `Online` the loss, the clipping and the update. The backend of the layers
            that name one, if they agree; "reference" if they differ; None, the default one, if none does.

    Raises:
        ArgumentError, ArgumentTypeError: no layers, a bad name, sizes that do not fit, layers of different dtypes, a
            layer of another network.
    """

    _linked: Linked | str | None = None
    _frozen: tuple[str, ...] = ()
    is_chain = True  # each layer reads the one before

    def __init__(self, layers: Mapping[str, Layer_], *more: Any) -> None:
        if more:
            expected = "one dict of named layers: Network({'rnn': ..., 'head': ...})"
            raise wrong_type("layers", f"{1 + len(more)} arguments", expected)
        if not isinstance(layers, Mapping) or not layers:
            raise wrong_type("layers", describe(layers), "a dict of at least one named layer")
        check_layers(layers, self.is_chain)
        self._layers = dict(layers)
        self._further = further_inputs(self._layers)
        self.dtype = next(iter(layers.values())).dtype
        shapes: dict[str, tuple[int, ...]] = {}
        ties: dict[str, str] = {}
        fixed: dict[str, tuple[int, ...]] = {}
        for name, layer in layers.items():
            first, own = self._first_name(layer), layer.params
            if first == name:
                shapes |= {f"{name}.{key}": shape for key, shape in own.shapes.items()}
                fixed |= {f"{name}.{key}": shape for key, shape in own.fixed_shapes.items()}
                ties |= {f"{name}.{key}": f"{name}.{held}" for key, held in own.ties.items()}
            else:
                ties |= {f"{name}.{key}": f"{first}.{own.ties.get(key, key)}" for key in [*own.shapes, *own.ties]}
        checks.room({"layers": len(layers)}, sum(math.prod(shape) for shape in shapes.values()), self.dtype)
        whole, spans, behind = ParameterVector(shapes, self.dtype, ties=ties, fixed=fixed), self._spans(), 0
        for name, layer in self._distinct().items():
            start, stop = spans[name]
            whole.vector[start:stop] = layer.theta
            own = layer.params.fixed_vector
            whole.fixed_vector[behind : behind + own.size] = own
            behind += own.size
        self._adopt(whole)

    @property
    def layers(self) -> NetworkLayers:
        return NetworkLayers(self._layers)

    @layers.setter
    def layers(self, value: Any) -> NoReturn:
        self.layers.refuse("other layers")

    @property
    def fresh(self) -> bool:  # type: ignore[override]
        """Whether nobody else sees what `forward` gives out: as the last layer says."""
        return getattr(next(reversed(self._layers.values())), "fresh", False) is True

    @property
    def backend_name(self) -> str | None:  # type: ignore[override]
        """That of its layers; see the class."""
        found = {getattr(layer, "backend_name", None) for layer in self._layers.values()} - {None}
        return next(iter(found), None) if len(found) < 2 else DEFAULT

    # parameters

    def _adopt(self, params: ParameterVector) -> None:
        """The layers' parameters become views into another vector, of the same numbers."""
        self._params, self._linked, spans, behind = params, None, self._spans(), 0
        for name, layer in self._distinct().items():
            start, stop = spans[name]
            size = layer.params.fixed_vector.size
            views = layer.params.like(
                params.vector[start:stop], params, params.fixed_vector[behind : behind + size] if size else None
            )
            behind += size
            if isinstance(layer, Layer):
                layer._adopt(views)
            else:  # a user's own
                layer.params = views

    def _first_name(self, layer: Layer_) -> str:
        return next(name for name, other in self._layers.items() if other is layer)

    def _distinct(self) -> dict[str, Layer_]:
        """Every layer once, under its first name."""
        return {name: layer for name, layer in self._layers.items() if self._first_name(layer) == name}

    def _spans(self) -> dict[str, tuple[int, int]]:
        """Name -> where the layer's parameters begin and end in the vector, for tied layers under all their names."""
        found: dict[str, tuple[int, int]] = {}
        start = 0
        for name, layer in self._layers.items():
            first = self._first_name(layer)
            if first == name:
                found[name] = start, start + layer.theta.size
                start += layer.theta.size
            else:
                found[name] = found[first]
        return found

    def parts(self) -> Iterator[tuple[str, Layer_, int]]:
        """Every layer in the order of the chain, networks taken apart.

        Yields:
            name ("encoder.rnn"), layer, where its parameters begin in the vector. A tied layer comes again.
        """
        spans = self._spans()
        for name, layer in self._layers.items():
            start, _ = spans[name]
            if isinstance(layer, Network) and layer.is_chain:
                yield from ((f"{name}.{inner}", part, start + own) for inner, part, own in layer.parts())
            else:
                yield name, layer, start

    def arrays(self) -> dict[str, Array]:
        """All that a file holds: the parameters by name, and the fixed arrays."""
        return {**self.params, **self.fixed}

    def freeze(self, *patterns: str) -> None:
        """Keep parameters from learning: no update by `gated.learning` moves them, weight decay included, and in the
        gradient's norm they do not count. Copies and pickles know of it, files do not.

        Args:
            patterns: names, or patterns of them: "rnn.l0.W.*". Without any, all parameters.

        Raises:
            ArgumentError, ArgumentTypeError: one fits no parameter.
        """
        found = {self.params.ties.get(name, name) for name in self._fitting("freeze", patterns)}
        self._frozen = tuple(name for name in self.params if name in found or name in self._frozen)

    def unfreeze(self, *patterns: str) -> None:
        """Let parameters learn again. Arguments and errors as of `freeze`."""
        found = {self.params.ties.get(name, name) for name in self._fitting("unfreeze", patterns)}
        self._frozen = tuple(name for name in self._frozen if name not in found)

    @property
    def frozen(self) -> tuple[str, ...]:
        """The names of the parameters that do not learn, in the order of theta."""
        return self._frozen

    def _fitting(self, call: str, patterns: tuple[Any, ...]) -> list[str]:
        names, found = [*self.params, *self.params.ties], []
        for pattern in patterns or ("*",):
            if not isinstance(pattern, str):
                raise wrong_type(call, describe(pattern), "names of parameters, or patterns such as 'rnn.l0.W.*'")
            fitting = fnmatch.filter(names, pattern)
            if not fitting and patterns:
                few = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
                raise wrong(call, shown(repr(pattern), 60), f"names of parameters, or patterns of them: {few}")
            found += fitting
        return found

    # sizes

    @property
    def input_size(self) -> Any:
        """That of the first layer; None if it has none (an Embedding takes ids)."""
        return getattr(next(iter(self._layers.values())), "input_size", None)

    @property
    def first_size(self) -> Any:
        """Length of the first layer's first input."""
        first = next(iter(self._layers.values()))
        return getattr(first, "first_size", getattr(first, "input_size", None))

    @property
    def output_size(self) -> Any:
        """That of the last layer."""
        return getattr(list(self._layers.values())[-1], "output_size", None)

    def initial_state(self, batch: int) -> States:
        """Zeros for every layer that has a state, by name."""
        return {name: layer.initial_state(batch) for name, layer in self._layers.items() if has_state(layer)}

    @property
    def further(self) -> dict[str, list[str]]:
        """Layer -> names of its inputs besides the output before it: given to the network as "layer.name"."""
        return self._further

    def _taken(self, x: Any) -> tuple[Any, dict[str, Any]]:
        return taken(self._further, self._layers, x) if self._further else (x, {})

    # calls

    def forward(
        self,
        x: Any,
        state: States | None = None,
        lengths: Any = None,
        *,
        rng: np.random.Generator | None = None,
        resets: Any = None,
    ) -> tuple[Array, States, list[Any]]:
        """Run the chain.

        Args:
            x: input of the first layer, (T, N, ...) (time first, unless the recurrent layers are batch_first). Where
                cells have several inputs a dict: {"x": x, "rnn.dt": dt}, those besides the first one by layer and name.
            state: {name: state tuple} for recurrent layers, {name: such a dict} for networks; zeros for those not
                given.
            lengths: (N,) as `Recurrent.forward`; ids beyond them are not looked at either.
            rng: generator for dropout; without it there is none.
            resets: (T, N) booleans, where sequences begin anew: see `Recurrent.forward`.

        Returns:
            the last layer's output, {name: last state}, the tape.
        """
        return self._forward(x, state, lengths, rng, owned=False, resets=resets)

    def forward_owned(
        self, x: Any, state: States | None = None, lengths: Any = None, *, rng: np.random.Generator | None = None
    ) -> tuple[Array, States, list[Any]]:
        """As `forward`, of an array that nobody else will write to."""
        return self._forward(x, state, lengths, rng, owned=True)

    def _forward(
        self,
        x: Any,
        state: States | None,
        lengths: Any,
        rng: np.random.Generator | None,
        owned: bool,
        resets: Any = None,
    ) -> tuple[Array, States, list[Any]]:
        self._check_state(state)
        tapes: list[Any] = []
        last: States = {}
        x, more = self._taken(x)
        x = ids_inside(self, x, lengths)
        for name, layer in self._layers.items():
            cut = {} if resets is None or not _takes_resets(layer) else {"resets": resets}
            run = getattr(layer, "forward_owned", layer.forward) if owned and not cut else layer.forward
            x, after, tape = run(given(layer, x, more.get(name)), (state or {}).get(name), lengths, rng=rng, **cut)
            # what such a layer gives to the next is seen by nobody else: no tape needs a copy of it
            owned = getattr(layer, "fresh", False) is True
            tapes.append(tape)
            if after:
                last[name] = after
        return x, last, tapes

    def infer(
        self, x: Any, state: States | None = None, lengths: Any = None, *, resets: Any = None
    ) -> tuple[Array, States]:
        """As `forward`, without a tape and without dropout: the last layer's output, {name: last state}."""
        self._check_state(state)
        found = self._infer_linked(x, state, lengths) if resets is None else None
        if found is not None:
            return found
        last = {}
        x, more = self._taken(x)
        x = ids_inside(self, x, lengths)
        for name, layer in self._layers.items():
            run = getattr(layer, "infer", None) or layer.forward  # a user's own layer may have no other
            cut = {} if resets is None or not _takes_resets(layer) else {"resets": resets}
            x, after, *_ = run(given(layer, x, more.get(name)), (state or {}).get(name), lengths, **cut)
            if after:
                last[name] = after
        return x, last

    def _infer_linked(self, x: Any, state: States | None, lengths: Any) -> tuple[Array, States] | None:
        """All layers in one call, unless one of them says itself what it computes, or something is wrong."""
        if isinstance(self.linked, Linked):
            with contextlib.suppress(GatedError):  # the layers find it too, and say where
                return whole_pass.infer(self, self.linked, x, state, lengths)
        return None

    def stream(self, batch: int = 1, state: States | None = None) -> NetworkStream:
        """One time step at a time, and draws from what comes out.

        Args:
            batch: N, sequences side by side.
            state: as in `forward`.

        Raises:
            ArgumentError: a size or shape does not fit, or a layer is bidirectional.
        """
        return NetworkStream(self, batch, state)

    def backward(self, tape: list[Any], dy: Any, dstate: States | None = None) -> tuple[Any, States, ParameterVector]:
        """dx (None where the first layer takes ids; a dict where x was one), {name: adjoint of the initial state},
        grads as `params`.

        Raises:
            ArgumentError, ArgumentTypeError: something does not fit, or parameters have changed since `forward`.
        """
        if not isinstance(tape, list) or len(tape) != len(self._layers):
            refuse_tape(tape, self)
        self._check_state(dstate, "dstate")
        spans, backend = self._spans(), backend_of(self)
        grads = self.params.zeros(backend)
        first: States = {}
        more: dict[str, Any] = {}
        for (name, layer), part in zip(reversed(self._layers.items()), reversed(tape), strict=True):
            dy, before, own = layer.backward(part, dy, (dstate or {}).get(name))
            dy = handed_back(name, layer, dy, more)
            start, stop = spans[name]
            backend.add(own.vector, grads.vector[start:stop])
            if before:
                first[name] = before
        return {"x": dy, **more} if more else dy, first, grads

    # whole passes

    def links(self, start: int) -> list[Link] | None:
        """Those of its layers, one behind the other."""
        found: list[Link] = []
        for _, layer, own in self.parts():
            links = links_of(layer, start + own)
            if isinstance(links, str):
                return None
            found += links
        return found

    @property
    def linked(self) -> Linked | str:
        """What a backend runs whole passes of, or why there is no such thing. Made once."""
        if self._linked is None:
            self._linked = linked(self)
        return self._linked

    def explain(self) -> str:
        """Which layers a step of training (`gated.learning.full_step`, `truncated_step`) runs in one call of machine
        code, and why it does not run the others so: a line for each."""
        return explain(self)

    def _check_state(self, state: Any, argument: str = "state") -> None:
        check_state(self._layers, state, argument)

    # files, copies

    def config(self) -> dict[str, Any]:
        """All that is needed to build the network again (JSON-able), but for the parameters' values."""
        layers: list[list[Any]] = []
        for name, layer in self._layers.items():
            first = self._first_name(layer)
            layers.append([name, layer.config() if first == name else {"kind": TIED, "to": first}])
        return {"kind": "network", "layers": layers}

    @staticmethod
    def claims(own: Description, weight: Weight) -> Iterator[tuple[str, Shape]]:
        """A network's are `gated.nn.claims.claims`, which goes into networks itself."""
        yield from ((name, shape) for name, shape, _ in claims(own))

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> Network:
        return network_from_config(config)

    def __getstate__(self) -> dict[str, Any]:
        made = "_params", "_layers", "_further", "_linked"
        kept = {key: value for key, value in vars(self).items() if key not in made}
        return kept | {"layers": self._layers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({key: value for key, value in state.items() if key != "layers"})
        Network.__init__(self, state["layers"])

    def __repr__(self) -> str:
        shown = [
            f"{name}={layer!r}" if self._first_name(layer) == name else f"{name}={self._first_name(layer)}"
            for name, layer in self._layers.items()
        ]
        return f"Network({', '.join(shown)})"


def _takes_resets(layer: Any) -> bool:
    """Whether there is something in it that could begin anew: a recurrent layer, or a chain of layers."""
    return isinstance(layer, Stack) or (isinstance(layer, Network) and layer.is_chain)


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
        if own["kind"] == TIED:
            layers[name] = layers[own["to"]]
            continue
        try:
            layers[name] = KINDS[own["kind"]].from_config(own)
        except FileFormatError:
            raise
        except (GatedError, TypeError, ValueError, MemoryError, OverflowError) as error:
            raise FileFormatError(f"network: layer '{shown(name)}' cannot be built: {shown(error, 150)}") from error
    try:
        if "wires" in config:
            from gated.nn.wired_network import WiredNetwork  # which is a Network

            return WiredNetwork(layers, config["wires"])
        return Network(layers)
    except GatedError as error:
        raise FileFormatError(f"network: {shown(error, 200)}") from error
