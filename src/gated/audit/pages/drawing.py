"""The roads of a gradient as an SVG picture: adjoints are boxes, products are arrows, what is wrong is red."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gated.audit.diagnosis.drawn import RIGHT, DrawnRoad
from gated.calculus.markup import columns

COLUMN, ROW, HEIGHT, LETTER = 240, 66, 30, 8.2  # distances, height of a box and width of a letter, in pixels
MARGIN = 24
SAME = "·"  # the product of a road that multiplies by nothing
NEXT = str.maketrans({"ₜ": "ₜ₊₁"})


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float

    @property
    def left(self) -> tuple[float, float]:
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y


@dataclass(frozen=True)
class Arrow:
    """An arrow between the boxes of this picture; roads with the same ends and state are drawn as one."""

    start: str
    end: str
    labels: tuple[tuple[str, str], ...]  # (text, "right" or "theirs" or "plain")
    state: str


def svg(roads: Sequence[DrawnRoad], title: str) -> str:
    """The picture, in the order of the backward pass from left to right; empty where there are no roads."""
    if not roads:
        return ""
    arrows = _arrows(roads)
    columns_ = _columns(arrows, {road.target for road in roads if road.gradient})
    boxes = _boxes(columns_)
    width = COLUMN * (len(columns_) - 1) + 2 * MARGIN + max(box.width for box in boxes.values())
    height = max(box.y for box in boxes.values()) + HEIGHT / 2 + MARGIN
    ends = [arrow.end for arrow in arrows]
    starts = [arrow.start for arrow in arrows]
    drawn = [_drawn(arrow, boxes, starts.count(arrow.start) > ends.count(arrow.end)) for arrow in arrows]
    lines, labels = (list(parts) for parts in zip(*drawn, strict=True))
    held = [_box(name, box) for name, box in boxes.items()]
    return (
        f'<svg class="roads" role="img" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>{_MARKERS}'
        f"{''.join(lines)}{''.join(held)}{''.join(labels)}</svg>"
    )


_MARKERS = (
    "<defs>"
    + "".join(
        f'<marker id="tip-{state}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path class="tip {state}" d="M0 0L8 4L0 8z"/></marker>'
        for state in ("right", "missing", "wrong", "extra")
    )
    + "</defs>"
)


def _arrows(roads: Sequence[DrawnRoad]) -> list[Arrow]:
    together: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for road in roads:
        start = road.source.translate(NEXT) if road.later else road.source
        labels = together.setdefault((start, road.target, road.state), [])
        if road.state == RIGHT:
            labels += [(road.right, "plain")] * (road.right != SAME)
        else:
            labels += [(text, kind) for text, kind in ((road.theirs, "theirs"), (road.right, "should")) if text]
    return [Arrow(start, end, tuple(dict.fromkeys(labels)), state) for (start, end, state), labels in together.items()]


def _columns(arrows: Sequence[Arrow], gradients: set[str]) -> list[list[str]]:
    """Boxes by the longest way from those into which nothing leads."""
    depth: dict[str, int] = {}
    for arrow in arrows:
        depth.setdefault(arrow.start, 0)
        depth.setdefault(arrow.end, 0)
    for _ in depth:
        for arrow in arrows:
            if arrow.start != arrow.end:
                depth[arrow.end] = max(depth[arrow.end], min(depth[arrow.start] + 1, len(depth)))
    last = max((d for name, d in depth.items() if name not in gradients), default=0) + 1
    for name in gradients & depth.keys():
        depth[name] = last
    found: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, column in depth.items():
        found[column].append(name)
    return _untangled([column for column in found if column], arrows)


def _untangled(columns_: list[list[str]], arrows: Sequence[Arrow]) -> list[list[str]]:
    """Every box at the mean height of those from which arrows come (Sugiyama, Tagawa, Toda 1981), so that few cross."""
    height: dict[str, float] = {}
    for names in columns_:
        for name in names:
            above = [height[a.start] for a in arrows if a.end == name and a.start in height]
            height[name] = sum(above) / len(above) if above else 0.5
        names.sort(key=height.__getitem__)
        height |= {name: (place + 0.5) / len(names) for place, name in enumerate(names)}
    return columns_


def _boxes(columns_: list[list[str]]) -> dict[str, Box]:
    tallest = max(map(len, columns_))
    boxes = {}
    first = max(_width(name) for name in columns_[0]) / 2
    for number, names in enumerate(columns_):
        space = tallest * ROW / len(names)
        for place, name in enumerate(names):
            boxes[name] = Box(MARGIN + first + number * COLUMN, MARGIN + (place + 0.5) * space, _width(name))
    return boxes


def _width(name: str) -> float:
    return columns(name) * LETTER + 22


def _box(name: str, box: Box) -> str:
    left, top = box.x - box.width / 2, box.y - HEIGHT / 2
    return (
        f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{HEIGHT}" rx="6"/>'
        f'<text class="name" x="{box.x:.1f}" y="{box.y + 5:.1f}">{escape(name)}</text>'
    )


def _drawn(arrow: Arrow, boxes: dict[str, Box], near_end: bool) -> tuple[str, str]:
    """The line, and its label where fewer other lines are: near the box at which fewer lines meet."""
    (x0, y0), (x1, y1) = boxes[arrow.start].right, boxes[arrow.end].left
    bend = max(50.0, (x1 - x0) / 2)
    line = (
        f'<path class="road {arrow.state}" marker-end="url(#tip-{arrow.state})" '
        f'd="M{x0:.1f} {y0:.1f}C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1 - 2:.1f} {y1:.1f}"/>'
    )
    t = 0.66 if near_end else 0.34
    x = _bezier(t, x0, x0 + bend, x1 - bend, x1)
    y = _bezier(t, y0, y0, y1, y1)
    height = 15
    top = y - height * (len(arrow.labels) - 1) / 2 + 4
    texts = "".join(
        f'<text class="label {kind}" x="{x:.1f}" y="{top + height * k:.1f}">{escape(text)}</text>'
        for k, (text, kind) in enumerate(arrow.labels)
    )
    return line, texts


def _bezier(t: float, a: float, b: float, c: float, d: float) -> float:
    return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
