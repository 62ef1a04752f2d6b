"""Whole models: a language model of characters, words or bytes, the one by counting that it has to beat, and the
captioner of a course assignment (`gated.models.cs231n`)."""

from __future__ import annotations

from gated.lazy import submodules
from gated.models.language_model import CharacterLanguageModel, LanguageModel
from gated.models.ngram import KneserNey
from gated.models.text_score import TextScore
from gated.publish import publish

publish("gated.models", CharacterLanguageModel, KneserNey, LanguageModel, TextScore)

__getattr__, __dir__ = submodules(__name__)

__all__ = ["CharacterLanguageModel", "KneserNey", "LanguageModel", "TextScore"]
