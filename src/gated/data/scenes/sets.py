"""Pictures with captions in thousands, and the split that asks for colours and shapes which never stood together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data.scenes.claims import grammar_of
from gated.data.scenes.drawing import LEAST, draw
from gated.data.scenes.scene import COLOURS, PAIRS, SHAPES, Pair, Scene, facts, random_scene, shuffled
from gated.data.task_batch import at_least, generator_of
from gated.errors import describe, wrong_type

Progress = Callable[[int, int], object]


class SceneSet(NamedTuple):
    """Pictures and what a caption says of each; N of them.

    Attributes:
        pictures: (N, size, size, 3) uint8, red, green, blue from 0 to 255.
        captions: N texts.
        scenes: N scenes, what is in the pictures.
    """

    pictures: NDArray[np.uint8]
    captions: list[str]
    scenes: list[Scene]


class SceneSplit(NamedTuple):
    """What to learn from, and what to judge by.

    Attributes:
        train: no picture and no caption in it has one of the unseen pairs.
        seen: pictures of the same kind that are not in `train`.
        unseen: each picture has a group with one of the unseen pairs.
        unseen_pairs: (colour, shape), one for each colour, no shape more than once; every colour and every shape is in
            `train` with others.
    """

    train: SceneSet
    seen: SceneSet
    unseen: SceneSet
    unseen_pairs: tuple[Pair, ...]


def write_caption(scene: Scene, rng: np.random.Generator | int, lang: str = "en") -> str:
    """A random true caption of a scene: it tells shape and colour of every group, and some of the rest.

    Args:
        scene: what it is about.
        rng: a generator, or a seed.
        lang: "en", or "zh" for Chinese.

    Raises:
        ArgumentError, ArgumentTypeError: another language, no scene, as generator_of.
    """
    if not isinstance(scene, Scene):
        raise wrong_type("scene", describe(scene), "a Scene of gated.data.scenes")
    grammar, generator = grammar_of(lang), generator_of(rng)
    return grammar.write(facts(shuffled(scene.groups, generator)), generator)


def scene_captions(
    count: int, rng: np.random.Generator | int, *, lang: str = "en", size: int = 64, progress: Progress | None = None
) -> SceneSet:
    """Random pictures with a caption each. The first of more are the same as those of fewer.

    Args:
        count: N.
        rng: a generator, or a seed: the same one gives the same bytes, see gated.data.scenes.
        lang: "en", or "zh" for Chinese; the pictures are the same.
        size: pixels of a picture's side, at least 16.
        progress: called with (pictures made, N) after each.

    Raises:
        ArgumentError, ArgumentTypeError: count below 1, size below 16, another language, no function as `progress`.
        MissingExtraError: Pillow is not installed.
    """
    _check(size, lang, progress, count=count)
    return _made(count, generator_of(rng), PAIRS, PAIRS, lang, size, _from(0, count, progress))


def split_scenes(
    count: int,
    rng: np.random.Generator | int,
    *,
    held_out: int = 500,
    lang: str = "en",
    size: int = 64,
    progress: Progress | None = None,
) -> SceneSplit:
    """Pictures with captions to learn from, and to judge by: of pairs of colour and shape that were seen, and others.

    Args:
        count: pictures to learn from, at least as many as there are seen pairs (56); each of these is in one.
        rng: a generator, or a seed.
        held_out: pictures in each of the other two sets.
        lang: as for scene_captions.
        size: as for scene_captions.
        progress: called with (pictures made, pictures in all three) after each.

    Raises:
        ArgumentError, ArgumentTypeError: count below 56, held_out below 1, or as scene_captions.
        MissingExtraError: Pillow is not installed.
    """
    _check(size, lang, progress, held_out=held_out)
    at_least("count", count, len(PAIRS) - len(COLOURS))
    generator = generator_of(rng)
    unseen = tuple(zip(COLOURS, shuffled(SHAPES, generator), strict=True))
    seen = tuple(pair for pair in PAIRS if pair not in unseen)
    total = count + 2 * held_out
    train, seen_again, others = (
        _made(pictures, generator, first, seen, lang, size, _from(before, total, progress))
        for before, pictures, first in ((0, count, seen), (count, held_out, seen), (count + held_out, held_out, unseen))
    )
    return SceneSplit(train, seen_again, others, unseen)


def _made(
    count: int,
    generator: np.random.Generator,
    first: Sequence[Pair],
    second: Sequence[Pair],
    lang: str,
    size: int,
    progress: Callable[[int], object],
) -> SceneSet:
    """Every pair of `first` is in one of the first pictures, in a random order; then again."""
    pictures = np.empty((count, size, size, 3), dtype=np.uint8)
    wording = np.random.default_rng(generator.integers(0, 2**63, 4))  # so that scenes do not depend on the language
    captions, scenes = [], []
    deck: list[Pair] = []
    for n in range(count):
        deck = deck or shuffled(first, generator)
        scene = random_scene(generator, [deck.pop()], second)
        scenes.append(scene)
        captions.append(write_caption(scene, wording, lang))
        pictures[n] = draw(scene, size)
        progress(n + 1)
    return SceneSet(pictures, captions, scenes)


def _check(size: int, lang: str, progress: object, **counts: int) -> None:
    for name, value in counts.items():
        at_least(name, value, 1)
    at_least("size", size, LEAST)
    grammar_of(lang)
    if progress is not None and not callable(progress):
        raise wrong_type("progress", describe(progress), "a function of (pictures made, all of them) or None")


def _from(before: int, total: int, progress: Progress | None) -> Callable[[int], object]:
    """Tells of pictures in one of several sets, if anybody wants to know."""
    return lambda done: progress and progress(before + done, total)
