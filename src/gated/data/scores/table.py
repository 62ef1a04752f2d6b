"""All scores of a set of captions at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data.scores.cider import cider_d
from gated.data.scores.sacre import bleu, chrf
from gated.data.scores.texts import caption_words, check_corpus


class CaptionScores(NamedTuple):
    """What caption_scores found. Printed, it is a table; `rich.print` draws it with lines.

    Attributes:
        bleu: BLEU-1 to BLEU-4, from 0 to 100.
        chrf: from 0 to 100.
        cider_d: the mean, from 0 to 10.
        each_cider_d: (N,) float64, that of each caption.
    """

    bleu: tuple[float, float, float, float]
    chrf: float
    cider_d: float
    each_cider_d: NDArray[np.float64]

    def rows(self) -> list[tuple[str, str, str]]:
        """(score, value, what the best would be) as texts."""
        rows = [(f"BLEU-{n}", f"{value:.1f}", "100") for n, value in enumerate(self.bleu, 1)]
        return [*rows, ("chrF", f"{self.chrf:.1f}", "100"), ("CIDEr-D", f"{self.cider_d:.2f}", "10")]

    def __str__(self) -> str:
        lines = [f"{name:<8}{value:>7} of {best:>3}" for name, value, best in self.rows()]
        return "\n".join([*lines, f"captions {len(self.each_cider_d):>6}"])

    def __rich__(self) -> Any:
        from rich.table import Table  # rich is there: it asks

        table = Table("score", title=f"{len(self.each_cider_d)} captions")
        for heading in ("value", "at most"):
            table.add_column(heading, justify="right")
        for row in self.rows():
            table.add_row(*row)
        return table


def caption_scores(
    candidates: Sequence[str], references: Sequence[Sequence[str]], *, lang: str = "en"
) -> CaptionScores:
    """BLEU, chrF and CIDEr-D of captions as they are written; capital letters make no difference.

    CIDEr-D counts the words of caption_words, BLEU those of sacrebleu.

    Args:
        candidates: N texts.
        references: for each, a list of one or more texts that people wrote.
        lang: "en", or "zh" for Chinese.

    Raises:
        ArgumentError, ArgumentTypeError, MissingExtraError: as bleu.
    """
    texts, several = check_corpus(candidates, references)
    words = bleu(texts, several, lang=lang, lowercase=True)
    cider = cider_d(texts, several, words=caption_words)
    small = [text.lower() for text in texts], [[text.lower() for text in each] for each in several]
    return CaptionScores(words, chrf(*small), cider.mean, cider.captions)
