"""A page about a captioner of the user's pictures: true and written captions, those of the nearest neighbours, scores.

One HTML file; nothing is loaded from elsewhere, nothing runs in it. English, or Chinese for Chinese captions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from gated.models.captioner.caption_data import CaptionData
from gated.models.captioner.captioner import Captioner
from gated.models.captioner.data_run import Written
from gated.models.captioner.report import STYLE, entry, image, line
from gated.models.pages import dim, head, page

SIDE = 128  # pixels of a picture on the page

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Captions of pictures",
        "scores": "How near the captions come to the true ones",
        "measure": "of {0:,} held-out pictures",
        "nats": "nats per word (lower is better)",
        "neighbour": "nearest neighbour",
        "which": "The captioner learned from {0:,} other pictures. The nearest neighbour is the one among them whose "
        "features are most alike (the cosine); its caption is what memory alone would say.",
        "kept": "The model is the one that was best by the nats of these held-out pictures, or of some of them.",
        "pictures": "Held-out pictures",
        "true": "true",
        "written": "written",
        "gates": "How far each gate moved from word to word: the mean over all units of |gate now − gate before|. "
        "Darker is more.",
    },
    "zh": {
        "title": "看图说话",
        "scores": "写出的句子与真实描述有多接近",
        "measure": "{0:,} 张未参与训练的图片",
        "nats": "每个词的奈特数（越低越好）",
        "neighbour": "最近邻",
        "which": "模型从另外 {0:,} 张图片学习。最近邻是其中特征最相像的一张（按余弦）；它的描述就是单凭记忆会说的话。",
        "kept": "所用的模型，是在这些未参与训练的图片（或其中一部分）上奈特数最低的那一个。",
        "pictures": "未参与训练的图片",
        "true": "真实描述",
        "written": "模型所写",
        "gates": "每个词写出时各个门移动了多少：所有单元 |门现值 − 门前值| 的平均。颜色越深，移动越大。",
    },
}


def data_report(
    captioner: Captioner,
    data: CaptionData,
    columns: Mapping[str, Written],
    neighbours: Written,
    which: Sequence[int],
    *,
    lang: str = "en",
    count: int = 12,
    beams: int = 1,
) -> str:
    """The page.

    Args:
        captioner: its gates are shown.
        data: what it learned from, and the held-out pictures.
        columns: name -> what a captioner wrote of them, its own first.
        neighbours: the captions of the nearest neighbours.
        which: pictures of `data.train` these are.
        lang: of the page, "en" or "zh".
        count: pictures that are shown.
        beams: with which it wrote.
    """
    say = WORDS[lang]
    shown = np.linspace(0, len(data.held_out) - 1, min(count, len(data.held_out))).astype(int)
    written = next(iter(columns.values()))
    parts = [f"<h1>{escape(say['title'])}</h1>", head(say["scores"])]
    parts.append(_table({**columns, say["neighbour"]: neighbours}, say, len(data.held_out)))
    parts += (dim(say[key].format(len(data.train))) for key in ("which", "kept", "gates"))
    parts.append(head(say["pictures"]))
    parts += (_picture(captioner, data, int(n), written, neighbours, which[n], say, beams) for n in shown)
    return page(say["title"], lang, parts, STYLE)


def score_rows(columns: Mapping[str, Written], nats: str) -> list[tuple[str, list[str]]]:
    """Names of scores with the value of each column."""
    tables = [own.scores.rows() for own in columns.values()]
    rows = [(each[0][0], [row[1] for row in each]) for each in zip(*tables, strict=True)]
    return [*rows, (nats, ["-" if own.nats is None else f"{own.nats:.3f}" for own in columns.values()])]


def _table(columns: Mapping[str, Written], say: Mapping[str, str], count: int) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = [f"<tr><th>{escape(say['measure'].format(count))}</th>{heads}</tr>"]
    for name, values in score_rows(columns, say["nats"]):
        cells = "".join(f"<td>{escape(value)}</td>" for value in values)
        rows.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    return f'<table class="scores">{"".join(rows)}</table>'


def _picture(
    captioner: Captioner,
    data: CaptionData,
    n: int,
    written: Written,
    near: Written,
    which: int,
    say: Mapping[str, str],
    beams: int,
) -> str:
    own, name = data.held_out, data.held_out.names[n]
    lines = [line(say["true"], text) for text in own.texts(n)]
    lines.append(line(say["written"], written.captions[n], _cider(written, n)))
    beside = _cider(near, n)
    left = f'<div class="name">{escape(name)}</div>'
    if own.pictures is not None and data.train.pictures is not None:
        left = image(own.pictures.sized(SIDE)[n], name)
        beside += image(data.train.pictures.sized(SIDE)[which], data.train.names[which], "near")
    lines.append(line(say["neighbour"], near.captions[n], beside))
    return entry(left, lines, captioner.explain(own.features[n], beams=beams))


def _cider(written: Written, n: int) -> str:
    return f'<span class="dim">(CIDEr-D {written.scores.each_cider_d[n]:.1f})</span>'
