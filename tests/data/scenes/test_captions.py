"""Captions are true, varied and read back as they were meant; a wrong word is seen.

What words mean is written by hand in lexicon.py, and what is true is taken from the groups, so that the grammars do not
judge themselves.
"""

from __future__ import annotations

import functools
import re
from collections import Counter

import numpy as np
import pytest

from gated.data.scenes import judge_caption, parse_caption, random_scene, write_caption
from gated.data.scenes.claims import GRAMMARS

from .lexicon import MEANING, found, sentence_shape

LANGUAGES = ["en", "zh"]


def drawn(count, lang, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        scene = random_scene(rng)
        yield scene, write_caption(scene, rng, lang)


@functools.cache
def many(lang):
    """Captions of 3,000 scenes."""
    return [caption for _, caption in drawn(3000, lang, 0)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_caption_reads_as_what_is_true_in_one_way_only(lang, seed):
    for scene, caption in drawn(400, lang, seed):
        assert len(GRAMMARS[lang].read(caption)) == 1, caption
        verdict = judge_caption(caption, scene, lang)
        assert verdict.right and verdict.claimed == verdict.held, (caption, scene)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_caption_says_the_words_of_its_scene_and_no_others(lang):
    for scene, caption in drawn(600, lang, 7):
        said = {(kind, meaning) for _, _, kind, meaning in found(caption, lang)}
        for kind in ("colour", "shape"):
            assert {meaning for k, meaning in said if k == kind} == {getattr(g, kind) for g in scene.groups}, caption
        counts = {meaning for kind, meaning in said if kind == "count"}
        assert counts <= {str(group.count) for group in scene.groups}, caption
        assert {group.size for group in scene.groups} >= sizes(said, lang, caption), caption


def sizes(said, lang, caption):
    """Sizes that are told of a group; in Chinese the words of comparison are those of size."""
    return set() if lang == "zh" and "比" in caption.replace("比较", "") else {m for kind, m in said if kind == "size"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_many_shapes_of_sentences(lang):
    shapes = Counter(sentence_shape(caption, lang) for caption in many(lang))
    assert len(shapes) > 2000
    assert max(shapes.values()) < 100, "none is met at every turn"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_many_words_and_each_of_them_is_met(lang):
    words = set(GRAMMARS[lang].words)
    assert len(words) > 110
    text = "\n".join(many(lang))
    met = set(text.replace(",", "").replace(";", "").split()) if lang == "en" else {w for w in words if w in text}
    assert words - met == set()
    assert met - words == ({"an"} if lang == "en" else set())


OPPOSITE = {
    **{"above": "below", "below": "above", "over": "under", "under": "over", "beneath": "above", "higher": "lower"},
    **{"left": "right", "right": "left", "larger": "smaller", "bigger": "smaller", "smaller": "larger"},
    **{"top": "bottom", "bottom": "top", "upper": "lower", "lower": "upper", "small": "large", "tiny": "huge"},
    **{"large": "small", "big": "small", "huge": "tiny", "two": "three", "three": "four", "four": "two"},
    **{"左": "右", "右": "左", "上": "下", "下": "上", "顶部": "底部", "底部": "顶部", "很小": "很大", "小小": "大大"},
    **{"比较小": "比较大", "小": "大", "很大": "很小", "比较大": "比较小", "大大": "小小", "大": "小"},
    **{"两": "三", "三": "四", "四": "两"},
}


def changed(caption, scene, lang):
    """The caption with one word of content exchanged, for every such word; and which kind of word it was."""
    for start, end, kind, _ in found(caption, lang):
        word = caption[start:end]
        others = [OPPOSITE[word]] if word in OPPOSITE else []
        if kind in ("colour", "shape"):
            there = {getattr(group, kind) for group in scene.groups}
            alike = [w for w, m in MEANING[lang][kind].items() if m not in there and len(w) >= len(word)]
            others = [w for w in alike if lang == "zh" or kind == "colour" or w.endswith("s") == word.endswith("s")][:4]
        for other in others:
            text = caption[:start] + other + caption[end:]
            if lang == "en":
                text = re.sub(r"\ban? (?=(\w))", lambda m: "an " if m[1] in "aeiou" else "a ", text)
            yield text, kind


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_wrong_word_is_seen(lang):
    seen = Counter()
    for scene, caption in drawn(250, lang, 11):
        for text, kind in changed(caption, scene, lang):
            verdict = judge_caption(text, scene, lang)
            assert not verdict.right, (caption, text)
            seen[kind, verdict.claims is not None] += 1
            if verdict.claims is not None:
                lost = {key for key, count in verdict.claimed.items() if count != verdict.held[key]}
                kinds = {kind} if kind in ("colour", "shape", "count") else {"size", "place", "relation"}
                assert len(lost) == 1 and lost <= kinds, (text, lost)
    for kind in MEANING[lang]:
        parsed, whole = seen[kind, True], seen[kind, True] + seen[kind, False]
        assert whole > 10 and parsed > whole / 3, f"{kind}: {parsed} of {whole} can be read"


NO_SENTENCES = {
    "en": [
        *("", "red", "circle", "two red circle", "a red circles", "two red circles is at the top", "a orange circle"),
        *(
            "an red circle",
            "a red red circle",
            "a red circle and",
            "a red circle at the top top",
            "one red circle are tiny",
        ),
        *(
            "a red circle left of",
            "a red dog",
            "five red circles",
            "一个红色的圆",
            "a red circle, a blue square",
            "a " * 3000,
        ),
        "a red circle has a blue square to their left",
    ],
    "zh": [
        *(
            "",
            "红色",
            "圆",
            "一颗红色的圆",
            "一块三角形是红色的",
            "一个红色",
            "五个红色的圆",
            "一个红色的狗",
            "a red circle",
        ),
        *("两颗红色的方块", "一个红色的圆和", "一个红色的圆在的左边", "图里有一个圆，它们是红色的和", "圆" * 3000),
    ],
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_no_sentence(lang):
    for text in NO_SENTENCES[lang]:
        assert parse_caption(text, lang) is None, text[:60]


def test_claims_by_hand():
    claims = parse_caption("two small red circles are left of the blue square")
    assert claims.groups == (
        {"colour": "red", "count": "2", "number": "many", "shape": "circle", "size": "small"},
        {"colour": "blue", "count": "1", "number": "one", "shape": "square"},
    )
    assert claims.relations == ((0, "left", 1),)
    assert parse_caption("两个红色的小圆在蓝色正方形的左边", "zh").relations == claims.relations
    assert parse_caption("两个红色的小圆在蓝色正方形的左边", "zh").groups == (
        {"colour": "red", "count": "2", "shape": "circle", "size": "small"},
        {"colour": "blue", "shape": "square"},
    )
    claims = parse_caption("the circle that is above and to the right of an orange heart is red and tiny")
    assert claims.relations == ((0, "above", 1), (0, "right", 1))
    assert claims.groups[0] == {"colour": "red", "count": "1", "number": "one", "shape": "circle", "size": "small"}


def test_signs_and_spaces_and_capitals_do_not_matter():
    plain = parse_caption("here is a square in red, and it is at the top")
    assert plain is not None and plain == parse_caption("Here is  a square in red , and it is at the top.")
    plain = parse_caption("图片上画着一个蓝色的圆，它的左边是一颗红色的爱心", "zh")
    assert plain is not None
    assert plain == parse_caption("图片 上 画 着 一个 蓝色 的 圆 ， 它 的 左边 是 一颗 红色 的 爱心 。", "zh")
