"""The layers of a model of piano rolls: recurrent ones, and a head with a number for each key."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gated.data.music import KEYS
from gated.data.music.rolls import Roll
from gated.errors import shown

LAYERS = "rnn", "head"
USUAL = 4  # keys that sound at a time, where nothing else is known


def roll_network(
    cell: Any,
    rolls: Sequence[Roll] | None,
    hidden_size: int,
    num_layers: int,
    dropout: float,
    dtype: str,
    seed: int,
    backend: str,
) -> Any:
    """A network from rolls (T, N, 88) to logits (T, N, 88). cell: None for the GRU of the zoo.

    The head's biases begin at the logits of how often each key sounds. From biases at 0, where half of all keys would
    sound, the first updates drive the hidden units to their limits, to silence the keys by them, and there they stay.
    """
    from gated import cells
    from gated.nn import Dense, Network, Recurrent

    common: dict[str, Any] = {"dtype": dtype, "backend": backend}
    rnn = Recurrent(
        cells.gru if cell is None else cell,
        KEYS,
        hidden_size,
        num_layers=num_layers,
        dropout=dropout,
        seed=seed,
        **common,
    )
    head = Dense(rnn.output_size, KEYS, seed=seed + 1, **common)
    head.params["b.y"] = _logits(rolls)
    return Network({"rnn": rnn, "head": head})


def _logits(rolls: Sequence[Roll] | None) -> Any:
    """(88,): of the share of the steps at which a key sounds; each has sounded once, and been silent once, besides."""
    if rolls is None:
        return np.full(KEYS, math.log(USUAL / (KEYS - USUAL)))
    sounded = np.sum([roll.sum(0) for roll in rolls], axis=0) + 1.0
    return np.log(sounded / (sum(map(len, rolls)) + 2.0 - sounded))


def misfit(network: Any) -> str | None:
    """What is wrong with a network as one of piano rolls, if something is."""
    from gated.nn import Network, Recurrent

    if not isinstance(network, Network) or tuple(network.layers) != LAYERS or not network.is_chain:
        return f"got {shown(network)}, expected a Network of the layers {' and '.join(LAYERS)}"
    rnn = network.layers["rnn"]
    if not isinstance(rnn, Recurrent) or rnn.bidirectional or rnn.batch_first:
        return f"got {shown(rnn)} as rnn, expected a Recurrent of one direction, time first"
    if (network.input_size, network.output_size) != (KEYS, KEYS):
        return f"got a network from {network.input_size} to {network.output_size} numbers, expected {KEYS} to {KEYS}"
    return None
