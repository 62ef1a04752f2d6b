"""The network of a language model: what `build` makes, and what is none."""

from __future__ import annotations

from typing import Any

from gated.errors import ArgumentError, shown


def language_network(
    size: int,
    cell: Any,
    embedding_size: int,
    hidden_size: int,
    num_layers: int,
    dropout: float,
    dtype: str,
    seed: int,
    backend: str,
) -> Any:
    """Layers embed, rnn and head for `size` units, with fresh parameters. See `LanguageModel.build`."""
    from gated import cells
    from gated.nn import Dense, Embedding, Network, Recurrent

    if dropout and num_layers == 1:
        raise ArgumentError(f"dropout: got {dropout} for one layer, expected 0: it acts between recurrent layers")
    rnn = Recurrent(
        cells.lstm if cell is None else cell,
        input_size=embedding_size,
        hidden_size=hidden_size,
        num_layers=num_layers,
        dropout=dropout,
        dtype=dtype,
        seed=seed + 1,
        backend=backend,
    )
    embed = Embedding(size, embedding_size, dtype=dtype, seed=seed, backend=backend)
    head = Dense(rnn.output_size, size, dtype=dtype, seed=seed + 2, backend=backend)
    return Network({"embed": embed, "rnn": rnn, "head": head})


def misfit(network: Any, vocabulary: Any) -> str | None:
    """What is wrong with the two together, if something is: other layers, or layers for another vocabulary."""
    from gated.nn import Dense, Embedding, Recurrent

    layers, size, units = network.layers, len(vocabulary), vocabulary.units
    if list(layers) != ["embed", "rnn", "head"]:
        return f"got layers {shown(', '.join(layers))}, expected embed, rnn, head"
    for name, kind in (("embed", Embedding), ("rnn", Recurrent), ("head", Dense)):
        if not isinstance(layers[name], kind):
            return f"got a {type(layers[name]).__name__} as layer {name!r}, expected a {kind.__name__}"
    for option in ("batch_first", "bidirectional"):
        if getattr(layers["rnn"], option):
            why = f"each {units[:-1]} is predicted from those before it"
            return f"got {option}=True in layer 'rnn', expected False: {why}"
    came = (layers["embed"].num_embeddings, layers["head"].output_size)
    return None if came == (size, size) else f"got layers for {came[0]} and {came[1]} {units}, expected {size} in both"
