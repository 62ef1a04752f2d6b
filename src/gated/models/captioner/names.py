"""The names and layouts of a well-known course assignment, for the gradients of layers that have its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def by_assignment(network: Any, grads: Mapping[str, Array]) -> dict[str, Array]:
    """W_proj, b_proj, W_embed, Wx, Wh, b, W_vocab, b_vocab, as far as the layers are the assignment's.

    An affine map is (inputs, outputs) there, and the gates of the LSTM stand side by side in the columns: i f o g.
    """
    from gated.models.cs231n.columns import LSTM, RNN

    layers, found = network.layers, {"W_embed": grads["embed.W"]}
    for name, own in (("project", "proj"), ("head", "vocab")):
        if name in layers and layers[name].activation is None and layers[name].bias:
            found[f"W_{own}"] = np.ascontiguousarray(grads[f"{name}.W.y"].T)
            found[f"b_{own}"] = grads[f"{name}.b.y"]
    rnn = layers["rnn"]
    for columns in (LSTM, RNN):
        if rnn.cell == columns.cell and rnn.num_layers == 1:
            prefix = "rnn."
            names = {name.removeprefix(prefix): grads[name] for name in grads if name.startswith(prefix)}
            found["Wx"], found["Wh"], found["b"] = columns.joined(names)
    return found
