"""The pictures of docs/music.md: a chorale beside what a network composes, and its gates over the chorale.

python docs/music_pictures.py     into docs/pictures: music.png, music-gates.png; a minute
"""

from __future__ import annotations

import sys
from pathlib import Path

import gated
from gated.learning.training.figures import png
from gated.models.music import PianoRollModel
from gated.models.music.music_settings import MusicSettings
from gated.models.music.pictures import gate_figure, roll_figure
from gated.models.music.report import shown_piece

STEPS = 48


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
    rolls = {
        f"Bach, {piece.name}": roll,
        "composed, four voices": model.sample(STEPS, voices=4),
        "composed, each key by itself": model.sample(STEPS),
    }
    (folder / "music.png").write_bytes(png(roll_figure(rolls)))
    words = {"surprise": "surprise, nats", "units": "units", "steps": "quarter notes"}
    figure = gate_figure(roll, -model.log_likelihood([roll])[0], model.gates(roll), words)
    (folder / "music-gates.png").write_bytes(png(figure))


if __name__ == "__main__":
    from pictures import PICTURES

    draw(PICTURES)
    sys.exit(0)
