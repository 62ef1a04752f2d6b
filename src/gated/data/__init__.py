"""Texts, vocabularies, batches and the classical tasks: what comes before the first layer."""

from __future__ import annotations

from gated.data.batches import shuffled_batches, stream_windows
from gated.data.byte_vocabulary import ByteVocabulary
from gated.data.corpora import python_topics, read_text, split
from gated.data.feature_cache import kept_features
from gated.data.pictures import Pictures
from gated.data.reber import (
    CONTINUAL_REBER,
    EMBEDDED_REBER,
    REBER,
    REBER_SYMBOLS,
    embedded_reber_string,
    is_embedded_reber,
    is_reber,
    legal_successors,
    reber_string,
    reber_test_set,
)
from gated.data.reber_task import (
    ReberScore,
    continual_reber,
    continual_reber_steps,
    reber_batch,
    reber_score,
    reber_sequence,
    reber_success,
    reber_task,
)
from gated.data.sequences import Sequences
from gated.data.task_batch import endless
from gated.data.tasks import ORDER_SYMBOLS, adding, copy_memory, long_lag, temporal_order, triggered_lag
from gated.data.timing import generating_timed_spikes, measuring_spike_distances, periodic_function
from gated.data.vision import IMAGENET_MEAN, IMAGENET_STD, onnx_features
from gated.data.vocabulary import Vocabulary
from gated.lazy import submodules
from gated.publish import publish

__getattr__, __dir__ = submodules(__name__)

publish("gated.data", ByteVocabulary, Pictures, ReberScore, Vocabulary)

__all__ = [
    "ByteVocabulary",
    "CONTINUAL_REBER",
    "EMBEDDED_REBER",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "ORDER_SYMBOLS",
    "Pictures",
    "REBER",
    "REBER_SYMBOLS",
    "ReberScore",
    "Sequences",
    "Vocabulary",
    "adding",
    "continual_reber",
    "continual_reber_steps",
    "copy_memory",
    "embedded_reber_string",
    "endless",
    "generating_timed_spikes",
    "is_embedded_reber",
    "is_reber",
    "legal_successors",
    "kept_features",
    "long_lag",
    "measuring_spike_distances",
    "onnx_features",
    "periodic_function",
    "python_topics",
    "read_text",
    "reber_batch",
    "reber_score",
    "reber_sequence",
    "reber_string",
    "reber_success",
    "reber_task",
    "reber_test_set",
    "shuffled_batches",
    "split",
    "stream_windows",
    "temporal_order",
    "triggered_lag",
]
