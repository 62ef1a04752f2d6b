"""Scenes as pixels.

Outlines are tables of whole numbers and are filled on a canvas of four times the size, whose pixels are then averaged
four by four: no sine and no rounding of a float decides about a pixel, so pictures have the same bytes on every
machine, as far as Pillow fills polygons and ellipses in the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data.scenes.scene import Group, Scene
from gated.data.task_batch import at_least
from gated.errors import describe, require_extra, wrong_type

FINER = 4  # how often the canvas is larger than the picture
LEAST = 16  # pixels of a side

# corners in thousandths of the radius
OUTLINES: dict[str, tuple[tuple[int, int], ...]] = {
    "square": ((-860, -860), (860, -860), (860, 860), (-860, 860)),
    "triangle": ((0, -960), (1000, 820), (-1000, 820)),
    "diamond": ((0, -1000), (680, 0), (0, 1000), (-680, 0)),
    "star": (
        (0, -1000), (235, -324), (951, -309), (380, 124), (588, 809),
        (0, 400), (-588, 809), (-380, 124), (-951, -309), (-235, -324),
    ),
    "cross": (
        (-300, -950), (300, -950), (300, -300), (950, -300), (950, 300), (300, 300),
        (300, 950), (-300, 950), (-300, 300), (-950, 300), (-950, -300), (-300, -300),
    ),
    "heart": ((-930, -180), (930, -180), (0, 980)),  # below two circles
}  # fmt: skip


def draw(scene: Scene, size: int = 64) -> NDArray[np.uint8]:
    """The picture of a scene: (size, size, 3) uint8, red, green, blue from 0 to 255. Pillow draws it.

    Args:
        scene: what to draw.
        size: pixels of a side, at least 16; from 32 on shapes can be told from each other.

    Raises:
        ArgumentError, ArgumentTypeError: `size` below 16, no scene.
        MissingExtraError: Pillow is not installed; the message tells how to install it.
    """
    if not isinstance(scene, Scene):
        raise wrong_type("scene", describe(scene), "a Scene of gated.data.scenes")
    at_least("size", size, LEAST)
    image, pen = require_extra("PIL.Image", "pictures"), require_extra("PIL.ImageDraw", "pictures")
    side = FINER * int(size)
    canvas = image.new("RGB", (side, side), scene.ground)
    brush = pen.Draw(canvas)
    for group in scene.groups:
        radius = group.radius * side // 1000
        for x, y in group.points:
            _fill(brush, group, (x * side // 1000, y * side // 1000), radius, scene.ground)
    return np.array(canvas.reduce(FINER), dtype=np.uint8)


def _fill(brush: Any, group: Group, middle: tuple[int, int], radius: int, ground: tuple[int, int, int]) -> None:
    x, y = middle

    def disc(dx: int, dy: int, r: int, fill: tuple[int, int, int]) -> None:
        brush.ellipse((x + dx - r, y + dy - r, x + dx + r, y + dy + r), fill=fill)

    if group.shape in ("circle", "ring"):
        disc(0, 0, radius, group.rgb)
    if group.shape == "ring":
        disc(0, 0, radius * 560 // 1000, ground)
    if group.shape == "heart":
        for way in (-1, 1):
            disc(way * radius * 470 // 1000, -radius * 400 // 1000, radius * 510 // 1000, group.rgb)
    if group.shape in OUTLINES:
        corners = [(x + dx * radius // 1000, y + dy * radius // 1000) for dx, dy in OUTLINES[group.shape]]
        brush.polygon(corners, fill=group.rgb)
