"""BLEU and chrF: sacrebleu's functions called directly, numbers by hand, references of several numbers."""

from __future__ import annotations

import math
import sys

import pytest

from gated.data.scores import bleu, caption_scores, chrf, cider_d
from gated.errors import ArgumentError, ArgumentTypeError, MissingExtraError

sacrebleu = pytest.importorskip("sacrebleu")

CANDIDATES = ["a big red circle is left of two small stars .", "three green rings are at the top", "one heart"]
REFERENCES = [
    ["a large red circle is left of two small stars .", "two small stars are right of a big circle ."],
    ["three green rings can be seen at the top", "at the top are three rings that are green"],
    ["one blue heart", "a heart"],
]


def test_bleu_4_and_chrf_are_sacrebleus():
    columns = [list(column) for column in zip(*REFERENCES, strict=True)]
    assert bleu(CANDIDATES, REFERENCES)[3] == pytest.approx(
        sacrebleu.corpus_bleu(CANDIDATES, columns, force=True).score
    )
    assert chrf(CANDIDATES, REFERENCES) == pytest.approx(sacrebleu.corpus_chrf(CANDIDATES, columns).score)


def test_bleu_by_hand():
    """4 of 5 words, 2 of 4 pairs, 0 triples: a candidate as long as its reference has no penalty."""
    one, two, _, _ = bleu(["a b c d e"], [["a b x d e"]])
    assert one == pytest.approx(100 * 4 / 5)
    assert two == pytest.approx(100 * math.sqrt(4 / 5 * 2 / 4))
    short = bleu(["a b c d"], [["a b c d e f"]])
    assert short == pytest.approx([100 * math.exp(1 - 6 / 4)] * 4)


def test_fewer_references_here_than_there():
    few = [REFERENCES[0], REFERENCES[1][:1], REFERENCES[2]]
    repeated = [REFERENCES[0], REFERENCES[1][:1] * 2, REFERENCES[2]]
    assert bleu(CANDIDATES, few) == pytest.approx(bleu(CANDIDATES, repeated))
    assert chrf(CANDIDATES, few) == pytest.approx(chrf(CANDIDATES, repeated))
    assert bleu(CANDIDATES, few) != bleu(CANDIDATES, REFERENCES)


def test_chinese_is_counted_by_characters():
    candidates, references = ["三个红色的圆在左边。"], [["三个红色圆在左边。"]]
    assert bleu(candidates, references, lang="zh")[0] == pytest.approx(100 * 9 / 10)
    assert bleu(candidates, references)[0] < 20
    assert bleu(candidates, candidates and [candidates], lang="zh") == pytest.approx([100] * 4)


def test_capital_letters():
    assert bleu(["A Red Circle Here"], [["a red circle here"]])[0] < 50
    assert bleu(["A Red Circle Here"], [["a red circle here"]], lowercase=True) == pytest.approx([100] * 4)


def test_the_table():
    scores = caption_scores([text.upper() for text in CANDIDATES], REFERENCES)
    assert scores.bleu == pytest.approx(bleu(CANDIDATES, REFERENCES))
    assert scores.chrf == pytest.approx(chrf(CANDIDATES, REFERENCES))
    plain = [text.replace(" .", "") for text in CANDIDATES]
    assert scores.cider_d == pytest.approx(
        cider_d(plain, [[text.replace(" .", "") for text in each] for each in REFERENCES]).mean
    )
    assert scores.each_cider_d.shape == (3,)
    lines = str(scores).splitlines()
    assert [line.split()[0] for line in lines] == [*(f"BLEU-{n}" for n in (1, 2, 3, 4)), "chrF", "CIDEr-D", "captions"]
    assert len({len(line) for line in lines[:-1]}) == 1


def test_the_table_in_rich():
    console = pytest.importorskip("rich.console").Console(width=60)
    with console.capture() as capture:
        console.print(caption_scores(CANDIDATES, REFERENCES))
    assert "3 captions" in capture.get() and "BLEU-4" in capture.get() and "CIDEr-D" in capture.get()


@pytest.mark.parametrize("score", [bleu, chrf, caption_scores])
def test_errors(score):
    for candidates, references, kind, message in (
        ([], [], ArgumentError, "candidates: got none"),
        (["a"], ["a"], ArgumentTypeError, r"references\[0\]: got str 'a', expected a list of texts"),
        (["a", "b"], [["a"]], ArgumentError, "references: got 1 lists, expected one for each of 2"),
    ):
        with pytest.raises(kind, match=message):
            score(candidates, references)


def test_errors_of_options():
    with pytest.raises(ArgumentError, match="^lang: got 'de', expected 'en' or 'zh'$"):
        bleu(["a"], [["a"]], lang="de")
    with pytest.raises(ArgumentError, match="^lang: got 3, expected 'en' or 'zh'$"):
        caption_scores(["a"], [["a"]], lang=3)
    with pytest.raises(ArgumentTypeError, match="^lowercase: got 1, expected True or False$"):
        bleu(["a"], [["a"]], lowercase=1)


def test_without_sacrebleu(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(MissingExtraError, match=r"sacrebleu.* is needed for this; .*pip install 'gated\[scores\]'"):
        chrf(["a"], [["a"]])
    assert cider_d(["a"], [["a"]]).mean == 0
