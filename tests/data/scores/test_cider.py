"""CIDEr-D against pycocoevalcap's numbers, and against what its formula says of small corpora."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from gated.data.scores import caption_words, cider_d
from gated.errors import ArgumentError, ArgumentTypeError

ORACLE = json.loads((Path(__file__).parent / "cider.json").read_text(encoding="utf-8"))


def test_it_is_pycocoevalcaps():
    found = cider_d(ORACLE["candidates"], ORACLE["references"])
    np.testing.assert_allclose(found.captions, ORACLE["each"], rtol=1e-12, atol=1e-13)
    assert found.mean == pytest.approx(ORACLE["mean"], rel=1e-12)
    assert len(found.captions) == 200 and 0.5 < found.mean < 10 and found.captions.dtype == np.float64


def test_its_own_reference_scores_ten():
    corpus = ["a red cat on a mat", "two dogs run very far", "one bird sings in the rain"]
    found = cider_d(corpus, [[text] for text in corpus])
    assert found.captions == pytest.approx([10, 10, 10])
    assert found.mean == pytest.approx(10)


def test_only_single_words_in_common_by_hand():
    """Two pictures, one common word of two on each side, every word rare alike: cosine 1/2, of one order of four."""
    found = cider_d(["a b", "x y"], [["b a"], ["u v"]])
    assert found.captions == pytest.approx([10 / 4, 0])
    longer = cider_d(["a", "x"], [["a b c"], ["u"]])
    assert longer.captions[0] == pytest.approx(10 / 4 / math.sqrt(3) * math.exp(-4 / 72))


def test_one_picture_scores_nothing():
    assert cider_d(["a b"], [["a b"]]).mean == 0


def test_words_as_they_are_written():
    found = cider_d(["Two dogs, running.", "红色的圆"], [["two dogs running"], ["红色的圆。"]], words=caption_words)
    assert found.captions == pytest.approx([7.5, 10])  # three words have no four in a row


def test_the_order_of_references_and_pictures_is_nothing():
    rng = np.random.default_rng(0)
    order = rng.permutation(len(ORACLE["candidates"]))
    found = cider_d([ORACLE["candidates"][n] for n in order], [ORACLE["references"][n][::-1] for n in order])
    np.testing.assert_allclose(found.captions, np.array(ORACLE["each"])[order], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "candidates, references, kind, message",
    [
        ([], [], ArgumentError, "candidates: got none, expected at least one"),
        ("a b", [["a"]], ArgumentTypeError, "candidates: got str 'a b', expected a list of texts"),
        (["a"], ["a"], ArgumentTypeError, "references[0]: got str 'a', expected a list of texts"),
        (["a"], "a", ArgumentTypeError, "references: got str 'a', expected a list of texts for each"),
        (["a"], [], ArgumentError, "references: got 0 lists, expected one for each of 1 candidates"),
        (["a", "b"], [["a"], []], ArgumentError, "references[1]: got none, expected at least one text"),
        (["a", 3], [["a"], ["b"]], ArgumentTypeError, "candidates[1]: got int 3, expected a text"),
        (["a"], [["a", None]], ArgumentTypeError, "references[0][1]: got None, expected a text"),
        (None, [["a"]], ArgumentTypeError, "candidates: got None, expected a list of texts"),
        ([b"a"], [["a"]], ArgumentTypeError, "candidates[0]: got bytes b'a', expected a text"),
    ],
)
def test_errors(candidates, references, kind, message):
    with pytest.raises(kind) as caught:
        cider_d(candidates, references)
    assert str(caught.value) == message


@pytest.mark.parametrize("words", [None, len, lambda text: text, lambda text: [1]])
def test_a_function_of_words_that_is_none(words):
    with pytest.raises(ArgumentTypeError, match="^words: got .*, expected a function "):
        cider_d(["a"], [["a"]], words=words)


def test_no_words_of_no_text():
    with pytest.raises(ArgumentTypeError, match="^text: got 3, expected a text$"):
        caption_words(3)
