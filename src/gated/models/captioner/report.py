"""A page with pictures, their true and their written captions, and for each word which gates moved.

One HTML file; nothing is loaded from elsewhere, nothing runs in it. English or Chinese.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gated.data.scenes import ATTRIBUTES, SceneSet, Score, judge_caption
from gated.errors import require_extra
from gated.models.captioner.captioner import Captioner, Written

STYLE = """
:root { --text: #1f2328; --dim: #59636e; --line: #d1d9e0; --good: #116329; --bad: #c1121f; --soft: #f6f8fa;
  --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --good: #3fb950;
  --bad: #ff6b6b; --soft: #151b23; --paper: #0d1117 } }
body { font: 16px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: var(--text);
  background: var(--paper); max-width: 66rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
.dim { color: var(--dim) } .good { color: var(--good) } .bad { color: var(--bad) }
table { border-collapse: collapse } th, td { text-align: left; padding: .15rem .8rem .15rem 0 }
.scores td, .scores th { border-bottom: 1px solid var(--line) } .scores td { font-variant-numeric: tabular-nums }
.picture { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: 1rem; border-top: 1px solid var(--line);
  padding: 1rem 0 }
.picture img { width: 8rem; height: 8rem; image-rendering: pixelated; border: 1px solid var(--line) }
.picture img.near { width: 3rem; height: 3rem; vertical-align: middle; margin-left: .5rem }
.picture .name { overflow-wrap: anywhere; font-size: .82rem; color: var(--dim) }
.picture p { margin: .15rem 0 } .wide { overflow-x: auto }
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
    parts = [f"<h1>{escape(say['title'])}</h1>", f"<h2>{escape(say['scores'])}</h2>", _scores(scores, say)]
    if pairs:
        parts.append(f'<p class="dim">{escape(say["pairs"])}{escape(", ".join(" ".join(pair) for pair in pairs))}</p>')
    parts.append(f'<p class="dim">{escape(say["gates"])}</p>')
    for title, own in ((say["unseen title"], unseen), (say["seen title"], seen)):
        parts.append(f"<h2>{escape(title)}</h2>")
        parts += (_picture(captioner, own, n, say, lang) for n in range(min(count, len(own.captions))))
    return page(say["title"], lang, parts)


def page(title: str, lang: str, parts: Sequence[str]) -> str:
    """A whole page of parts, in "en" or "zh"."""
    return (
        f'<!doctype html>\n<html lang="{"zh-Hans" if lang == "zh" else "en"}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


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


def share(part: float) -> str:
    """A part as a percentage; a dash where there is nothing of which it could be a part."""
    return "-" if math.isnan(part) else f"{part:.1%}"


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
    return f'<img{own} src="{png(picture)}" alt="{escape(alt)}">'


def entry(left: str, lines: Sequence[str], found: Written) -> str:
    """What stands at the left, in HTML; lines, and how the gates moved, beside it."""
    return f'<div class="picture">{left}<div>{"".join(lines)}<div class="wide">{gate_table(found)}</div></div></div>'


def gate_table(found: Written) -> str:
    """Words against gates: how far each moved."""
    if not found.gates:
        return ""
    moved = movements(found)
    most = max((float(own.max()) for own in moved.values() if own.size), default=0.0) or 1.0
    head = "".join(f"<th>{escape(word)}</th>" for word in found.words)
    rows = [f'<tr><th class="name"></th>{head}</tr>']
    for name, own in moved.items():
        cells = "".join(
            f'<td style="background: rgba(76,120,168,{value / most:.2f})">{100 * value:.0f}</td>' for value in own
        )
        rows.append(f'<tr><th class="name">{escape(name)}</th>{cells}</tr>')
    return f'<table class="gates">{"".join(rows)}</table>'


def movements(found: Written) -> dict[str, NDArray[Any]]:
    """Gate -> (T,): the mean over all units of |gate now − gate before|; at the first word 0."""
    return {
        name: np.concatenate([[0.0], np.abs(np.diff(own, axis=0)).mean(axis=1)]) for name, own in found.gates.items()
    }


def png(picture: NDArray[np.uint8]) -> str:
    """A picture as an address that holds all of it."""
    pil: Any = require_extra("PIL.Image", "pictures")
    buffer = io.BytesIO()
    pil.fromarray(picture).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
