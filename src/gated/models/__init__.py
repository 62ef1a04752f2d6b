"""Whole models: a character language model, the one by counting that it has to beat, and the captioner of a course
assignment (`gated.models.cs231n`)."""

from __future__ import annotations

from gated.lazy import submodules
from gated.models.language_model import CharacterLanguageModel
from gated.models.ngram import KneserNey
from gated.publish import publish

publish("gated.models", CharacterLanguageModel, KneserNey)

__getattr__, __dir__ = submodules(__name__)

__all__ = ["CharacterLanguageModel", "KneserNey"]
