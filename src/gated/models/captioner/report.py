"""A page with pictures, their true and their written captions, and for each word which gates moved.

One HTML file; nothing is loaded from elsewhere, nothing runs in it. English or Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data.scenes import ATTRIBUTES, SceneSet, Score, judge_caption
from gated.models.captioner.captioner import Captioner, Written
from gated.models.pages import dim, head, moved, page, share, source
from gated.models.pages.png import png_bytes

STYLE = """
.picture { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: 1rem; border-top: 1px solid var(--line);
  padding: 1rem 0 }
.picture img { width: 8rem; height: 8rem; image-rendering: pixelated; border: 1px solid var(--line) }
.picture img.near { width: 3rem; height: 3rem; vertical-align: middle; margin-left: .5rem }
.picture .name { overflow-wrap: anywhere; font-size: .82rem; color: var(--dim) }
.picture p { margin: .15rem 0 }
.gates { font-size: .82rem; margin-top: .5rem }
.gates td, .gates th { padding: .1rem .25rem; text-align: center; font-weight: normal }
.gates td { width: 2.6rem; border-radius: 3px; color: #1f2328 } .gates th.name { text-align: right; color: var(--dim) }
"""

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Captions of drawn scenes",
        "scores": "How many captions are right",
        "measure": "of captions of held-out pictures",
        "seen": "pairs of colour and shape that were seen",
        "unseen": "pairs never seen together",
        "right": "wholly right",
        "sentences": "sentences of the grammar",
        "true": "true",
        "written": "written",
        "unseen title": "Pictures with a pair that was never seen together",
        "seen title": "Pictures of seen pairs",
        "gates": "How far each gate moved from word to word: the mean over all units of |gate now − gate before|. "
        "Darker is more.",
        "pairs": "Never together in what was learnt: ",
        "alone": "of what is said about it, so much is true",
        **{name: name for name in ATTRIBUTES},
    },
    "zh": {
        "title": "看图说话：画出来的场景",
        "scores": "有多少句说对了",
        "measure": "未参与训练的图片的描述",
        "seen": "颜色与形状的组合见过",
        "unseen": "颜色与形状从未一起出现",
        "right": "完全正确",
        "sentences": "符合语法的句子",
        "true": "真实描述",
        "written": "模型所写",
        "unseen title": "含有从未一起出现的组合的图片",
        "seen title": "组合见过的图片",
        "gates": "每个词写出时各个门移动了多少：所有单元 |门现值 − 门前值| 的平均。颜色越深，移动越大。",
        "pairs": "训练中从未一起出现：",
        "alone": "关于它所说的内容里，正确的比例",
        "shape": "形状",
        "colour": "颜色",
        "size": "大小",
        "count": "数量",
        "place": "位置",
        "relation": "关系",
    },
}


class Shown(NamedTuple):
    """Scores of a captioner, by which it is called in the table."""

    name: str
    seen: Score
    unseen: Score


def scene_report(
    captioner: Captioner,
    seen: SceneSet,
    unseen: SceneSet,
    scores: Sequence[Shown],
    *,
    lang: str = "en",
    count: int = 12,
    pairs: Sequence[tuple[str, str]] = (),
) -> str:
    """The page.

    Args:
        captioner: writes the captions.
        seen: held-out pictures of pairs that were seen, of which the first `count` are shown.
        unseen: those with a pair that was not, likewise.
        scores: a column each, the captioner's own first.
        lang: of captions and page.
        count: pictures of each kind.
        pairs: colours and shapes that were never seen together.
    """
    say = WORDS[lang]
    parts = [f"<h1>{escape(say['title'])}</h1>", head(say["scores"]), _scores(scores, say)]
    if pairs:
        parts.append(dim(say["pairs"] + ", ".join(" ".join(pair) for pair in pairs)))
    parts.append(dim(say["gates"]))
    for title, own in ((say["unseen title"], unseen), (say["seen title"], seen)):
        parts.append(head(title))
        parts += (_picture(captioner, own, n, say, lang) for n in range(min(count, len(own.captions))))
    return page(say["title"], lang, parts, STYLE)


def _scores(scores: Sequence[Shown], say: Mapping[str, str]) -> str:
    heads = "".join(f'<th colspan="2">{escape(own.name)}</th>' for own in scores)
    kinds = "".join(f"<th>{escape(say['seen'])}</th><th>{escape(say['unseen'])}</th>" for _ in scores)
    rows = [f"<tr><th>{escape(say['measure'])}</th>{heads}</tr>", f"<tr><th></th>{kinds}</tr>"]
    rows.append(_row(say["right"], [score.right for own in scores for score in own[1:]], strong=True))
    rows.append(_row(say["sentences"], [score.parsed for own in scores for score in own[1:]]))
    rows.append(f'<tr><th class="dim" colspan="{1 + 2 * len(scores)}">{escape(say["alone"])}</th></tr>')
    rows += [_row(say[name], [score.attributes[name] for own in scores for score in own[1:]]) for name in ATTRIBUTES]
    return f'<table class="scores">{"".join(rows)}</table>'


def _row(name: str, shares: Sequence[float], strong: bool = False) -> str:
    begin, end = ("<b>", "</b>") if strong else ("", "")
    cells = "".join(f"<td>{begin}{share(own)}{end}</td>" for own in shares)
    return f"<tr><th>{escape(name)}</th>{cells}</tr>"


def _picture(captioner: Captioner, own: SceneSet, n: int, say: Mapping[str, str], lang: str) -> str:
    found = captioner.explain(own.pictures[n])
    right = judge_caption(found.caption, own.scenes[n], lang).right
    mark = f'<span class="{"good" if right else "bad"}">{"✓" if right else "✗"}</span>'
    lines = [line(say["true"], own.captions[n]), line(say["written"], found.caption, mark)]
    return entry(image(own.pictures[n], own.captions[n]), lines, found)


def line(name: str, text: str, behind: str = "") -> str:
    """A line about a picture. `behind`: what follows, in HTML."""
    return f'<p><span class="dim">{escape(name)}:</span> {escape(text)} {behind}</p>'.replace(" </p>", "</p>")


def image(picture: NDArray[np.uint8], alt: str, kind: str = "") -> str:
    """A picture as a part of the page. `kind`: its class."""
    own = f' class="{kind}"' if kind else ""
    return f'<img{own} src="{source(png_bytes(picture))}" alt="{escape(alt)}">'


def entry(left: str, lines: Sequence[str], found: Written) -> str:
    """What stands at the left, in HTML; lines, and how the gates moved, beside it."""
    return f'<div class="picture">{left}<div>{"".join(lines)}<div class="wide">{gate_table(found)}</div></div></div>'


def gate_table(found: Written) -> str:
    """Words against gates: how far each moved."""
    if not found.gates:
        return ""
    moves = movements(found)
    most = max((float(own.max()) for own in moves.values() if own.size), default=0.0) or 1.0
    words = "".join(f"<th>{escape(word)}</th>" for word in found.words)
    rows = [f'<tr><th class="name"></th>{words}</tr>']
    for name, own in moves.items():
        cells = "".join(
            f'<td style="background: rgba(76,120,168,{value / most:.2f})">{100 * value:.0f}</td>' for value in own
        )
        rows.append(f'<tr><th class="name">{escape(name)}</th>{cells}</tr>')
    return f'<table class="gates">{"".join(rows)}</table>'


def movements(found: Written) -> dict[str, NDArray[Any]]:
    """Gate -> (T,): the mean over all units of |gate now − gate before|; at the first word 0."""
    return {name: moved(own).mean(axis=1) for name, own in found.gates.items()}
