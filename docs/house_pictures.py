"""The pictures of docs/architecture.md: who imports whom, and the road of a call.

Nothing of what they show is written here: the imports are those of the source files, the roads those of `roads.py`. A
picture keeps in itself the data that it was drawn from, by which a test sees that the house has changed since.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

import house

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from roads import ROADS, Line

INK, SOFT, BLUE, RED, PAPER, EDGE = "#1b1f24", "#57606a", "#0550ae", "#cf222e", "#f6f8fa", "#d0d7de"
KEY = "Description"  # of the text in a PNG file
TITLES = {
    "forward": ("layer.forward(x)", "layer.forward(x)"),
    "backward": ("layer.backward(tape, dy)", "layer.backward(tape, dy)"),
    "code": ("where machine code comes from", "机器码从哪里来"),
}


def data(name: str) -> str:
    """What a picture shows, as text."""
    if name == "packages":
        return json.dumps(house.directions().edges())
    if name == "rooms":
        folders = house.directions().ROOMS
        edges = {folder: house.directions().edges(order, folder) for folder, order in folders.items()}
        modules = {
            f"{folder}/{room}": house.modules_of(f"{folder}/{room}") for folder in edges for room in edges[folder]
        }
        return json.dumps([edges, modules])
    return json.dumps([[line.depth, line.module, line.name] for line in ROADS[name]])


def drawn(file: Path) -> str:
    """The data that a picture was drawn from."""
    from PIL import Image

    with Image.open(file) as picture:
        return str(picture.info.get(KEY))


def packages(lang: str, style: Mapping[str, Any]) -> Any:
    order = house.order_of("")
    figure, axes = plt.subplots(figsize=(11.2, 7.2), dpi=130)
    axes.set_xlim(-0.8, len(order) + 3.6)
    axes.set_ylim(len(order) - 0.4, -0.6)
    _staircase(axes, order, house.directions().edges(), _texts("", lang), style)
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.99)
    return figure


def rooms(lang: str, style: Mapping[str, Any]) -> Any:
    folders = house.directions().ROOMS
    texts = {folder: _room_texts(folder, lang) for folder in folders}
    # a row has room for four lines
    tallest = {folder: max(1.0, max(text.count("\n") + 1 for text in texts[folder].values()) / 4) for folder in folders}
    heights = [(len(order) + 1) * tallest[folder] for folder, order in folders.items()]
    figure, each = plt.subplots(len(folders), 1, figsize=(10.6, 0.8 * sum(heights)), dpi=130, height_ratios=heights)
    for axes, (folder, order) in zip(each, folders.items(), strict=True):
        axes.set_title(f"gated.{folder.replace('/', '.')}", loc="left", fontsize=13, color=SOFT, pad=6)
        axes.set_xlim(-0.6, 10.6)
        axes.set_ylim(len(order) - 0.4, -0.6)
        _staircase(axes, order, house.directions().edges(order, folder), texts[folder], style)
    figure.subplots_adjust(0.01, 0.01, 0.995, 0.955, hspace=0.16)
    return figure


def _room_texts(folder: str, lang: str) -> dict[str, str]:
    """What is said of each room, and below it its modules."""
    return {
        room: "\n".join(
            [text, *textwrap.wrap("  ".join(house.modules_of(f"{folder}/{room}")), 60, break_on_hyphens=False)]
        )
        for room, text in _texts(folder, lang).items()
    }


def _texts(folder: str, lang: str) -> dict[str, str]:
    words = house.words_of(folder)
    return {name: words[name][1 if lang == "zh" else 0].replace("`", "") for name in house.order_of(folder)}


def _staircase(
    axes: Any,
    order: Sequence[str],
    edges: Mapping[str, Sequence[str]],
    texts: Mapping[str, str],
    style: Mapping[str, Any],
) -> None:
    """Boxes down the stairs; at a dot the one at the right of its row imports the one at the top of its column.

    An arrow goes left from who imports, and up to what is imported. One that goes the other way, allowed by name, is
    drawn in red.
    """
    axes.axis("off")
    inch = 0.985 * axes.figure.get_figwidth() / (axes.get_xlim()[1] - axes.get_xlim()[0])
    place = {name: i for i, name in enumerate(order)}
    for name, used in edges.items():
        row = place[name]
        before = [place[other] for other in used if place[other] < row]
        if before:
            axes.plot([min(before), row], [row, row], color=EDGE, lw=1.3, zorder=1)
        for column in (place[other] for other in used):
            back = column > row
            if back:
                axes.plot([row, column, column], [row, row, column - 0.28], color=RED, lw=1, ls=":", zorder=1)
            axes.plot(column, row, "o", color=RED if back else BLUE, ms=5.5, zorder=3, mfc="white" if back else BLUE)
    for name, column in place.items():
        users = [place[user] for user, used in edges.items() if name in used and place[user] > column]
        if users:
            axes.annotate(
                "",
                (column, column + 0.28),
                (column, max(users)),
                arrowprops={"arrowstyle": "-|>", "color": SOFT, "lw": 1.1, "shrinkA": 0, "shrinkB": 0},
                zorder=2,
            )
        box = {"boxstyle": "round,pad=0.32", "fc": PAPER, "ec": EDGE}
        axes.text(column, column, name, fontsize=11, color=INK, ha="center", va="center", zorder=4, bbox=box)
        after = max([column + (0.2 + 0.046 * len(name)) / inch, *(place[other] + 0.25 for other in edges[name])])
        axes.text(after, column, texts[name], fontsize=10, color=SOFT, va="center", zorder=4, linespacing=1.4, **style)


def lane_of(line: Line) -> str:
    """A room of native, or else a package."""
    parts = line.module.split(".")
    return parts[2] if parts[:2] == ["backends", "native"] else parts[0]


def road(names: Sequence[str], lang: str, style: Mapping[str, Any]) -> Any:
    """Row by row the calls; at the right, through which packages and rooms they lead."""
    found = {lane_of(line) for name in names for line in ROADS[name]}
    inner = house.order_of("backends/native")
    order = list(house.order_of(""))
    at = order.index("backends") + 1
    lanes = [lane for lane in [*order[:at], *inner, *order[at:]] if lane in found]
    rows = sum(len(ROADS[name]) + 1.2 for name in names)
    figure, axes = plt.subplots(figsize=(13.4, 0.345 * rows + 0.9), dpi=110)
    axes.axis("off")
    left, top = 10.2, 0.0
    for i, lane in enumerate(lanes):
        axes.text(left + i, -1.0, lane, fontsize=10.5, color=INK, ha="center", va="center")
        axes.plot([left + i, left + i], [-0.55, rows - 1], color=EDGE, lw=1, zorder=1)
    for name in names:
        title = TITLES[name][1 if lang == "zh" else 0]
        axes.text(-0.1, top, title, fontsize=12.5, color=BLUE, va="center", **style)
        above: list[tuple[float, float]] = []
        for i, line in enumerate(ROADS[name], 1):
            y, x = top + i, left + lanes.index(lane_of(line))
            axes.text(0.3 * line.depth, y, line.name, fontsize=10.5, color=INK, va="center", family="DejaVu Sans Mono")
            axes.text(4.9, y, line.zh if lang == "zh" else line.en, fontsize=10, color=SOFT, va="center", **style)
            del above[line.depth :]
            if above:
                rows_down = y - above[-1][1]  # along one lane an arrow goes round what lies between
                bend = f"arc3,rad={-0.9 / rows_down if above[-1][0] == x and rows_down > 1 else 0}"
                arrow = {
                    "arrowstyle": "-|>",
                    "color": SOFT,
                    "lw": 1,
                    "shrinkA": 3,
                    "shrinkB": 4,
                    "connectionstyle": bend,
                }
                axes.annotate("", (x, y), above[-1], arrowprops=arrow, zorder=2)
            above.append((x, y))
            axes.plot(x, y, "o", color=BLUE, ms=6, zorder=3)
        top += len(ROADS[name]) + 1.2
    axes.set_xlim(-0.3, left + len(lanes) - 0.3)
    axes.set_ylim(rows - 0.6, -1.5)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.995)
    return figure


PICTURES = {
    "packages": (packages, ["packages"]),
    "rooms": (rooms, ["rooms"]),
    "call": (lambda lang, style: road(["forward", "backward"], lang, style), ["forward", "backward"]),
    "code": (lambda lang, style: road(["code"], lang, style), ["code"]),
}


def text_of(name: str) -> str:
    """All data of a picture."""
    return json.dumps([data(each) for each in PICTURES[name][1]])


def crowded(figure: Any) -> list[str]:
    """Texts of a picture that stick out of it, or touch another one."""
    figure.canvas.draw()
    texts = [text for axes in figure.axes for text in [*axes.texts, axes.title, axes._left_title] if text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    frame = figure.bbox
    wrong = [f"{text!r} sticks out" for text, box in boxes if box.x1 > frame.x1 - 4 or box.y1 > frame.y1 or box.y0 < 0]
    for i, (one, box) in enumerate(boxes):
        wrong += [f"{one!r} touches {other!r}" for other, beside in boxes[:i] if box.overlaps(beside)]
    return wrong


def draw(folder: Path, lang: str, suffix: str, font: str | None) -> None:
    """Every picture, in one language."""
    style = {"fontfamily": font} if font else {}
    for name, (make, _) in PICTURES.items():
        figure = make(lang, style)
        if wrong := crowded(figure):
            raise SystemExit(f"house-{name}{suffix}: {'; '.join(wrong)}: give it more room in docs/house_pictures.py")
        figure.savefig(folder / f"house-{name}{suffix}.png", metadata={KEY: text_of(name)})
        plt.close(figure)
