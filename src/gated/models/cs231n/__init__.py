"""The functions and the class of a well-known course assignment, captions of images by a recurrent network, over gated.

Signatures, layouts and return values are those of the NumPy edition (CS231n, assignment 3, 2016 to 2021): x is
(N, T, D), weights stand to the right of it, the gates of the LSTM are i f o g. So a solution of one's own can be laid
beside it. No gradient is written here: all are derived, as everywhere in gated. Computed in the dtype of the arguments;
no argument is changed, and a cache may be used more than once.
"""

from __future__ import annotations

from gated.lazy import submodules
from gated.models.cs231n.captioning import CaptioningRNN
from gated.models.cs231n.recurrent import (
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
)
from gated.models.cs231n.words import (
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)
from gated.publish import publish

publish("gated.models.cs231n", CaptioningRNN)

__getattr__, __dir__ = submodules(__name__)

__all__ = [
    "CaptioningRNN",
    "lstm_backward",
    "lstm_forward",
    "lstm_step_backward",
    "lstm_step_forward",
    "rnn_backward",
    "rnn_forward",
    "rnn_step_backward",
    "rnn_step_forward",
    "temporal_affine_backward",
    "temporal_affine_forward",
    "temporal_softmax_loss",
    "word_embedding_backward",
    "word_embedding_forward",
]
