"""What words mean, for the tests: written by hand, not taken from the grammars."""

from __future__ import annotations

import re
from collections.abc import Iterator

NAMES = "circle", "square", "triangle", "diamond", "star", "cross", "ring", "heart"
MEANING = {
    "en": {
        "colour": {
            **{name: name for name in ("red", "orange", "yellow", "green", "blue", "purple", "brown", "black")},
            **{"crimson": "red", "azure": "blue", "violet": "purple"},
        },
        "shape": {
            **{f"{name}{ending}": name for ending in ("", "s") for name in NAMES},
            **{"crosses": "cross", "disc": "circle", "discs": "circle", "rhombus": "diamond", "rhombuses": "diamond"},
            **{"plus sign": "cross", "plus signs": "cross"},
        },
        "size": {"small": "small", "tiny": "small", "large": "large", "big": "large", "huge": "large"},
        "count": {"two": "2", "three": "3", "four": "4"},
        "place": {"top": "top", "upper": "top", "bottom": "bottom", "lower": "bottom"},
        "relation": {
            **{"above": "above", "over": "above", "higher": "above", "below": "below", "under": "below"},
            **{"beneath": "below", "left": "left", "right": "right"},
            **{"larger": "larger", "bigger": "larger", "smaller": "smaller"},
        },
    },
    "zh": {
        "colour": {
            **{
                "鲜红色": "red",
                "红色": "red",
                "橙色": "orange",
                "橘色": "orange",
                "金黄色": "yellow",
                "黄色": "yellow",
            },
            **{"绿色": "green", "蓝色": "blue", "紫色": "purple", "棕色": "brown", "褐色": "brown", "咖啡色": "brown"},
            **{
                "黑色": "black",
                "红": "red",
                "黄": "yellow",
                "绿": "green",
                "蓝": "blue",
                "紫": "purple",
                "黑": "black",
            },
        },
        "shape": {
            **{"圆环": "ring", "圆形": "circle", "圆": "circle", "正方形": "square", "方块": "square"},
            **{"三角形": "triangle", "三角": "triangle", "菱形": "diamond", "五角星": "star", "星星": "star"},
            **{"十字形": "cross", "十字": "cross", "环形": "ring", "爱心": "heart", "桃心": "heart"},
        },
        "size": {
            "很小": "small",
            "小小": "small",
            "比较小": "small",
            "很大": "large",
            "比较大": "large",
            "大大": "large",
        }
        | {"小": "small", "大": "large"},
        "count": {"两": "2", "三": "3", "四": "4"},
        "place": {"顶部": "top", "底部": "bottom"},
        "relation": {"左": "left", "右": "right", "上": "above", "下": "below"},
    },
}
SIGNS = {"en": r"\b(?:{})\b", "zh": "(?:{})"}
# with these words in them, 上, 大 and 小 are no claims of their own
ASIDE = {"en": (), "zh": ("画面上", "图上", "图片上", "这张图上", "这幅画上", "要大一些", "要小一些", "三角形", "三角")}


def found(caption: str, lang: str) -> Iterator[tuple[int, int, str, str]]:
    """Start, end, kind and meaning of each word that means something, from left to right."""
    words = {word: (kind, meaning) for kind, own in MEANING[lang].items() for word, meaning in own.items()}
    words = {word: (None, "") for word in ASIDE[lang] if word not in words} | words
    longest = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    for match in re.finditer(SIGNS[lang].format(longest), caption):
        kind, meaning = words[match[0]]
        if kind is not None:
            yield match.start(), match.end(), kind, meaning


def sentence_shape(caption: str, lang: str) -> str:
    """A caption with its words of content replaced by their kinds in capitals, whatever their number; verbs by BE."""
    parts, end = [], 0
    for start, after, kind, _ in found(caption, lang):
        parts += [caption[end:start], kind.upper()]
        end = after
    shape = "".join([*parts, caption[end:]])
    for pattern, kind in SAME[lang].items():
        shape = re.sub(pattern, kind, shape)
    return shape


SAME = {
    "en": {
        r"\b(a single|a couple of|an?|one)\b(?! of)": "COUNT",
        r"\b(is placed|are placed|is|are|lies?|sits?|appears?|can be seen)\b": "BE",
        r"\b(picture|image|drawing)\b": "PICTURE",
        r"\b(shapes?|figures?|things?)\b": "THING",
        r"\b(its|their|it|them|they)\b": "IT",
    },
    "zh": {"一对|(COUNT|一)[个颗块]": "COUNT", "画面|图片|这张图|这幅画": "PICTURE", "它们": "它"},
}
