"""What a description calls for, by arithmetic, is what the network that is built from it has."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.zoo import layer_of

import gated
from gated.cells import ZOO
from gated.errors import FileFormatError
from gated.nn import Dense, Embedding, Network, Recurrent, network_from_config
from gated.nn.claims import ARRAYS, DEPTH, LAYERS, claims
from gated.nn.network import KINDS


@gated.cell
def bare(x, h):
    h = 0.5 * h + 0.5 * x
    return h


def written(network):
    return json.loads(json.dumps(network.config()))


def holds(network):
    expected = [(name, shape, network.dtype.name) for name, shape in network.params.shapes.items()]
    found, fixed = list(claims(written(network))), network.fixed
    assert [claim for claim in found if claim[0] not in fixed] == expected
    held = [(name, array.shape, network.dtype.name) for name, array in fixed.items()]
    assert [claim for claim in found if claim[0] in fixed] == held
    again = network_from_config(written(network))
    assert again.params.shapes == network.params.shapes and again.params.ties == network.params.ties


@pytest.mark.parametrize("name", ZOO)
def test_every_cell_of_the_zoo(name):
    rng = np.random.default_rng(list(ZOO).index(name))
    for _ in range(4):
        inputs, hidden, layers = (int(n) for n in rng.integers(1, 5, 3))
        layer = layer_of(ZOO[name], inputs, hidden, layers, bidirectional=bool(rng.integers(2)), dtype="float64")
        holds(Network({"rnn": layer, "head": Dense(layer.output_size, 2, bias=bool(rng.integers(2)), dtype="float64")}))


def test_sizes_ties_and_networks_in_networks():
    tied = Recurrent(gated.cells.gru, 3, 3)
    inner = Network({"a": tied, "b": tied, "c": Dense(3, 3, "tanh")})
    holds(Network({"embed": Embedding(7, 3), "in": inner, "again": inner, "bare": Recurrent(bare, 3, 3, 5)}))
    holds(Network({"rnn": Recurrent(gated.cells.projected_lstm, 3, 5, 2, bidirectional=True, sizes={"h": 2})}))
    holds(
        Network(
            {"rnn": gated.GRU(3, 5, 2, bias=False, proj_size=2), "deep": Network({"n": Network({"d": Dense(2, 1)})})}
        )
    )


def test_there_is_a_claim_for_every_kind():
    from gated.nn.claims import CLAIMS

    assert {*CLAIMS, "network"} == set(KINDS)


def network(*layers):
    return {"kind": "network", "layers": [list(layer) for layer in layers]}


DENSE = Dense(1, 1).config()
LSTM = gated.LSTM(1, 1).config()


def doubled(depth, layer):
    """Each network holds the one before twice: twice the names, and twice the layers that run."""
    for _ in range(depth):
        layer = network(("a", layer), ("b", {"kind": "tied", "to": "a"}))
    return layer


REFUSED = {
    "doubled 8 times": (doubled(8, LSTM), None),
    "doubled 15 times": (doubled(15, LSTM), f"got more than {LAYERS} layers that run"),
    "doubled 20 times": (doubled(20, LSTM), f"got more than {LAYERS} layers that run"),
    "many names": (doubled(9, Recurrent(ZOO["lstm"], 1, 1, 9).config()), f"more than {ARRAYS} parameters under all"),
    "deep": (network(("a", DENSE)), None),
    "too many layers": (network(*[(f"d{k}", DENSE) for k in range(LAYERS + 1)]), f"got more than {LAYERS} layers"),
    "a thousand layers": (network(*[(f"d{k}", DENSE) for k in range(LAYERS)]), None),
    "too many ties": (
        network(("a", DENSE), *[(f"d{k}", {"kind": "tied", "to": "a"}) for k in range(30_000)]),
        f"got more than {LAYERS} layers that run",
    ),
    "layers without parameters": (
        network(*[(f"d{k}", Recurrent(bare, 1, 1, 10_000).config()) for k in range(3)]),
        f"got more than {ARRAYS} parameters under all their names",
    ),
    "tied to itself": (network(("a", {"kind": "tied", "to": "a"})), "'a' is tied to no layer before it"),
    "tied to a later one": (network(("a", {"kind": "tied", "to": "b"}), ("b", DENSE)), "'a' is tied to no layer"),
    "tied to a number": (network(("a", DENSE), ("b", {"kind": "tied", "to": 3})), "'b' is tied to no layer before it"),
    "an option of the beginning": (network(("a", DENSE | {"init": "orthogonal"})), "layer 'a' has 'init', expected"),
    "another backend": (network(("a", LSTM | {"backend": "reference"})), "layer 'a' has 'backend', expected none"),
}  # fmt: skip
nested = DENSE
for _ in range(DEPTH):
    nested = network(("a", nested))
REFUSED["as deep as can be"] = nested, None
REFUSED["too deep"] = network(("a", nested)), f"got more than {DEPTH} networks within each other"


@pytest.mark.parametrize("name", REFUSED)
def test_limits(name):
    config, words = REFUSED[name]
    if words is None:
        assert network_from_config(config).params.vector.size > 0
    else:
        with pytest.raises(FileFormatError, match=words) as caught:
            network_from_config(config)
        assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


def test_each_claim_is_told_before_anything_is_built(monkeypatch):
    told = []

    def claimed(*claim):
        told.append(claim)
        raise FileFormatError("no")

    with pytest.raises(FileFormatError, match="^no$"):
        network_from_config(network(("rnn", LSTM | {"hidden_size": 2**30}), ("head", DENSE)), claimed)
    assert told == [("rnn.l0.W.i", (2**30, 1), "float32")]
