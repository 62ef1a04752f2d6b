"""Folders of small drawn pictures beside their texts, for runs on the user's own data."""

from __future__ import annotations

from PIL import Image, ImageDraw

COLOURS = {"red": (220, 30, 40), "green": (20, 160, 60), "blue": (30, 60, 210), "black": (0, 0, 0)}
CHINESE = {"red": "红", "green": "绿", "blue": "蓝", "black": "黑", "box": "方块", "ball": "圆球", "bar": "长条"}
BOXES = {"box": (10, 10, 50, 50), "ball": (12, 12, 52, 52), "bar": (4, 24, 60, 36)}


def drawing(colour, shape, shift=0):
    """One thing on white, 64 x 48 pixels."""
    picture = Image.new("RGB", (64, 48), "white")
    box = tuple(k + shift for k in BOXES[shape])
    draw = ImageDraw.Draw(picture)
    (draw.ellipse if shape == "ball" else draw.rectangle)(box, fill=COLOURS[colour])
    return picture


def folder(path):
    """24 pictures, two of each colour and shape, with captions in English and Chinese; those of a pair are alike."""
    path.mkdir(parents=True, exist_ok=True)
    for colour in COLOURS:
        for shape in BOXES:
            for copy in range(2):
                name = f"{colour}-{shape}-{copy}"
                drawing(colour, shape, 3 * copy).save(path / f"{name}.png")
                chinese = f"zh_CN.utf8=一个{CHINESE[colour]}色的{CHINESE[shape]}。"
                (path / f"{name}.txt").write_text(f"A {colour} {shape}.\n{chinese}\n", encoding="utf-8")
    return path
