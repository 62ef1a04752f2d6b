"""The picture of docs/scenes.md: drawn scenes, each with a caption under it.

python docs/scene_pictures.py     into docs/pictures: scenes.png, and scenes.zh.png where a Chinese font is installed
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from gated.data.scenes import scene_captions

SEED, ROWS, COLUMNS = 12, 2, 5
WIDTH = {"en": 30, "zh": 13}  # letters in a line


def draw(folder: Path, lang: str, suffix: str, font: str | None) -> None:
    """Write the picture in one language. `font` has its letters; None for the usual one."""
    pictures, captions, _ = scene_captions(ROWS * COLUMNS, SEED, lang=lang, size=160)
    style = {"fontfamily": font} if font else {}
    figure, axes = plt.subplots(ROWS, COLUMNS, figsize=(13.4, 6.6), dpi=110)
    for place, picture, caption in zip(axes.flat, pictures, captions, strict=True):
        place.imshow(picture)
        place.set_xticks([])
        place.set_yticks([])
        text = "\n".join(textwrap.wrap(caption, WIDTH[lang])).replace("\n，", "，\n")
        place.set_xlabel(text, fontsize=11, labelpad=8, va="top", linespacing=1.35, **style)
        for side in place.spines.values():
            side.set_color("#d0d7de")
    figure.subplots_adjust(0.012, 0.135, 0.988, 0.985, wspace=0.1, hspace=0.48)
    figure.savefig(folder / f"scenes{suffix}.png")
    plt.close(figure)


if __name__ == "__main__":
    from pictures import PICTURES, chinese_font

    draw(PICTURES, "en", "", None)
    if (font := chinese_font()) is not None:
        draw(PICTURES, "zh", ".zh", font)
    sys.exit(0)
