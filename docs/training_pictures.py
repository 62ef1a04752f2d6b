"""The picture of docs/training.md: the gates of an LSTM whose forget gates were driven to 1 before it learned.

python docs/training_pictures.py     into docs/pictures: gates-over-training.png, and with .zh in Chinese where a
                                     Chinese font is installed
"""

from __future__ import annotations

import sys
from pathlib import Path

import gated
from gated.data import Vocabulary, python_topics, stream_windows
from gated.learning import Adam, GateWatch, fit
from gated.learning.runs.gate_pictures import gate_figure
from gated.learning.training.figures import chinese_font, in_chinese, png
from gated.losses import SoftmaxCrossEntropy

WORDS = {
    "below 0.05": "低于 0.05",
    "above 0.95": "高于 0.95",
    "units, always": "一直如此的单元",
    "share of values": "值所占的比例",
    "values (darker: more of them)": "值的分布（颜色越深越多）",
    "updates": "更新次数",
}


def draw(folder: Path) -> None:
    """The training of the page, for longer."""
    text = python_topics()[:60_000]
    letters = Vocabulary(text)
    ids = letters.encode(text)
    layers = {
        "embed": gated.Embedding(len(letters), 16, seed=0),
        "rnn": gated.LSTM(16, 64, seed=1),
        "head": gated.Dense(64, len(letters), seed=2),
    }
    net = gated.Network(layers)
    net.params["rnn.l0.b.f"][:] = 20
    ((x, _),) = stream_windows(ids[-6000:], 20, 6000)

    def windows(epoch: int):  # type: ignore[no-untyped-def]
        return stream_windows(ids[:54_000], 20, 25)

    callbacks = [GateWatch(x, every=20)]
    history = fit(
        net, SoftmaxCrossEntropy(), Adam(0.01), windows, updates=400, carry_state=True, callbacks=callbacks,
        progress=False,
    )  # fmt: skip
    (folder / "gates-over-training.png").write_bytes(png(gate_figure(history.metrics)))
    if font := chinese_font():
        figure = in_chinese(gate_figure(history.metrics), font, WORDS)
        (folder / "gates-over-training.zh.png").write_bytes(png(figure))


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
