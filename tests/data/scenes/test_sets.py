"""Pictures in thousands: seeds, the split, what is told on the way."""

from __future__ import annotations

import numpy as np
import pytest

from gated.data.scenes import COLOURS, SHAPES, draw, parse_caption, scene_captions, score_captions, split_scenes
from gated.errors import ArgumentError, ArgumentTypeError

from .lexicon import found

pytest.importorskip("PIL")


def test_a_set_is_pictures_captions_and_scenes():
    pictures, captions, scenes = scene_captions(7, 0, size=40)
    assert pictures.shape == (7, 40, 40, 3) and pictures.dtype == np.uint8
    assert len(captions) == len(scenes) == 7 and all(isinstance(caption, str) for caption in captions)
    assert score_captions(captions, scenes).right == 1
    assert all(np.array_equal(picture, draw(scene, 40)) for picture, scene in zip(pictures, scenes, strict=True))


def test_the_same_seed_gives_the_same_and_more_begin_with_fewer():
    few, many = scene_captions(5, 3, size=24), scene_captions(9, np.random.default_rng(3), size=24)
    assert few.pictures.tobytes() == many.pictures[:5].tobytes()
    assert few.captions == many.captions[:5] and few.scenes == many.scenes[:5]
    assert scene_captions(5, 4, size=24).scenes != few.scenes


def test_both_languages_have_the_same_pictures():
    english, chinese = scene_captions(6, 1, size=24), scene_captions(6, 1, lang="zh", size=24)
    assert english.scenes == chinese.scenes and english.pictures.tobytes() == chinese.pictures.tobytes()
    assert score_captions(chinese.captions, chinese.scenes, "zh").right == 1


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("seed", range(3))
def test_the_split(seed, lang):
    split = split_scenes(400, seed, held_out=60, lang=lang, size=16)
    colours, shapes = zip(*split.unseen_pairs, strict=True)
    assert colours == tuple(COLOURS) and sorted(shapes) == sorted(SHAPES)
    assert [len(part.captions) for part in split[:3]] == [len(part.pictures) for part in split[:3]] == [400, 60, 60]
    unseen = set(split.unseen_pairs)
    for part in (split.train, split.seen):
        assert not any(unseen & set(scene.pairs) for scene in part.scenes)
        for caption in part.captions:
            claims = parse_caption(caption, lang)
            assert claims is not None and not unseen & {(g["colour"], g["shape"]) for g in claims.groups}
    assert all(unseen & set(scene.pairs) for scene in split.unseen.scenes)
    assert {pair for scene in split.unseen.scenes for pair in scene.pairs} >= unseen
    said = {meaning for caption in split.train.captions for *_, meaning in found(caption, lang)}
    assert said >= {*COLOURS, *SHAPES}, "each word of an unseen pair is seen with others"
    for part in split[:3]:
        assert score_captions(part.captions, part.scenes, lang).right == 1
    assert not set(map(repr, split.train.scenes)) & set(map(repr, [*split.seen.scenes, *split.unseen.scenes]))


def test_the_least_there_can_be_has_every_seen_pair():
    split = split_scenes(56, 0, held_out=8, size=16)
    pairs = {pair for scene in split.train.scenes for pair in scene.pairs}
    assert len(pairs) == 56 and {pair for scene in split.unseen.scenes for pair in scene.pairs} >= set(
        split.unseen_pairs
    )


def test_progress_is_told_where_it_is_asked_for(capsys):
    told = []
    scene_captions(3, 0, size=16, progress=lambda done, count: told.append((done, count)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    told.clear()
    split_scenes(56, 0, held_out=2, size=16, progress=lambda done, count: told.append((done, count)))
    assert told == [(k + 1, 60) for k in range(60)]
    scene_captions(3, 0, size=16)
    assert capsys.readouterr() == ("", "")


ERRORS = [
    (lambda: scene_captions(0, 0), "count: got 0, expected at least 1"),
    (lambda: scene_captions(2.0, 0), "count: got float 2.0, expected an integer"),
    (lambda: scene_captions(1, None), "rng: got None, expected a numpy.random.Generator or an integer seed"),
    (lambda: scene_captions(1, 0, size=8), "size: got 8, expected at least 16"),
    (lambda: scene_captions(1, 0, lang="en_GB"), "lang: got 'en_GB', expected 'en' or 'zh'"),
    (
        lambda: scene_captions(1, 0, progress=True),
        "progress: got bool True, expected a function of (pictures made, all of them) or None",
    ),
    (lambda: split_scenes(55, 0), "count: got 55, expected at least 56"),
    (lambda: split_scenes(56, 0, held_out=0), "held_out: got 0, expected at least 1"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_errors_say_what_was_wrong(call, message):
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        call()
    assert str(error.value) == message
