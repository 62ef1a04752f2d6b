"""`gated forecast`: read, learn, judge, foretell, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from gated.cli.forecast_csv import read_csv
from gated.cli.forecast_data import Table, read_table
from gated.cli.forecast_table import table_text
from gated.cli.load_cell import load_cell
from gated.errors import ArgumentError, require_extra, wrong
from gated.files.atomic import write_atomically
from gated.models.forecaster.backtest import Backtest, most_origins
from gated.models.forecaster.reading import names_told, read
from gated.number_checks import one_of, whole, whole_above_zero

FILES = "forecast.csv", "model.safetensors", "report.html"
OF_LEARNING = (
    *("horizon", "season", "lags", "transform", "lower", "upper", "coverage", "cell", "hidden", "layers", "members"),
    *("passes", "batch", "lr", "patience", "origins", "step", "frequency", "seed"),
)


def run_forecast(values: Mapping[str, Any], given: Sequence[str]) -> None:
    """`values`: all options by name; `given`: names of those that the user wrote."""
    require_extra("sklearn", "series")
    require_extra("pandas", "series")
    one_of("lang", values["lang"], "en", "zh")
    whole_above_zero("count", values["count"])
    whole("origins", values["origins"], 0)
    folder = _folder(values)
    if values["model"] is not None:
        model, table = _loaded(values, given)
        backtest, future = None, _future(values, table, model)
    else:
        model, table, future, backtest = _learned(values, given)
    wide = model.predict_quantiles(table.y, table.X, future=future)
    _write(folder, model, table, future, wide, backtest, values)
    if values["model"] is None:
        typer.echo(f"model    {folder / FILES[1]}")
    typer.echo(f"forecast {folder / FILES[0]}\npage     {folder / FILES[2]}")


def _folder(values: Mapping[str, Any]) -> Path:
    folder = Path(values["out"] or f"runs/forecast-{Path(values['data']).stem}")
    found = [name for name in FILES if (folder / name).exists()]
    if found and not values["overwrite"]:
        raise wrong("out", f"{str(folder)!r}, where {found[0]} is", "another folder, or --overwrite")
    return folder


def _learned(values: Mapping[str, Any], given: Sequence[str]) -> tuple[Any, Table, Any, Backtest | None]:
    from gated.models import Forecaster

    table = read_table(values["data"], values)
    if table.left:
        typer.echo(f"left out {names_told(table.left)}: no numbers")
    cell = values["cell"]
    model = Forecaster(
        horizon=values["horizon"],
        season=tuple(values["season"]) if values["season"] else None,
        lags=values["lags"],
        cell=load_cell(cell) if ":" in cell or cell.endswith(".py") else cell,
        hidden_size=values["hidden"],
        num_layers=values["layers"],
        coverage=tuple(values["coverage"] or (0.8, 0.95)),
        members=values["members"],
        epochs=values["passes"],
        batch_size=values["batch"],
        learning_rate=values["lr"],
        patience=values["patience"],
        transform=values["transform"],
        lower=values["lower"],
        upper=values["upper"],
        frequency=values["frequency"],
        random_state=values["seed"],
        **table.names,
    )
    backtest, future = None, _future(values, table, model)
    origins = _origins(values, given, model, table, future)
    if origins:
        typer.echo(f"backtest from {origins} origins ...")
        backtest = model.backtest(table.y, table.X, origins=origins, step=values["step"])
    model.fit(table.y, table.X)
    _tell(values, model)
    if backtest is not None:
        typer.echo(f"{_listed(backtest)}\n{backtest}")
    return model, table, future, backtest


def _origins(values: Mapping[str, Any], given: Sequence[str], model: Any, table: Table, future: Any) -> int:
    """How many the backtest has, by default as many as the series have room for.

    Raises:
        ArgumentError, ArgumentTypeError: what is known ahead is missing, of which one had better hear before learning.
    """
    from gated.models.forecaster.ensemble import steps_needed
    from gated.models.forecaster.futures import futures_of
    from gated.models.forecaster.settings import columns_of

    horizon, members = (whole_above_zero(name, values[name]) for name in ("horizon", "members"))
    series, step = read(table.y, table.X, columns_of(model)), whole_above_zero("step", values["step"])
    futures_of(series, future, horizon)
    if "origins" in given:
        return int(values["origins"])
    most = min(values["origins"], most_origins(series, horizon, step, steps_needed(horizon, members)))
    if not most:
        typer.echo("no backtest: the series are too short")
    return int(most)


def _loaded(values: Mapping[str, Any], given: Sequence[str]) -> tuple[Any, Table]:
    """A model of an earlier run, and newer data by the columns with which it has learned."""
    from gated.models import Forecaster

    for name in OF_LEARNING:
        if name in given:
            raise ArgumentError(f"{name}: got it together with --model, expected it where something is learned")
    if not Path(values["model"]).is_file():
        raise wrong("model", repr(values["model"]), "a model.safetensors that gated forecast wrote")
    model = Forecaster.load(values["model"])
    known = dict(values)
    for name in ("time", "series", "exogenous"):
        known[name] = known[name] or getattr(model, name)
    if model.target is not None:
        known["column"] = known["column"] or [model.target]
    elif known["time"] is None and model.learned_.shape.phase and not values["data"].endswith(".npz"):
        raise wrong("time", "None", "the column of dates: the model has learned with dates")
    table = read_table(values["data"], known)
    model.set_params(**table.names)
    _tell(values, model, table)
    return model, table


def _tell(values: Mapping[str, Any], model: Any, table: Table | None = None) -> None:
    learned = model.learned_
    shape, rhythm = learned.shape, learned.rhythm
    network = learned.ensemble.networks[0]
    several = " and ".join(map(str, shape.seasons))
    what = "no season" if shape.season == 1 else f"season{'s' * bool(shape.further)} {several}"
    step = f"frequency {rhythm.step}, " if rhythm.beat is not None else ""
    typer.echo(f"data     {Path(values['data']).name}: {step}{what}, {shape.lags} lags")
    typer.echo(
        f"model    {len(learned.ensemble.networks)} x {network.layers['rnn'].cell.name}, {network.theta.size:,} "
        f"parameters each, {shape.horizon} steps ahead"
    )


def _listed(backtest: Backtest) -> str:
    """The table of a backtest, for a terminal."""
    table = backtest.table()
    parts = [f"coverage {part:g}" for part in backtest.coverage]
    lines = ["horizon   MASE  naive" + "".join(f"  in {part:.0%}" for part in backtest.coverage)]
    for horizon, row in table.iterrows():
        inside = "".join(f"{row[name]:8.0%}" for name in parts)
        lines.append(f"{horizon:7d}{row['mase']:7.2f}{row['naive mase']:7.2f}{inside}")
    return "\n".join(lines)


def _future(values: Mapping[str, Any], table: Table, model: Any) -> Any:
    """What is known ahead."""
    if values["future"] is None or not values["exogenous"] and not model.exogenous:
        if values["future"] is not None:
            raise wrong("future", repr(values["future"]), "it with --exogenous alone")
        return table.future
    time = values["time"] or model.time
    frame = read_csv(values["future"], time, "future")
    return frame.set_index(time) if model.target is None and time is not None else frame


def _write(
    folder: Path,
    model: Any,
    table: Table,
    future: Any,
    said: Any,
    backtest: Backtest | None,
    values: Mapping[str, Any],
) -> None:
    from gated.models.forecaster.futures import futures_of
    from gated.models.forecaster.report import forecast_report
    from gated.models.forecaster.settings import columns_of

    series = read(table.y, table.X, columns_of(model))
    ahead = futures_of(series, future, model.learned_.shape.horizon)
    page = forecast_report(
        Path(values["data"]).name,
        model.learned_,
        series.series,
        ahead,
        backtest,
        lang=values["lang"],
        count=values["count"],
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / FILES[0], table_text(said, model).encode())
    if values["model"] is None:
        model.save(folder / FILES[1])
    write_atomically(folder / FILES[2], page.encode())
