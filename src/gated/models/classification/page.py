"""The report of a classifier.

One HTML file; nothing is loaded from elsewhere, nothing runs in it. English or Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from gated.cells import ZOO
from gated.models.classification.outcome import Outcome, OverTime
from gated.models.classification.scores import Scores
from gated.models.classification.words import WORDS
from gated.models.pages import dim, facts, head, heat, key, lines, moved, page, share, swatch
from gated.models.pages.style import CURVES, curve

MOST_WRONG, MOST_GATES, MOST_CLASSES = 12, 12, 40
SURE = 0.8  # probability from which on it is called sure
STYLE = """
.matrix { font-size: .85rem } .matrix td, .matrix th { padding: .2rem .45rem; text-align: center; min-width: 1.6rem }
.matrix td { border-radius: 3px; font-variant-numeric: tabular-nums }
.matrix th { font-weight: normal; white-space: nowrap }
.matrix th.name { text-align: right } .matrix td.zero { color: var(--dim); opacity: .45 }
.scores th { white-space: nowrap } .equation { font-family: "Noto Sans Math", Cambria, serif; overflow-wrap: anywhere }
.mistake { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 1rem;
  border-top: 1px solid var(--line); padding: .6rem 0 } .mistake p { margin: .1rem 0 }
.bar { display: grid; grid-template-columns: minmax(3rem, 9rem) minmax(0, 16rem) 3.5rem; gap: .5rem; font-size: .85rem;
  align-items: center } .bar i { display: block; height: .55rem; border-radius: 2px; background: #4c78a8 }
.bar.true i { background: #2da44e } .bar span { overflow-wrap: anywhere }
@media (max-width: 40rem) { .scores th { white-space: normal }
  .mistake { grid-template-columns: 8rem minmax(0, 1fr) } .bar { grid-template-columns: 3rem minmax(0, 1fr) 3.5rem } }
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
    heads = "".join(f"<th>{escape(say[name])}</th>" for name in ("accuracy", "interval", "balanced"))
    rows = [f"<tr><th></th>{heads}</tr>"]
    found = {"classifier": outcome.scores, **{name: outcome.yardstick(name) for name in outcome.yardsticks}}
    for name, own in found.items():
        begin, end = ("<b>", "</b>") if name == "classifier" else ("", "")
        bounds = say["bounds"].format(*map(share, own.interval))
        cells = f"<td>{begin}{share(own.accuracy)}{end}</td><td>{bounds}</td><td>{begin}{share(own.balanced)}{end}</td>"
        rows.append(f"<tr><th>{escape(say[name])}</th>{cells}</tr>")
    parts = [head(say["scores"]), f'<table class="scores">{"".join(rows)}</table>']
    if outcome.scores.few:
        parts.append(f'<p class="bad">{escape(too_few(outcome, say))}</p>')
    return [*parts, dim(say["interval about"]), *([dim(say["yardsticks"])] if outcome.yardsticks else [])]


def too_few(outcome: Outcome, say: Say) -> str:
    """That the accuracy says little, and what to do."""
    told = say["few"].format(len(outcome.held_out), *map(share, outcome.scores.interval))
    return told + (say["few folds"].format(outcome.possible_folds) if outcome.possible_folds else "")


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
    sure = int((outcome.confidence[rows] >= SURE).sum())
    parts = [dim(say["wrong count"].format(len(rows), len(outcome.held_out), sure, SURE)), *_channel_key(outcome, say)]
    for n in rows[:MOST_WRONG].tolist():
        picture = lines(_channels(outcome, n), width=240, height=96, plain=True)
        true, said = (escape(str(own[n])) for own in (outcome.true, outcome.said))
        named = {own: f'<span class="dim">{escape(say["named"].format(say[own]))}</span>' for own in ("true", "said")}
        told = [
            f"<p><b>{escape(_name(outcome, n, say))}</b></p>",
            f'<p>{named["true"]}{true} &nbsp; {named["said"]}<span class="bad">{said}</span></p>',
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
    """Those that are drawn, in the order of the file."""
    values = outcome.scaled(n)
    return {outcome.held_out.channels[d]: values[:, d] for d in _drawn(outcome)}


def _drawn(outcome: Outcome) -> list[int]:
    """So many of the channels as there are colours."""
    return np.sort(outcome.moving[:CURVES]).tolist()


def _channel_key(outcome: Outcome, say: Say) -> list[str]:
    """The names of the channels that are drawn, unless there is but one."""
    count, drawn = outcome.held_out.size, _drawn(outcome)
    if count == 1:
        return []
    more = [dim(say["some channels"].format(count, len(drawn)))] if count > len(drawn) else []
    return [*more, _key([outcome.held_out.channels[d] for d in drawn])]


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
    example = "example" if outcome.said[found.which] == outcome.true[found.which] else "wrong example"
    parts.append(dim(say[example].format(_name(outcome, found.which, say), outcome.true[found.which])))
    parts += [dim(say["channels"]), lines(_channels(outcome, found.which), below=say["steps"], height=150)]
    parts += _channel_key(outcome, say)
    kept = np.sort(np.argsort(-found.probabilities.max(axis=0), kind="stable")[:CURVES]).tolist()
    names = [str(outcome.classes[k]) for k in kept]
    curves = dict(zip(names, found.probabilities[:, kept].T, strict=True))
    picture = lines(curves, x=found.steps, limits=(0, 1), below=say["steps"], height=160)
    return [*parts, dim(say["probabilities"]), picture, _key(names), *_gates(found, say)]


def _gates(found: OverTime, say: Say) -> list[str]:
    """What they are, and a map of each over the steps."""
    if not found.gates:
        return []
    equations = dict(line.split("ₜ = ", 1) for line in found.cell.equations() if "ₜ = " in line)
    gates = list(dict.fromkeys(name.rpartition(".")[2] for name in found.gates))
    known = {_gate(found, own, say): f"{own}ₜ = {equations[own]}" for own in gates if own in equations}
    parts = [dim(say["gates"]), facts(known, "equation"), dim(say["gates about"])]
    several = len({name.partition(".")[0].removesuffix("_reverse") for name in found.gates if "." in name}) > 1
    for name, values in list(found.gates.items())[:MOST_GATES]:
        place, _, gate = name.rpartition(".")
        words = [_gate(found, gate, say)]
        if several:
            words.append(say["layer"].format(int(place.removeprefix("l").removesuffix("_reverse")) + 1))
        if any("_reverse" in other for other in found.gates):
            words.append(say["from end" if place.endswith("_reverse") else "from start"])
        order = np.argsort(-moved(values).mean(axis=0), kind="stable")
        most = say["moved"].format(", ".join(map(str, order[:5].tolist())))
        parts.append(f'<p class="key"><b>{escape(say["comma"].join(words))}</b> · {escape(most)}</p>')
        parts.append(heat(values.T[order], below=say["steps"], rows=say["units"], height=130))
    if len(found.gates) > MOST_GATES:
        parts.append(dim(say["more"].format(len(found.gates) - MOST_GATES)))
    return parts


def _gate(found: OverTime, gate: str, say: Say) -> str:
    """Its name in words, if it is one of the zoo's, and in the equations."""
    known = say.get(f"gate {gate}") if ZOO.get(found.cell.name) == found.cell else None
    return f"{known or say['gate']} {gate}"


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
