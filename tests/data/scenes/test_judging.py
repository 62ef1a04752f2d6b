"""Verdicts on one scene, by hand; scores of many."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gated.data.scenes import (
    ATTRIBUTES,
    Group,
    Scene,
    draw,
    judge_caption,
    parse_caption,
    random_scene,
    score_captions,
    write_caption,
)
from gated.errors import ArgumentError, ArgumentTypeError

RED = Group("circle", "red", "small", (214, 40, 40), 60, ((140, 250), (360, 250)))
BLUE = Group("square", "blue", "large", (38, 92, 214), 90, ((750, 250),))
OTHER = Group("circle", "blue", "small", (38, 92, 214), 60, ((750, 750), (860, 640)))
SCENE = Scene((BLUE, RED), (250, 250, 250))

# caption: false claims by attribute, and whether it tells of all groups
VERDICTS = {
    "two small red circles are left of the blue square": ("", True),
    "two red circles and a blue square": ("", True),
    "two red circles": ("", False),
    "a blue square": ("", False),
    "three small red circles are left of the blue square": ("count", True),
    "a red circle and a blue square": ("count", True),
    "two large red circles are left of the blue square": ("size", True),
    "two small red circles are right of the blue square": ("relation", True),
    "two small red circles are above and to the left of the blue square": ("relation", True),
    "two small green circles are left of the blue square": ("colour", True),
    "two small red stars are left of the blue square": ("shape", True),
    "two small green stars are left of the red square": ("colour colour shape", True),
    "two red circles at the top left and a blue square": None,
    "two red circles in the upper left corner and a blue square at the bottom": ("place", True),
    "the blue square is bigger than two red circles": ("", True),
    "the blue square is smaller than two red circles": ("relation", True),
    "a blue star and a blue square": ("colour shape count", True),
}


@pytest.mark.parametrize("caption", VERDICTS)
def test_verdicts_by_hand(caption):
    verdict = judge_caption(caption, SCENE)
    if VERDICTS[caption] is None:
        assert verdict.claims is None and not verdict.true and not verdict.right and not any(verdict.claimed.values())
        return
    false, complete = VERDICTS[caption]
    lost = " ".join(
        key
        for key in ("colour", *ATTRIBUTES[:1], *ATTRIBUTES[2:])
        for _ in range(verdict.claimed[key] - verdict.held[key])
    )
    assert lost == false
    assert verdict.true == (false == "") and verdict.complete == complete
    assert verdict.right == (verdict.true and complete)


def test_groups_of_one_shape_are_told_apart_by_colour():
    scene = Scene((RED, OTHER), (250, 250, 250))
    assert judge_caption("two red circles and two blue circles", scene).right
    assert parse_caption("两个圆在左边", "zh") is None  # without a colour there is no caption


def test_more_groups_than_there_are():
    verdict = judge_caption("two red circles and a blue square", Scene((RED,), (250, 250, 250)))
    assert verdict.complete and not verdict.true
    assert verdict.claimed == {"shape": 2, "colour": 2, "size": 0, "count": 2, "place": 0, "relation": 0}
    assert verdict.held == {"shape": 1, "colour": 1, "size": 0, "count": 1, "place": 0, "relation": 0}
    verdict = judge_caption("两个红色的圆在一个蓝色的方块的左边", Scene((BLUE,), (250, 250, 250)), "zh")
    assert verdict.held["relation"] == 0 and verdict.claimed["relation"] == 1


def test_one_group_is_told_once():
    """Two phrases cannot both be about the same group."""
    verdict = judge_caption("two red circles and two red circles", SCENE)
    assert not verdict.true and verdict.held["colour"] == 1


def test_scores():
    captions = ["two red circles and a blue square", "two red circles", "two red stars and a blue square", "and"]
    score = score_captions(captions, [SCENE] * 4)
    assert score[:3] == (1 / 4, 2 / 4, 3 / 4)
    assert score.attributes["colour"] == 1 and score.attributes["shape"] == 4 / 5
    assert score.attributes["count"] == 1 and math.isnan(score.attributes["size"])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_captions_of_other_scenes_are_mostly_wrong(lang):
    rng = np.random.default_rng(0)
    scenes = [random_scene(rng) for _ in range(300)]
    captions = [write_caption(scene, rng, lang) for scene in scenes]
    assert score_captions(captions, scenes, lang).right == 1
    others = score_captions(captions, scenes[1:] + scenes[:1], lang)
    assert others.right < 0.02 and others.parsed == 1
    assert 0.05 < others.attributes["colour"] < 0.4 and 0.05 < others.attributes["shape"] < 0.4


LANG = "lang: got 'fr', expected 'en' or 'zh'"
ERRORS = [
    (lambda: parse_caption("a red circle", "fr"), LANG),
    (lambda: parse_caption(None), "caption: got None, expected a text"),
    (lambda: parse_caption(3), "caption: got 3, expected a text"),
    (lambda: judge_caption("a red circle", None), "scene: got None, expected a Scene of gated.data.scenes"),
    (lambda: judge_caption("a red circle", SCENE, "fr"), LANG),
    (lambda: write_caption(SCENE, 0, "fr"), LANG),
    (lambda: write_caption((), 0), "scene: got tuple (), expected a Scene of gated.data.scenes"),
    (lambda: write_caption(SCENE, -1), "rng: got -1, expected at least 0"),
    (lambda: random_scene(None), "rng: got None, expected a numpy.random.Generator or an integer seed"),
    (lambda: draw(None), "scene: got None, expected a Scene of gated.data.scenes"),
    (lambda: draw(SCENE, 15), "size: got 15, expected at least 16"),
    (lambda: draw(SCENE, 64.0), "size: got float 64.0, expected an integer"),
    (lambda: score_captions("a red circle", [SCENE]), "captions: got str 'a red circle', expected a sequence of texts"),
    (lambda: score_captions([], []), "captions: got 0 for 0 scenes, expected one for each scene, at least one"),
    (lambda: score_captions(["a"], []), "captions: got 1 for 0 scenes, expected one for each scene, at least one"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_errors_say_what_was_wrong(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        call()
    assert str(error.value) == message
