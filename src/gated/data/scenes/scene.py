"""What is in a picture: groups of equal things, and everything that is true of them.

Lengths are in thousandths of the picture's side and whole numbers, so a scene means the same pixels wherever it is
drawn; x grows to the right, y downwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gated.data.task_batch import generator_of

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "orange": (247, 140, 20),
    "yellow": (240, 214, 40),
    "green": (46, 160, 67),
    "blue": (38, 92, 214),
    "purple": (140, 60, 180),
    "brown": (126, 78, 44),
    "black": (24, 24, 24),
}
SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "ring", "heart")
RADII = {"small": (58, 64), "large": (88, 94)}  # from, to
MOST_ALONE, MOST_TOGETHER = 4, 3  # things in a group that is alone in its picture, and in one of two

Pair = tuple[str, str]  # colour, shape
PAIRS: tuple[Pair, ...] = tuple(itertools.product(COLOURS, SHAPES))
Facts = dict[tuple[str, str], str]  # (a thing spoken of, what is said of it) -> the word, or another thing

_ROWS, _COLUMNS = ("top", "middle", "bottom"), ("left", "middle", "right")
_CENTRES = (250, 500, 750)  # of the areas that groups stand in
_CELLS = tuple((x, y) for x in _CENTRES for y in _CENTRES)
# two groups are level or lie at opposite ends, so that nobody has to ask whether one is left of the other
_OPPOSITE = tuple(
    (one, other)
    for one, other in itertools.product(_CELLS, repeat=2)
    if one != other and all(abs(a - b) in (0, 500) for a, b in zip(one, other, strict=True))
)
_APART = 110  # from the middle of an area to the rows and columns of things in it
_MOVED, _MOVED_EACH = 20, 8  # at most, a group and a thing in it, so that nothing leaves the picture or is covered

_T = TypeVar("_T")


@dataclass(frozen=True)
class Group:
    """Equal things that stand together.

    Attributes:
        shape: one of SHAPES.
        colour: one of COLOURS; `rgb` is the shade of it, 0 to 255 each.
        size: "small" or "large"; `radius` is how far its things reach from their middles, in thousandths.
        rgb: as above.
        radius: as above.
        points: the middles (x, y) of its things, in thousandths.
    """

    shape: str
    colour: str
    size: str
    rgb: tuple[int, int, int]
    radius: int
    points: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """How many things it has."""
        return len(self.points)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of what it covers."""
        xs, ys = zip(*self.points, strict=True)
        return min(xs) - self.radius, min(ys) - self.radius, max(xs) + self.radius, max(ys) + self.radius

    @property
    def row(self) -> str:
        """In which part of the picture its middle is: "top", "middle" or "bottom"."""
        return _ROWS[_part(self.box[1], self.box[3])]

    @property
    def column(self) -> str:
        """Likewise: "left", "middle" or "right"."""
        return _COLUMNS[_part(self.box[0], self.box[2])]


@dataclass(frozen=True)
class Scene:
    """A picture as data.

    Attributes:
        groups: one or two, not of the same colour and shape.
        ground: the shade behind them, red, green, blue from 0 to 255.
    """

    groups: tuple[Group, ...]
    ground: tuple[int, int, int]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Colour and shape of each group."""
        return tuple((group.colour, group.shape) for group in self.groups)


def facts(groups: Sequence[Group | None]) -> Facts:
    """Everything that a caption may say of groups, which are called "a", "b", ... in this order; nothing of None.

    One lies left of another if all of it does, and so on; they are larger and smaller by the word for their size.
    """
    named = {name: group for name, group in zip("ab", groups, strict=False) if group is not None}
    found: Facts = {}
    for name, group in named.items():
        said = {key: str(getattr(group, key)) for key in ("shape", "colour", "size", "count", "row", "column")}
        said["number"] = "one" if group.count == 1 else "many"
        found |= {(name, key): value for key, value in said.items()}
    for (one, a), (other, b) in itertools.permutations(named.items(), 2):
        (left, top, right, bottom), (left_b, top_b, right_b, bottom_b) = a.box, b.box
        relations = {
            "left": right < left_b,
            "right": left > right_b,
            "above": bottom < top_b,
            "below": top > bottom_b,
            "larger": (a.size, b.size) == ("large", "small"),
            "smaller": (a.size, b.size) == ("small", "large"),
        }
        found |= {(one, relation): other for relation, holds in relations.items() if holds}
    return found


def random_scene(
    rng: np.random.Generator | int, first: Sequence[Pair] = PAIRS, second: Sequence[Pair] = PAIRS
) -> Scene:
    """A scene of one group (one time in three) or two, everything about it drawn with equal chances.

    Args:
        rng: a generator, or a seed.
        first: pairs (colour, shape) that the first group may have.
        second: those that the second may have.

    Raises:
        ArgumentError, ArgumentTypeError: of `rng`.
    """
    generator = generator_of(rng)
    pairs, cells = [pick(first, generator)], [pick(_CELLS, generator)]
    others = [pair for pair in second if pair != pairs[0]]
    if generator.integers(3) and others:
        pairs.append(pick(others, generator))
        cells = list(pick(_OPPOSITE, generator))
    most = MOST_ALONE if len(pairs) == 1 else MOST_TOGETHER
    groups = tuple(_group(pair, cell, most, generator) for pair, cell in zip(pairs, cells, strict=True))
    shade = int(generator.integers(225, 256))
    return Scene(groups, (shade, shade, shade))


def pick(items: Sequence[_T], generator: np.random.Generator) -> _T:
    """One of them, with equal chances."""
    return items[int(generator.integers(len(items)))]


def shuffled(items: Sequence[_T], generator: np.random.Generator) -> list[_T]:
    """All of them in a random order."""
    return [items[k] for k in generator.permutation(len(items))]


def _group(pair: Pair, cell: tuple[int, int], most: int, generator: np.random.Generator) -> Group:
    colour, shape = pair
    size = pick(tuple(RADII), generator)
    low, high = RADII[size]
    middle = np.array(cell) + generator.integers(-_MOVED, _MOVED + 1, 2)
    corners = shuffled([(-1, -1), (1, -1), (-1, 1), (1, 1)], generator)
    places = _APART * np.array(corners[: generator.integers(1, most + 1)])
    places -= (places.min(0) + places.max(0)) // 2
    places += middle + generator.integers(-_MOVED_EACH, _MOVED_EACH + 1, places.shape)
    shade = np.clip(np.array(COLOURS[colour]) + generator.integers(-12, 13, 3), 0, 255)
    red, green, blue = shade.tolist()
    return Group(
        shape,
        colour,
        size,
        (red, green, blue),
        int(generator.integers(low, high + 1)),
        tuple((x, y) for x, y in places.tolist()),
    )


def _part(low: int, high: int) -> int:
    """0, 1 or 2: in which part of the picture the middle of low and high is; groups stand well inside them."""
    middle = (low + high) // 2
    return (middle >= 375) + (middle >= 625)
