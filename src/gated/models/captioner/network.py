"""The network of a captioner: what is seen becomes the state in which the words begin, or stands beside every word.

The plain form is that of a well-known course assignment: features -> affine -> h0; embedding; recurrent layer; affine
to the vocabulary (Vinyals et al., 2015, Show and tell, without the features as a first word). Features of several
places are read one after the other first, by layers that all places share and a recurrent layer in both directions, as
an encoder reads a sentence (Sutskever et al., 2014).

Legend: N pictures, P places, D numbers of a place or picture, V words, H hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gated.errors import describe, shown, wrong, wrong_type
from gated.number_checks import one_of, whole_above_zero

SHOWN = "both", "state", "steps"
NEEDED = "embed", "rnn", "head"


def caption_network(
    words: int,
    features: int | tuple[int, int],
    cell: Any = None,
    *,
    embedding_size: int = 64,
    hidden_size: int = 192,
    num_layers: int = 1,
    look: Sequence[int] = (),
    read: int = 96,
    show: str = "state",
    dropout: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
    backend: str = "native",
) -> Any:
    """A `WiredNetwork` with the inputs "features", (N, D) or (P, N, D), and "captions", ids (T, N).

    Its layers: look1, look2, ...; read (of places); project; embed; rnn; head.
    """
    from gated import cells
    from gated.nn import Dense, Embedding, Recurrent, WiredNetwork

    one_of("show", show, *SHOWN)
    cell = cells.lstm if cell is None else cell
    places, size = features if isinstance(features, tuple) else (None, features)
    common: dict[str, Any] = {"dtype": dtype, "backend": backend}
    layers: dict[str, Any] = {}
    wires: dict[str, Any] = {}
    seen = "features"
    for k, width in enumerate(look, 1):
        layers[f"look{k}"] = Dense(size, whole_above_zero("look", width), "tanh", seed=seed + 10 + k, **common)
        wires[f"look{k}"], seen, size = seen, f"look{k}", width
    if places is not None:
        layers["read"] = Recurrent(cell, size, read, bidirectional=True, seed=seed + 7, **common)
        wires["read"], seen, size = seen, f"read.{cell.states[0]}", 2 * layers["read"].state_sizes[0]
    at_steps = size if show != "state" else 0
    rnn = Recurrent(cell, embedding_size + at_steps, hidden_size, num_layers, dropout=dropout, seed=seed + 4, **common)
    first = cell.states[0]
    if show != "steps":
        activation = "tanh" if look or places is not None else None  # alone it is the assignment's affine map
        width = num_layers * rnn.state_sizes[0]
        layers["project"] = Dense(size, width, activation, seed=seed + 2, **common)
        wires["project"] = seen
    layers["embed"] = Embedding(words, embedding_size, seed=seed + 3, **common)
    layers["rnn"], layers["head"] = rnn, Dense(rnn.output_size, words, seed=seed + 5, **common)
    wires["embed"] = "captions"
    wires["rnn"] = {"x": ["embed", seen] if show != "state" else "embed"}
    if show != "steps":
        wires["rnn"][first] = "project"
    return WiredNetwork(layers, wires)


def misfit(network: Any, words: int) -> str | None:
    """What is wrong with a network as a captioner's, if something is."""
    from gated.nn import Dense, Embedding, Recurrent, WiredNetwork

    if not isinstance(network, WiredNetwork) or sorted(network.inputs) != ["captions", "features"]:
        return f"got {shown(network)}, expected a WiredNetwork that reads features and captions"
    layers = network.layers
    if any(name not in layers for name in NEEDED):
        return f"got layers {shown(', '.join(layers))}, expected {', '.join(NEEDED)} among them"
    for name, kind in (("embed", Embedding), ("rnn", Recurrent), ("head", Dense)):
        if not isinstance(layers[name], kind):
            return f"got a {type(layers[name]).__name__} as layer {name!r}, expected a {kind.__name__}"
    if list(layers)[-1] != "head" or layers["rnn"].bidirectional or layers["rnn"].batch_first:
        return "got layers in another order or form, expected head last, and rnn in one direction, time first"
    came = layers["embed"].num_embeddings, layers["head"].output_size
    return None if came == (words, words) else f"got layers for {came[0]} and {came[1]} words, expected {words} in both"


def feature_shape(features: Any) -> int | tuple[int, int]:
    """D, or (P, D). Raises ArgumentError, ArgumentTypeError for anything else."""
    if isinstance(features, (tuple, list)):
        if len(features) != 2:
            raise wrong("features", describe(features), "D, or (places, D)")
        return whole_above_zero("features[0]", features[0]), whole_above_zero("features[1]", features[1])
    if isinstance(features, bool) or not hasattr(features, "__index__"):
        raise wrong_type("features", describe(features), "numbers of a picture, D, or (places, D)")
    return whole_above_zero("features", features)
