"""The report of a classifier.

One HTML file; nothing is loaded from elsewhere, nothing runs in it. English or Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from gated.models.classification.outcome import Outcome
from gated.models.classification.scores import Scores
from gated.models.classification.words import WORDS
from gated.models.pages import dim, facts, head, heat, key, lines, moved, page, share, swatch
from gated.models.pages.style import curve

MOST_WRONG, MOST_GATES, MOST_CLASSES, MOST_CHANNELS = 12, 12, 40, 12
STYLE = """
.matrix { font-size: .85rem } .matrix td, .matrix th { padding: .2rem .45rem; text-align: center; min-width: 1.6rem }
.matrix td { border-radius: 3px; font-variant-numeric: tabular-nums }
.matrix th { font-weight: normal; white-space: nowrap }
.matrix th.name { text-align: right } .matrix td.zero { color: var(--dim); opacity: .45 }
.scores th { white-space: nowrap }
.mistake { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 1rem;
  border-top: 1px solid var(--line); padding: .6rem 0 } .mistake p { margin: .1rem 0 }
.bar { display: grid; grid-template-columns: minmax(3rem, 9rem) minmax(0, 16rem) 3.5rem; gap: .5rem; font-size: .85rem;
  align-items: center } .bar i { display: block; height: .55rem; border-radius: 2px; background: #4c78a8 }
.bar.true i { background: #2da44e } .bar span { overflow-wrap: anywhere }
"""
Say = Mapping[str, str]


def classifier_report(outcome: Outcome, lang: str = "en") -> str:
    """The page, in "en" or "zh"."""
    say = WORDS[lang]
    title = say["title"].format(outcome.held_out.name)
    count = len(outcome.held_out)
    kind = "folds" if outcome.folds else "split" if outcome.learned else "judged"
    told = say[kind].format(outcome.learned, outcome.folds or count)
    parts = [f"<h1>{escape(title)}</h1>", dim(told), *_scores(outcome, say)]
    parts += [head(say["confusion"]), dim(say["rows"]), _matrix(outcome.scores, say)]
    parts += [head(say["wrong"]), *_wrong(outcome, say)]
    parts += [*_early(outcome, say), *_over_time(outcome, say), *_learning(outcome, say)]
    about = {say.get(name, name): value for name, value in outcome.about.items()}
    parts += [head(say["how"]), facts(about)]
    return page(title, lang, parts, STYLE)


def _scores(outcome: Outcome, say: Say) -> list[str]:
    rows = [f"<tr><th></th><th>{escape(say['accuracy'])}</th><th>{escape(say['balanced'])}</th></tr>"]
    found = {"classifier": outcome.scores, **{name: outcome.yardstick(name) for name in outcome.yardsticks}}
    for name, own in found.items():
        begin, end = ("<b>", "</b>") if name == "classifier" else ("", "")
        cells = "".join(f"<td>{begin}{share(part)}{end}</td>" for part in (own.accuracy, own.balanced))
        rows.append(f"<tr><th>{escape(say[name])}</th>{cells}</tr>")
    parts = [head(say["scores"]), f'<table class="scores">{"".join(rows)}</table>']
    return [*parts, *([dim(say["yardsticks"])] if outcome.yardsticks else [])]


def _matrix(scores: Scores, say: Say) -> str:
    """Counts with colours; of very many classes those that occur most."""
    counts = scores.confusion.sum(axis=1)
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_CLASSES])
    names = [str(own) for own in scores.classes]
    corner = f'<th class="name dim">{escape(say["true"])} ↓ {escape(say["said"])} →</th>'
    rows = [
        corner + "".join(f"<th>{escape(names[k])}</th>" for k in kept) + f'<th class="dim">{escape(say["recall"])}</th>'
    ]
    for k in kept:
        cells = "".join(_cell(int(scores.confusion[k, j]), int(counts[k]), bool(j == k)) for j in kept)
        part = share(scores.confusion[k, k] / counts[k]) if counts[k] else "-"
        rows.append(f'<th class="name">{escape(names[k])}</th>{cells}<td class="dim">{part}</td>')
    more = "" if len(kept) == len(names) else dim(say["more"].format(len(names) - len(kept)))
    return f'<div class="wide"><table class="matrix">{"".join(f"<tr>{row}</tr>" for row in rows)}</table></div>{more}'


def _cell(count: int, of: int, right: bool) -> str:
    if not count:
        return '<td class="zero">0</td>'
    colour = "45,164,78" if right else "209,36,47"
    return f'<td style="background: rgba({colour},{0.15 + 0.75 * count / of:.2f})">{count:,}</td>'


def _wrong(outcome: Outcome, say: Say) -> list[str]:
    rows = outcome.wrong()
    if not len(rows):
        return [dim(say["none wrong"])]
    parts = [dim(say["wrong count"].format(len(rows), len(outcome.held_out)))]
    for n in rows[:MOST_WRONG].tolist():
        picture = lines(_channels(outcome, n), width=240, height=96, plain=True)
        true, said = str(outcome.true[n]), str(outcome.said[n])
        told = [
            f"<p><b>{escape(_name(outcome, n, say))}</b></p>",
            f'<p><span class="dim">{escape(say["true"])}:</span> {escape(true)} '
            f'<span class="dim">{escape(say["said"])}:</span> <span class="bad">{escape(said)}</span></p>',
            *_bars(outcome, n),
        ]
        parts.append(f'<div class="mistake">{picture}<div>{"".join(told)}</div></div>')
    if len(rows) > MOST_WRONG:
        parts.append(dim(say["more"].format(len(rows) - MOST_WRONG)))
    return parts


def _name(outcome: Outcome, n: int, say: Say) -> str:
    """A name that is a number alone says what it is."""
    own = outcome.held_out.names[n]
    return say["sequence"].format(own) if own.isdecimal() else own


def _bars(outcome: Outcome, n: int) -> list[str]:
    """The three likeliest classes, and the true one."""
    own = outcome.probabilities[n]
    order = np.argsort(-own, kind="stable").tolist()
    true = [k for k in order if outcome.classes[k] == outcome.true[n]]
    parts = []
    for k in dict.fromkeys([*order[:3], *true]):
        kind = "bar true" if k in true else "bar"
        parts.append(
            f'<div class="{kind}"><span>{escape(str(outcome.classes[k]))}</span>'
            f'<i style="width: {100 * own[k]:.1f}%"></i><span>{share(float(own[k]))}</span></div>'
        )
    return parts


def _channels(outcome: Outcome, n: int) -> dict[str, np.ndarray]:
    values = outcome.scaled(n)
    return dict(zip(outcome.held_out.channels[:MOST_CHANNELS], values.T, strict=False))


def _early(outcome: Outcome, say: Say) -> list[str]:
    if outcome.early is None:
        return []
    shares, right = outcome.early
    picture = lines({say["accuracy"]: 100 * right}, x=100 * shares, limits=(0, 100), below=say["share"], height=160)
    return [head(say["early"]), dim(say["early about"]), picture]


def _over_time(outcome: Outcome, say: Say) -> list[str]:
    found = outcome.over_time
    if found is None:
        return []
    parts = [head(say["over time"])]
    parts.append(dim(say["example"].format(_name(outcome, found.which, say), outcome.true[found.which])))
    channels = _channels(outcome, found.which)
    parts += [dim(say["channels"]), lines(channels, below=say["steps"], height=150)]
    if len(channels) > 1:
        parts.append(_key(list(channels)))
    kept = np.sort(np.argsort(-found.probabilities.max(axis=0), kind="stable")[:7]).tolist()
    names = [str(outcome.classes[k]) for k in kept]
    curves = dict(zip(names, found.probabilities[:, kept].T, strict=True))
    picture = lines(curves, x=found.steps, limits=(0, 1), below=say["steps"], height=160)
    parts += [dim(say["probabilities"]), picture, _key(names)]
    if found.gates:
        reverse = any("_reverse" in name for name in found.gates)
        parts.append(dim(say["gates"] + (f" {say['reverse']}" if reverse else "")))
    for name, values in list(found.gates.items())[:MOST_GATES]:
        order = np.argsort(-moved(values).mean(axis=0), kind="stable")
        most = say["moved"].format(", ".join(map(str, order[:5].tolist())))
        parts.append(f'<p class="key"><b>{escape(name)}</b> · {escape(most)}</p>')
        parts.append(heat(values.T[order], below=say["steps"], rows=say["units"], height=130))
    return parts


def _key(names: Sequence[str]) -> str:
    return key(*(swatch(curve(k), name) for k, name in enumerate(names)))


def _learning(outcome: Outcome, say: Say) -> list[str]:
    if not outcome.curves:
        return []
    parts = [head(say["learning"])]
    if outcome.folds:
        parts.append(dim(say["learning about"]))
    for name, (places, values) in outcome.curves.items():
        parts.append(f'<p class="key">{escape(say.get(name, name))}</p>')
        parts.append(lines({name: values}, x=places, below=say["updates"], height=150))
    return parts
