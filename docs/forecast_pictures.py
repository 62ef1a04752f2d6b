"""The picture of docs/forecaster.md: three real series, and what was foretold from some origins without the future.

python docs/forecast_pictures.py     into docs/pictures: forecasts.png, and with .zh in Chinese where a Chinese font is
                                     installed
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.forecasts import SETS, load  # noqa: E402

from gated.learning.training.figures import COLOURS, chinese_font, in_chinese, new_figure, png  # noqa: E402
from gated.models import Forecaster  # noqa: E402

SHOWN = 4  # origins, one horizon apart
LOWER = {"sunspots": 0}
TITLES = {
    "sunspots": ("sunspots, mean number of a year", "太阳黑子，各年的平均数"),
    "co2": ("co2, carbon dioxide over Mauna Loa, parts per million", "co2，冒纳罗亚上空的二氧化碳，百万分之几"),
    "elnino": ("elnino, temperature of the sea, °C", "elnino，海水温度，°C"),
}


def draw(folder: Path) -> None:
    """The last forecasts of each series that do not overlap."""
    figure = new_figure(9.0, 6.0)
    for axes, (name, own) in zip(figure.subplots(3, 1), SETS.items(), strict=True):
        series = load(name)
        values, where = series.to_numpy(), series.index.to_timestamp().to_numpy()
        starts = [len(values) - own.horizon * k for k in range(SHOWN, 0, -1)]
        model = Forecaster(horizon=own.horizon, lower=LOWER.get(name), random_state=0).fit(series.iloc[: starts[0]])
        begin = starts[0] - 3 * own.horizon
        for at in starts:
            said = model.predict_quantiles(series.iloc[:at]).to_numpy()
            said = np.concatenate([np.full((1, said.shape[1]), values[at - 1]), said])
            ahead = where[at - 1 : at + own.horizon]
            for k in range(said.shape[1] // 2):
                axes.fill_between(ahead, said[:, k], said[:, -1 - k], color=COLOURS[0], alpha=0.16, linewidth=0)
            axes.plot(ahead, said[:, said.shape[1] // 2], color=COLOURS[0], linewidth=1.6)
            axes.axvline(ahead[0], color="0.6", linewidth=0.7, linestyle=":")
        axes.plot(where[begin:], values[begin:], color="0.1", linewidth=1.2)
        axes.set_title(TITLES[name][0], loc="left", fontsize=10)
        axes.margins(x=0.01)
        axes.spines[["top", "right"]].set_visible(False)
    (folder / "forecasts.png").write_bytes(png(figure))
    if font := chinese_font():
        (folder / "forecasts.zh.png").write_bytes(png(in_chinese(figure, font, dict(TITLES.values()))))


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
