"""BLEU and chrF, computed by sacrebleu, so that the numbers can be compared with other people's.

K. Papineni, S. Roukos, T. Ward, W.-J. Zhu: BLEU. ACL 2002. M. Popović: chrF. WMT 2015. M. Post: A call for clarity in
reporting BLEU scores. WMT 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from gated.data.scores.texts import check_corpus, language
from gated.errors import require_extra, wrong_type
from gated.number_checks import told

TOKENIZERS = {"en": "13a", "zh": "zh"}


def bleu(
    candidates: Sequence[str], references: Sequence[Sequence[str]], *, lang: str = "en", lowercase: bool = False
) -> tuple[float, float, float, float]:
    """BLEU-1, BLEU-2, BLEU-3 and BLEU-4 of a corpus, from 0 to 100.

    sacrebleu splits the texts into words, its "13a" for English, its "zh" for Chinese, where every character counts;
    so they come as they are written. BLEU-4 is what `sacrebleu` prints; if a corpus has no common n-grams of some
    order, its exponential smoothing puts a small number in place of zero.

    Args:
        candidates: N texts.
        references: for each, a list of one or more texts that would be right.
        lang: "en", or "zh" for Chinese.
        lowercase: capital letters make no difference.

    Raises:
        ArgumentError, ArgumentTypeError: no candidates, another number of lists, an empty list, a text in place of a
            list, another language.
        MissingExtraError: sacrebleu is not installed.
    """
    tokenizer = TOKENIZERS[language(lang)]
    if not isinstance(lowercase, bool):
        raise wrong_type("lowercase", told(lowercase), "True or False")
    texts, columns = _columns(candidates, references)
    metrics = require_extra("sacrebleu.metrics", "scores")
    scores = [
        # force: no advice on texts that look as if they were split already
        metrics.BLEU(tokenize=tokenizer, max_ngram_order=order, lowercase=lowercase, force=True)
        for order in (1, 2, 3, 4)
    ]
    one, two, three, four = (float(score.corpus_score(texts, columns).score) for score in scores)
    return one, two, three, four


def chrf(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """chrF2 of a corpus, from 0 to 100: common n-grams of 1 to 6 characters, spaces apart, recall counted twice.

    It needs no words and is the same for every language. Of several references the best counts.

    Raises:
        ArgumentError, ArgumentTypeError, MissingExtraError: as bleu.
    """
    texts, columns = _columns(candidates, references)
    return float(require_extra("sacrebleu.metrics", "scores").CHRF().corpus_score(texts, columns).score)


def _columns(candidates: object, references: object) -> tuple[list[str], list[list[Any]]]:
    """sacrebleu's order: all first references, all second ones; None where a text has fewer."""
    texts, several = check_corpus(candidates, references)
    return texts, [list(column) for column in zip_longest(*several)]
