"""Texts, vocabularies and batches: what comes before the first layer."""

from __future__ import annotations

from gated.data.batches import PaddedBatch, shuffled_batches, stream_windows
from gated.data.corpora import python_topics, read_text, split
from gated.data.vocabulary import Vocabulary

__all__ = [
    "PaddedBatch",
    "Vocabulary",
    "python_topics",
    "read_text",
    "shuffled_batches",
    "split",
    "stream_windows",
]
