"""The pictures of docs/music.md: a chorale beside what a network composes, and its gates over the chorale.

python docs/music_pictures.py     into docs/pictures: music.png, music-gates.png, and the same with .zh in Chinese where
                                  a Chinese font is installed; a minute
"""

from __future__ import annotations

import sys
from pathlib import Path

import gated
from gated.learning.training.figures import chinese_font, in_chinese, png
from gated.models.music import PianoRollModel
from gated.models.music.music_settings import MusicSettings
from gated.models.music.pictures import gate_figure, roll_figure
from gated.models.music.report import WORDS, shown_piece

STEPS = 48
TITLES = {
    "en": ("Bach, {}", "composed, four voices", "composed, each key by itself"),
    "zh": ("巴赫，{}", "谱出的，四个声部", "谱出的，各键互不相干"),
}


def draw(folder: Path) -> None:
    """Of a model with the defaults of `gated music train`."""
    settings = MusicSettings()
    pieces, _ = settings.pieces()
    model = PianoRollModel.build(
        gated.cells.ZOO[settings.cell],
        pieces=pieces.train,
        hidden_size=settings.hidden,
        num_layers=settings.layers,
        dropout=settings.dropout,
    )
    how = {"epochs": settings.passes, "batch": settings.batch, "lr": settings.lr, "patience": settings.patience}
    model.fit(pieces.train, pieces.valid, **how)
    piece = shown_piece(pieces.test, STEPS)
    roll = piece.roll[:STEPS]
    rolls = [roll, model.sample(STEPS, voices=4), model.sample(STEPS)]
    surprise, gates = -model.log_likelihood([roll])[0], model.gates(roll)
    for lang, suffix in (("en", ""), ("zh", ".zh")):
        font = chinese_font() if lang == "zh" else None
        if lang == "zh" and font is None:
            continue
        titles = [title.format(piece.name) for title in TITLES[lang]]
        figures = {
            "music": roll_figure(dict(zip(titles, rolls, strict=True))),
            "music-gates": gate_figure(roll, surprise, gates, WORDS[lang]),
        }
        for name, figure in figures.items():
            (folder / f"{name}{suffix}.png").write_bytes(png(in_chinese(figure, font) if font else figure))


if __name__ == "__main__":
    from pictures import PICTURES

    draw(PICTURES)
    sys.exit(0)
