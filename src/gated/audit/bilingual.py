"""Sentences in English and Chinese, side by side in one table."""

from __future__ import annotations

from collections.abc import Mapping

from gated.calculus.wording import LANGUAGES


class Sentences:
    """A table key -> (English, 中文); called with a language, a key, and what stands in the braces."""

    def __init__(self, table: Mapping[str, tuple[str, str]]) -> None:
        self.table = table

    def __call__(self, lang: str, key: str, *parts: object, **pieces: object) -> str:
        return self.table[key][LANGUAGES.index(lang)].format(*parts, **pieces)
