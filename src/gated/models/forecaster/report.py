"""A page about forecasts: the series with their bands, what a backtest said, the gates while one series is read.

One HTML file; nothing is loaded from elsewhere, nothing runs in it. English or Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.learning.runs.gate_watch import last_gates
from gated.models.forecaster.backtest import Backtest
from gated.models.forecaster.learned import Learned
from gated.models.forecaster.network import INPUTS, STRAIGHT, Tables
from gated.models.forecaster.reading import Series
from gated.models.forecaster.report_words import WORDS
from gated.models.forecaster.rhythm import DATES
from gated.models.pages import Chart, dim, facts, head, key, moved, page, swatch
from gated.models.pages.chart import number_told
from gated.models.pages.style import curve

Array = NDArray[Any]
PAST = 6  # horizons of history that are shown, at least
EARLIER = 4  # earlier forecasts that are shown
UNITS = 12  # of a gate that are shown
STYLE = """
.lead { font-size: 1.1rem; padding: .6rem .9rem; border-left: 5px solid var(--own); background: var(--soft) }
.side { display: grid; gap: 1rem } @media (min-width: 46rem) { .side { grid-template-columns: 1fr 1fr } }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums } .scores { margin-top: .6rem }
"""


def forecast_report(
    name: str,
    learned: Learned,
    series: Sequence[Series],
    futures: Sequence[Array],
    backtest: Backtest | None = None,
    *,
    lang: str = "en",
    count: int = 6,
) -> str:
    """The page.

    Args:
        name: of the data.
        learned: foretells.
        series: of which it does.
        futures: exogenous numbers of the steps that follow, (H, E) each.
        backtest: what came of one; None: none was made.
        lang: "en" or "zh".
        count: series that are shown.
    """
    say, found = WORDS[lang], learned.quantiles(series, futures)
    title = say["of"].format(name)
    parts = [f"<h1>{escape(title)}</h1>", _lead(learned, backtest, say)]
    parts.append(_key(learned.ensemble.quantiles, say))
    for own, said in list(zip(series, found, strict=True))[:count]:
        parts += _heading(own, series)
        parts.append(_picture(own, said, learned.ensemble.quantiles, say))
    if len(series) > count:
        parts.append(dim(say["more"].format(len(series) - count)))
    if backtest is not None:
        parts += _backtest(backtest, series, say)
    parts += _gates(learned, series[0], futures[0], say)
    parts += _model(learned, series, say)
    return page(title, lang, parts, STYLE)


def _heading(own: Series, among: Sequence[Series]) -> list[str]:
    return [] if own.name is None or len(among) == 1 else [f"<h3>{escape(str(own.name))}</h3>"]


def _lead(learned: Learned, backtest: Backtest | None, say: Mapping[str, str]) -> str:
    if backtest is None:
        text = say["alone"].format(learned.shape.horizon)
    else:
        held = [say["held"].format(f"{part:.0%}", f"{own:.0%}") for part, own in backtest.coverage.items()]
        numbers = [f"{own:.2f}".replace("nan", "–") for own in (backtest.mase, backtest.naive_mase)]
        joint = "，" if say is WORDS["zh"] else ", "
        text = say["lead"].format(learned.shape.horizon, *numbers, joint.join(held))
    return f'<p class="lead">{escape(text)}</p>'


def _key(quantiles: Sequence[float], say: Mapping[str, str]) -> str:
    parts = [swatch("truth", say["truth"]), swatch("own", say["forecast"])]
    widths = [1 - 2 * q for q in quantiles if q < 0.5]
    for k, part in enumerate(reversed(widths)):  # the inner ones lie on the outer ones
        parts.append(swatch("own", say["interval"].format(f"{part:.0%}"), 1 - 0.84 ** (len(widths) - k)))
    return key(*parts)


def _labels(own: Series, ahead: int) -> list[str]:
    """What stands below the steps of a series, and below so many after it."""
    if own.index is None:
        return [str(k) for k in range(len(own) + ahead)]
    whole = [*own.index, *own.ahead(ahead)] if ahead else list(own.index)
    texts = [str(label) for label in whole]
    for end in (" 00:00:00", ":00", "-01", "-01"):  # what all of them have: the time of days, the first of months
        if own.rhythm.kind == DATES and all(text.endswith(end) for text in texts):
            texts = [text.removesuffix(end) for text in texts]
    return texts


def _marked(chart: Chart, labels: Sequence[str], begin: int, count: int = 7) -> None:
    """Some of the labels, from the step `begin` on."""
    some = np.unique(np.linspace(begin, len(labels) - 1, count).round().astype(int)).tolist()
    chart.below(some[1:-1] if len(some) > 3 else some, [labels[k] for k in (some[1:-1] if len(some) > 3 else some)])


def _bands(chart: Chart, places: Array, said: Array) -> None:
    """The intervals of (H + 1, Q) quantiles, the widest below."""
    for k in range(said.shape[1] // 2):
        chart.band(places, said[:, k], said[:, -1 - k])


def _picture(own: Series, said: Array, quantiles: Sequence[float], say: Mapping[str, str]) -> str:
    horizon = len(said)
    begin = max(0, len(own) - max(PAST * horizon, 60))
    past, labels = own.values[begin:], _labels(own, horizon)
    chart = Chart((begin, len(labels) - 1), [past, said])
    _forecast(chart, own.values, len(own), said, quantiles)
    chart.line(np.arange(begin, len(own)), past, "truth").upright(len(own) - 1)
    _marked(chart, labels, begin)
    return chart.svg(say["forecast"])


def _forecast(chart: Chart, values: Array, at: int, said: Array, quantiles: Sequence[float]) -> None:
    """A forecast from a step, joined to the last known value."""
    last = values[:at][~np.isnan(values[:at])][-1]
    whole = np.concatenate([np.full((1, said.shape[1]), last), said])
    places = np.arange(at - 1, at + len(said))
    _bands(chart, places, whole)
    chart.line(places, whole[:, list(quantiles).index(0.5)], "own")


def _backtest(backtest: Backtest, series: Sequence[Series], say: Mapping[str, str]) -> list[str]:
    origins = backtest.names.count(backtest.names[0])
    table, horizon = backtest.table(), np.arange(1, backtest.truth.shape[1] + 1)
    parts = [head(say["backtest"]), f"<p>{escape(say['how'].format(origins))}</p>"]
    own, naive = table["mase"].to_numpy(), table["naive mase"].to_numpy()
    ends = (1, max(len(horizon), 2))
    top = float(np.nanmax([*own, *naive])) if not np.isnan([*own, *naive]).all() else 1.0
    errors = Chart(ends, [], width=470, height=230, bounds=(0, 1.1 * top or 1))
    errors.line(horizon, naive, "other").line(horizon, own, "own")
    cover = Chart(ends, [], width=470, height=230, bounds=(0, 1))
    error_key = key(swatch("own", say["forecast"]), swatch("other", say["naive"]))
    swatches = []
    for k, part in enumerate(backtest.coverage):
        cover.line(horizon, np.full(len(horizon), part), "aim")
        cover.line(horizon, table[f"coverage {part:g}"].to_numpy(), curve(k))
        swatches.append(swatch(curve(k), say["interval"].format(f"{part:.0%}")))
    cover_key = key(*swatches, swatch("aim", say["aim"]))
    for chart in (errors, cover):
        ticks = list(range(1, len(horizon) + 1, -(-len(horizon) // 8)))
        chart.below(ticks, [str(k) for k in ticks])
    parts.append('<div class="side">')
    for chart, title, colours in (errors, "errors", error_key), (cover, "coverage", cover_key):
        parts.append(f"<div><h3>{escape(say[title])}</h3>{colours}{chart.svg(say[title])}</div>")
    parts += ["</div>", _table(table, say), *_earlier(backtest, series, say)]
    return parts


def _table(table: Any, say: Mapping[str, str]) -> str:
    names = {"mase": "MASE", "naive mase": say["naive"]}
    heads = [names.get(name) or say["interval"].format(f"{float(name.split()[-1]):.0%}") for name in table.columns]
    titles = "".join(f'<th class="number">{escape(own)}</th>' for own in (say["horizon"], *heads))
    rows = []
    for horizon, row in table.iterrows():
        cells = [str(horizon)]
        for name, value in row.items():
            form = ".0%" if str(name).startswith("coverage") else ".2f"
            cells.append("-" if np.isnan(value) else format(value, form))
        rows.append("<tr>" + "".join(f'<td class="number">{own}</td>' for own in cells) + "</tr>")
    return f'<div class="wide"><table class="scores"><tr>{titles}</tr>{"".join(rows)}</table></div>'


def _earlier(backtest: Backtest, series: Sequence[Series], say: Mapping[str, str]) -> list[str]:
    """The first series that was long enough, with some of its earlier forecasts that do not overlap."""
    own = next(own for own in series if own.name in backtest.names)
    mine = [k for k, name in enumerate(backtest.names) if name == own.name]
    horizon = backtest.truth.shape[1]
    known = [_steps_before(own, backtest.origins[k]) for k in mine]
    chosen: list[tuple[int, int]] = []
    for k, at in reversed(list(zip(mine, known, strict=True))):
        if not chosen or chosen[-1][1] - at >= horizon:
            chosen.append((k, at))
    chosen = chosen[:EARLIER]
    begin = max(0, chosen[-1][1] - 2 * horizon)
    values = own.values[begin:]
    chart = Chart((begin, len(own) - 1), [values, *(backtest.forecasts[k] for k, _ in chosen)])
    for k, at in chosen:
        _forecast(chart, own.values, at, backtest.forecasts[k], backtest.quantiles)
        chart.upright(at - 1)
    chart.line(np.arange(begin, len(own)), values, "truth")
    _marked(chart, _labels(own, 0), begin)
    return [f"<h3>{escape(say['earlier'])}</h3>", chart.svg(say["earlier"])]


def _steps_before(own: Series, origin: Any) -> int:
    """How many steps were known at an origin."""
    return int(origin) + 1 if own.index is None else int(own.index.get_loc(origin)) + 1


def _gates(learned: Learned, own: Series, future: Array, say: Mapping[str, str]) -> list[str]:
    """The gates of one network over its last window of a series."""
    ensemble, network = learned.ensemble, learned.ensemble.networks[0]
    prepared = learned.lens.prepared(own, learned.shape, future)
    tables = Tables.of([prepared], learned.shape, ensemble.sizes, network.dtype)
    begin = max(0, len(own) - ensemble.window)
    x = {INPUTS: tables.inputs[0][begin:, None], STRAIGHT: tables.straight[0][begin:, None]}
    gates = {name: values[:, 0] for name, values in last_gates(network.forward(x)[2].layers["rnn"]).items()}
    if not gates:
        return []
    places, labels = np.arange(begin, len(own)), _labels(own, 0)
    title = str(own.name) if own.name is not None else say["truth"]
    shown = Chart((begin, len(own) - 1), [own.values[begin:]], height=170).line(places, own.values[begin:], "truth")
    parts = [head(say["gates"]), "", f"<h3>{escape(title)}</h3>", shown.svg(title)]
    low = min(float(values.min()) for values in gates.values())
    high = max(float(values.max()) for values in gates.values())
    for name, values in gates.items():
        moving = np.sort(np.argsort(-moved(values).mean(axis=0), kind="stable")[:UNITS])
        chart = Chart((begin, len(own) - 1), [], height=110, bounds=(0, 1), ticks=False)
        chart.cells((values[:, moving].T - low) / max(high - low, 1e-9))
        if name == list(gates)[-1]:
            _marked(chart, labels, begin)
        parts += [f"<h3>{escape(name)}</h3>", chart.svg(name)]
    parts[1] = dim(say["gates how"].format(title, len(ensemble.networks), UNITS, f"{low:.2f}", f"{high:.2f}"))
    return parts


def _model(learned: Learned, series: Sequence[Series], say: Mapping[str, str]) -> list[str]:
    ensemble, shape = learned.ensemble, learned.shape
    network = ensemble.networks[0]
    rows = {
        "series": f"{len(series):,}",
        "steps": f"{max(len(own) for own in series):,}",
        "season": say["none"] if shape.season == 1 else ", ".join(map(str, shape.seasons)),
        "lags": str(shape.lags),
        "cell": network.layers["rnn"].cell.name,
        "networks": str(len(ensemble.networks)),
        "parameters": number_told(network.theta.size, (0, 1)),
        "exogenous": ", ".join(map(str, learned.lens.exogenous)) or say["none"],
    }
    return [head(say["model"]), facts({say[name]: text for name, text in rows.items()})]
