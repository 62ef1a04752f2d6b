"""Layers, losses, networks, initialisation."""

from gated.lazy import submodules
from gated.nn.recurrent import Recurrent  # the first of the kinds that an error lists

# isort: split
from gated.nn.dense import Dense
from gated.nn.dropout import Dropout
from gated.nn.embedding import Embedding
from gated.nn.kinds import layer_of
from gated.nn.layer import Layer
from gated.nn.named import GRU, LSTM, RNN, PeepholeLSTM
from gated.nn.network import Network, network_from_config
from gated.nn.parameters import ParameterVector
from gated.nn.pooling import Pool
from gated.nn.tape import Tape
from gated.nn.wired_network import WiredNetwork
from gated.publish import publish

publish("gated", Dense, Dropout, Embedding, Network, Pool, Recurrent, WiredNetwork)
publish("gated.nn", Layer, ParameterVector, Tape)

__getattr__, __dir__ = submodules(__name__)

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Dense",
    "Dropout",
    "Embedding",
    "Layer",
    "Network",
    "ParameterVector",
    "PeepholeLSTM",
    "Pool",
    "Recurrent",
    "Tape",
    "WiredNetwork",
    "layer_of",
    "network_from_config",
]
