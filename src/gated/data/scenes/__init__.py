"""Drawn pictures with captions: what a captioner can learn from on every machine, without a download.

    random_scene      one or two groups of equal things: shape, colour, size, count, places
    draw              the picture of a scene, by Pillow
    write_caption     a true sentence about a scene, from a grammar, in English or Chinese
    parse_caption     what a sentence claims, by the same grammar
    judge_caption     whether that is true of a scene, attribute by attribute; score_captions for many
    scene_captions    pictures and captions in thousands
    split_scenes      the same with some pairs of colour and shape kept for the end

The files, each of which imports only those above it:

    scene                    what is in a picture, and everything that is true of it
    drawing                  pixels
    rules                    the notation of a grammar
    grammar                  a grammar writes and reads
    english_words, english   the sentences
    chinese_words, chinese   the sentences
    claims                   what a caption says, and whether it is right
    sets                     many, and the split

All that is random comes from one NumPy generator, and all lengths are whole numbers. So a seed gives the same scenes
and captions everywhere, and the same bytes of pictures wherever Pillow fills polygons and ellipses in the same way.
"""

from __future__ import annotations

from gated.data.scenes.claims import (
    ATTRIBUTES,
    Claims,
    Score,
    Verdict,
    judge_caption,
    parse_caption,
    score_captions,
)
from gated.data.scenes.drawing import draw
from gated.data.scenes.scene import COLOURS, SHAPES, Group, Scene, random_scene
from gated.data.scenes.sets import SceneSet, SceneSplit, scene_captions, split_scenes, write_caption
from gated.publish import publish

publish("gated.data.scenes", Claims, Group, Scene, SceneSet, SceneSplit, Score, Verdict)

__all__ = [
    "ATTRIBUTES",
    "COLOURS",
    "SHAPES",
    "Claims",
    "Group",
    "Scene",
    "SceneSet",
    "SceneSplit",
    "Score",
    "Verdict",
    "draw",
    "judge_caption",
    "parse_caption",
    "random_scene",
    "scene_captions",
    "score_captions",
    "split_scenes",
    "write_caption",
]
