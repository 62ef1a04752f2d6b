"""Texts in words: how they are cut, the words' numbers, captions as arrays.

`Tokenizer` cuts English into words, numbers and signs, and Chinese into characters or, with jieba, into words: either
without losing anything, for a language model, or lower-cased, for captions. `WordVocabulary` numbers the words that are
frequent enough. `caption_ids` makes captions one array and `caption_texts` texts of them again.
"""

from __future__ import annotations

from gated.data.words.captions import caption_ids, caption_texts
from gated.data.words.tokens import Tokenizer, count_words
from gated.data.words.vocabulary import SPECIALS, WordVocabulary
from gated.publish import publish

publish("gated.data.words", Tokenizer, WordVocabulary)

__all__ = ["SPECIALS", "Tokenizer", "WordVocabulary", "caption_ids", "caption_texts", "count_words"]
