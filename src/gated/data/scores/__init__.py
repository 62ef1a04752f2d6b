"""How near texts come to what people wrote: the scores that captioners and translators are compared by.

    bleu              BLEU-1 to BLEU-4 of a corpus, by sacrebleu
    chrf              chrF of a corpus, by sacrebleu
    cider_d           CIDEr-D, each caption's and the mean
    caption_scores    all of them, as a table that prints

The files, each of which imports only those above it:

    texts     the checks of candidates and references; words
    sacre     bleu, chrf
    cider     cider_d
    table     caption_scores
"""

from __future__ import annotations

from gated.data.scores.cider import CiderD, cider_d
from gated.data.scores.sacre import bleu, chrf
from gated.data.scores.table import CaptionScores, caption_scores
from gated.data.scores.texts import caption_words
from gated.publish import publish

publish("gated.data.scores", CaptionScores, CiderD)

__all__ = ["CaptionScores", "CiderD", "bleu", "caption_scores", "caption_words", "chrf", "cider_d"]
