"""What a caption claims, and how much of it is true of a scene."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from gated.data.scenes.chinese import CHINESE
from gated.data.scenes.english import ENGLISH
from gated.data.scenes.grammar import Grammar
from gated.data.scenes.scene import Facts, Group, Scene, facts
from gated.errors import describe, wrong, wrong_type
from gated.number_checks import one_of, told

GRAMMARS: dict[str, Grammar] = {"en": ENGLISH, "zh": CHINESE}
ATTRIBUTES = ("shape", "colour", "size", "count", "place", "relation")

_ROOMS = {"number": "count", "row": "place", "column": "place"}  # said in two words, judged as one
_RELATIONS = ("left", "right", "above", "below", "larger", "smaller")


class Claims(NamedTuple):
    """What a caption says.

    Attributes:
        groups: for each group that is spoken of, what is said of it: some of `shape`, `colour`, `size`, `count` ("1" to
            "4"), `number` ("one" or "many"), `row` ("top", ...) and `column` ("left", ...).
        relations: (i, relation, j): group i is "left", "right", "above", "below", "larger" or "smaller" than group j.
    """

    groups: tuple[dict[str, str], ...]
    relations: tuple[tuple[int, str, int], ...]


class Verdict(NamedTuple):
    """A caption compared with a picture.

    Attributes:
        claims: what it says; None if it is not of the grammar.
        true: it is of the grammar, and nothing that it says is false.
        complete: it speaks of as many groups as there are; of each the grammar makes it tell shape and colour.
        claimed: how many claims it makes about each of ATTRIBUTES.
        held: how many of these are true.
    """

    claims: Claims | None
    true: bool
    complete: bool
    claimed: dict[str, int]
    held: dict[str, int]

    @property
    def right(self) -> bool:
        """Wholly right: true and complete."""
        return self.true and self.complete


def parse_caption(caption: str, lang: str = "en") -> Claims | None:
    """What a caption claims; None if it is no sentence of the grammar, as with `two red circle`.

    Capital letters, spaces before commas (in Chinese, all spaces) and one full stop at the end make no difference.

    Raises:
        ArgumentError, ArgumentTypeError: another language than "en" and "zh", no text.
    """
    readings = grammar_of(lang).read(_text(caption))
    return _claims(readings[0]) if readings else None


def judge_caption(caption: str, scene: Scene, lang: str = "en") -> Verdict:
    """Is a caption right?

    What it says of a group is compared with the group of the scene for which most of it is true, each with another one.
    A count is true if the group has so many things, no more and no fewer.

    Raises:
        ArgumentError, ArgumentTypeError: as parse_caption; no scene.
    """
    if not isinstance(scene, Scene):
        raise wrong_type("scene", describe(scene), "a Scene of gated.data.scenes")
    claims = parse_caption(caption, lang)
    if claims is None:
        return Verdict(None, False, False, dict.fromkeys(ATTRIBUTES, 0), dict.fromkeys(ATTRIBUTES, 0))
    claimed, held = max((_tally(claims, order) for order in _orders(claims, scene)), key=_held)
    return Verdict(claims, claimed == held, len(claims.groups) >= len(scene.groups), claimed, held)


class Score(NamedTuple):
    """How good captions are, as fractions from 0 to 1.

    Attributes:
        right: wholly right ones, of all.
        true: those of the grammar in which nothing is false.
        parsed: those of the grammar.
        attributes: of what those claim about each of ATTRIBUTES, how much is true; NaN if they claim nothing about it.
    """

    right: float
    true: float
    parsed: float
    attributes: dict[str, float]


def score_captions(captions: Sequence[str], scenes: Sequence[Scene], lang: str = "en") -> Score:
    """Judges caption by caption.

    Raises:
        ArgumentError, ArgumentTypeError: no captions, another number of scenes, or as judge_caption.
    """
    if isinstance(captions, str) or not isinstance(captions, Sequence):
        raise wrong_type("captions", describe(captions), "a sequence of texts")
    if len(captions) == 0 or len(captions) != len(scenes):
        raise wrong("captions", f"{len(captions)} for {len(scenes)} scenes", "one for each scene, at least one")
    verdicts = [judge_caption(caption, scene, lang) for caption, scene in zip(captions, scenes, strict=True)]
    count = len(verdicts)
    shares = {}
    for each in ATTRIBUTES:
        claimed = sum(verdict.claimed[each] for verdict in verdicts)
        shares[each] = sum(verdict.held[each] for verdict in verdicts) / claimed if claimed else float("nan")
    return Score(
        sum(verdict.right for verdict in verdicts) / count,
        sum(verdict.true for verdict in verdicts) / count,
        sum(verdict.claims is not None for verdict in verdicts) / count,
        shares,
    )


def grammar_of(lang: str) -> Grammar:
    """The grammar of "en" or "zh"; ArgumentError for others."""
    return GRAMMARS[one_of("lang", lang, *GRAMMARS)]


def _text(caption: object) -> str:
    if not isinstance(caption, str):
        raise wrong_type("caption", told(caption), "a text")
    return caption


def _claims(read: Facts) -> Claims:
    names = sorted({thing for thing, _ in read})
    groups: list[dict[str, str]] = [{} for _ in names]
    relations = []
    for (thing, key), value in sorted(read.items()):
        if key in _RELATIONS:
            relations.append((names.index(thing), key, names.index(value)))
        else:
            groups[names.index(thing)][key] = value
    return Claims(tuple(groups), tuple(relations))


def _orders(claims: Claims, scene: Scene) -> list[tuple[Group | None, ...]]:
    """The ways to look for a group of the scene for each that is spoken of; None where there are too few."""
    groups: list[Group | None] = [*scene.groups]
    groups += [None] * (len(claims.groups) - len(groups))
    return list(itertools.permutations(groups, len(claims.groups)))


def _tally(claims: Claims, order: tuple[Group | None, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """How many claims there are, and how many are true if `order` is what is spoken of."""
    known = facts(order)
    claimed, held = dict.fromkeys(ATTRIBUTES, 0), dict.fromkeys(ATTRIBUTES, 0)
    for i, said in enumerate(claims.groups):
        true: dict[str, bool] = {}
        for key, value in said.items():
            room = _ROOMS.get(key, key)
            true[room] = true.get(room, True) and known.get(("ab"[i], key)) == value
        for key, holds in true.items():
            claimed[key] += 1
            held[key] += holds
    for i, relation, j in claims.relations:
        claimed["relation"] += 1
        held["relation"] += known.get(("ab"[i], relation)) == "ab"[j]
    return claimed, held


def _held(tallies: tuple[dict[str, int], dict[str, int]]) -> int:
    return sum(tallies[1].values())
