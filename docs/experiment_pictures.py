"""The pictures of docs/learning.md, of what the commands there have written into a folder of runs.

python docs/experiment_pictures.py runs     of runs/reber, runs/adding, ...: into docs/pictures, and with .zh in Chinese
                                            where a Chinese font is installed; of folders that are there
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gated.experiments import KINDS, contest, contest_pictures, gradients, lahore
from gated.learning.training.figures import chinese_font, in_chinese, png

PICTURES = Path(__file__).resolve().parent / "pictures"
WORDS = {
    "solved": "解决",
    "training sequences until solved": "解决所用的训练序列数",
    "training sequences": "训练序列数",
    "hard step:\nshare of the tests that are right": "困难的一步：测试里做对的比例",
    "relative error, percent of the exact gradient": "相对误差，精确梯度的百分之几",
    "group of parameters whose gradient is compared": "比较梯度的参数组",
    "the Java program's rule": "Java 程序的规则",
    "traces that know the peepholes": "带窥视孔的迹",
    "all weights as they are": "所有权重照旧",
    "peepholes 0": "窥视孔为 0",
    "recurrent weights 0": "循环权重为 0",
    "peepholes and recurrent weights 0": "窥视孔和循环权重都为 0",
    "trained": "训练后",
    "untrained": "训练前",
    "time step t (the loss is at the last)": "时间步 t（损失在最后一步）",
    "‖∂loss_T / ∂state_t‖, relative to\nthat of the output at the last step": (
        "‖∂loss_T / ∂state_t‖，相对于最后一步的输出"
    ),
    "chance, 0.5": "瞎猜，0.5",
    "output W": "输出 W",
    "output b": "输出 b",
    "all": "全部",
}


def figures(runs: Path) -> dict[str, tuple[Callable[[], Any], dict[str, str]]]:
    """Name -> (what draws it, further words)."""
    found: dict[str, tuple[Callable[[], Any], dict[str, str]]] = {}
    for path in sorted(runs.glob("*/results.json")):
        document, name = json.loads(path.read_text()), path.parent.name
        if name == "lahore":
            differences = [lahore.Difference(**own) for own in document["differences"]]
            given = lahore.Found(differences, {float(rate): own for rate, own in document["stale"].items()})
            found[name] = (lambda given=given: lahore.errors_figure(given)), {}
        elif name == "gradients":
            norms = [gradients.Norms(**own) for own in document["found"]]
            found[name] = (lambda norms=norms: gradients.gradients_figure(norms)), {}
        elif name in KINDS:
            both = contest.from_document(document)
            words = contest_words(*both)
            found[name] = (lambda both=both: contest_pictures.solved_figure(*both)), words
            if name == "reber":
                kind = KINDS[name]
                found["reber-curves"] = (
                    (lambda both=both, kind=kind: contest_pictures.curves_figure(*both, kind)),
                    words,
                )
    return found


def contest_words(settings: Any, trials: Any) -> dict[str, str]:
    """The texts with numbers in them."""
    counts = {
        f"{solved} of {own}": f"{own} 个里 {solved} 个"
        for own in range(settings.seeds + 1)
        for solved in range(own + 1)
    }
    return counts | {
        f"not solved\nin {settings.max_sequences:,}": f"{settings.max_sequences:,} 条\n仍未解决",
        f"each mark is one of {settings.seeds} seeds, empty where not solved; bar: median": (
            f"一个记号是 {settings.seeds} 个种子中的一个，空心的没有解决；竖线：中位数"
        ),
        **{f"{cell} (thick: median)": f"{cell}（粗线：中位数）" for cell in settings.cells},
    }


def draw(runs: Path, folder: Path) -> None:
    """All whose runs are there."""
    for name, (make, words) in figures(runs).items():
        (folder / f"{name}.png").write_bytes(png(make()))
        if font := chinese_font():
            (folder / f"{name}.zh.png").write_bytes(png(in_chinese(make(), font, WORDS | words)))


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else PICTURES)
