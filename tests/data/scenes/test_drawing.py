"""Scenes and their pixels: what is said to be in a picture can be counted and measured in it."""

from __future__ import annotations

import hashlib
import itertools
import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from gated.data.scenes import COLOURS, SHAPES, draw, random_scene, write_caption
from gated.data.scenes.scene import PAIRS, Scene, facts
from gated.errors import MissingExtraError

pytest.importorskip("PIL")


def scenes(count, seed):
    rng = np.random.default_rng(seed)
    return [random_scene(rng) for _ in range(count)]


def things(scene, size):
    """The separate spots of a picture as masks, each with the index of the group that it is of."""
    picture = draw(scene, size).astype(int)
    spots, count = ndimage.label(abs(picture - scene.ground[0]).max(-1) > 25, np.ones((3, 3)))
    for number in range(1, count + 1):
        mask = spots == number
        y, x = np.argwhere(mask).mean(0) * 1000 / size
        gaps = [min(abs(x - px) + abs(y - py) for px, py in group.points) for group in scene.groups]
        yield mask, int(np.argmin(gaps)), picture


def test_counts_colours_sizes_and_places_are_in_the_pixels():
    size = 250
    for scene in scenes(60, 0):
        counts = [0] * len(scene.groups)
        extents = [[] for _ in scene.groups]
        for mask, index, picture in things(scene, size):
            group = scene.groups[index]
            counts[index] += 1
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            inner = ndimage.binary_erosion(mask, iterations=2)
            shade = np.median(picture[inner], axis=0)
            nearest = min(COLOURS, key=lambda name: abs(shade - COLOURS[name]).sum())
            assert nearest == group.colour
            assert (len(rows) > 0.15 * size) == (group.size == "large"), "how high it is tells large from small"
            extents[index].append((columns[0], rows[0], columns[-1], rows[-1]))
        assert counts == [group.count for group in scene.groups]
        boxes = [(*np.min(e, axis=0)[:2], *np.max(e, axis=0)[2:]) for e in extents]
        known = facts(scene.groups)
        for name, (left, top, right, bottom) in zip("ab", boxes, strict=False):
            for axis, words, middle in (
                ("column", ("left", "middle", "right"), (left + right) / 2),
                ("row", ("top", "middle", "bottom"), (top + bottom) / 2),
            ):
                assert known[name, axis] == words[np.searchsorted([0.375 * size, 0.625 * size], middle)]
        if len(boxes) == 2:
            (left, top, right, bottom), (left_b, top_b, right_b, bottom_b) = boxes
            found = {"left": right < left_b, "right": left > right_b, "above": bottom < top_b, "below": top > bottom_b}
            assert {key: known.get(("a", key)) == "b" for key in found} == found
            assert any(found.values())


def test_shapes_differ_in_their_pixels():
    scene = next(s for s in scenes(80, 1) if len(s.groups) == 1 and s.groups[0].size == "small")
    group = replace(scene.groups[0], rgb=(0, 0, 0))
    pictures = [draw(Scene((replace(group, shape=shape),), (255, 255, 255)), 32).astype(float) for shape in SHAPES]
    ink = (255 - pictures[0]).sum()
    for one, other in itertools.combinations(pictures, 2):
        assert abs(one - other).sum() > 0.15 * ink


def test_nothing_leaves_the_picture_or_touches_another():
    for scene in scenes(2000, 2):
        assert len(set(scene.pairs)) == len(scene.groups) in (1, 2)
        for group in scene.groups:
            assert min(group.box) >= 0 and max(group.box) <= 1000
            assert 1 <= group.count <= (4 if len(scene.groups) == 1 else 3)
        every = [(point, group.radius) for group in scene.groups for point in group.points]
        for (p, r), (q, s) in itertools.combinations(every, 2):
            assert max(abs(p[0] - q[0]), abs(p[1] - q[1])) > r + s


def test_everything_is_met():
    every = [group for scene in scenes(3000, 3) for group in scene.groups]
    assert {(g.colour, g.shape) for g in every} == set(PAIRS)
    assert {(g.size, g.count, g.row, g.column) for g in every} == set(
        itertools.product(("small", "large"), (1, 2, 3, 4), ("top", "middle", "bottom"), ("left", "middle", "right"))
    )


def digest(*parts):
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def test_a_seed_means_the_same_scenes_captions_and_bytes_everywhere():
    found = scenes(40, 5)
    rng = np.random.default_rng(6)
    text = "\n".join(write_caption(scene, rng, lang) for scene in found for lang in ("en", "zh"))
    assert digest(repr(found).encode()) == "f7f834b86f8d73a2"
    assert digest(text.encode()) == "7e68d368187abf07"
    assert digest(*(draw(scene, 48).tobytes() for scene in found)) == "96234fd2dbf7d709"


@pytest.mark.parametrize("size", [16, 33, 64, 200])
def test_the_size_of_a_picture(size):
    (scene,) = scenes(1, 4)
    picture = draw(scene, size)
    assert picture.shape == (size, size, 3) and picture.dtype == np.uint8
    picture[:] = 0  # it is the caller's own
    assert draw(scene, size).any()


def test_scenes_go_through_pickle():
    (scene,) = scenes(1, 8)
    again = pickle.loads(pickle.dumps(scene))
    assert again == scene and hash(again) == hash(scene) and type(scene).__module__ == "gated.data.scenes"


def test_without_pillow_the_error_says_what_to_install(monkeypatch):
    (scene,) = scenes(1, 9)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=r"install it with: pip install 'gated\[pictures\]'"):
        draw(scene)
    assert write_caption(scene, 0)
