"""`gated forecast`: series of a table go on."""

from __future__ import annotations

from typing import Annotated

import typer


def forecast(
    context: typer.Context,
    data: Annotated[str, typer.Argument(help="A CSV file with a head of names, or an .npz file of arrays.")],
    column: Annotated[
        list[str] | None,
        typer.Option(help="What to foretell; may be given again  [default: every column or array of numbers]"),
    ] = None,
    time: Annotated[str | None, typer.Option(help="The column of dates or numbers of the steps.")] = None,
    series: Annotated[
        str | None, typer.Option(help="The column that names the series, where the rows of several stand together.")
    ] = None,
    exogenous: Annotated[
        list[str] | None, typer.Option(help="A column that is known ahead; may be given again.")
    ] = None,
    future: Annotated[
        str | None,
        typer.Option(
            help="A CSV file with the exogenous columns of the steps that follow  [default: the last rows of DATA, in "
            "which the column to foretell is empty]"
        ),
    ] = None,
    frequency: Annotated[
        str | None, typer.Option(help="Of the dates, as pandas writes it: D, W-SUN, MS, ME, B, h  [default: found]")
    ] = None,
    horizon: Annotated[int, typer.Option(help="Steps to foretell.")] = 12,
    season: Annotated[
        list[int] | None,
        typer.Option(
            help="Steps after which things repeat themselves; may be given again  [default: as the dates say]"
        ),
    ] = None,
    lags: Annotated[
        int | None, typer.Option(help="Last values that are read side by side  [default: two seasons]")
    ] = None,
    transform: Annotated[str | None, typer.Option(help="Foretell the log or the sqrt of the values.")] = None,
    lower: Annotated[float | None, typer.Option(help="No value is below it, such as 0 of counts.")] = None,
    upper: Annotated[float | None, typer.Option(help="No value is above it.")] = None,
    coverage: Annotated[
        list[float] | None, typer.Option(help="Of an interval; may be given again  [default: 0.8 and 0.95]")
    ] = None,
    cell: Annotated[str, typer.Option(help="A cell of the zoo (gated cells), or FILE.py:NAME.")] = "lstm",
    hidden: Annotated[int, typer.Option(help="Hidden units.")] = 32,
    layers: Annotated[int, typer.Option(help="Recurrent layers on top of each other.")] = 1,
    members: Annotated[int, typer.Option(help="Networks, each of which learns without a block of time.")] = 4,
    passes: Annotated[int, typer.Option(help="Over the series, at most.")] = 100,
    batch: Annotated[int, typer.Option(help="Windows of an update.")] = 16,
    lr: Annotated[float, typer.Option(help="Highest learning rate; it rises, then falls along a cosine.")] = 3e-3,
    patience: Annotated[int, typer.Option(help="A network ends after so many judgements without a better one.")] = 15,
    origins: Annotated[int, typer.Option(help="Places from which the backtest foretells; 0: there is none.")] = 20,
    step: Annotated[int, typer.Option(help="Steps between two of them.")] = 1,
    model: Annotated[
        str | None, typer.Option(help="A model of an earlier run: it foretells, and nothing is learned.")
    ] = None,
    count: Annotated[int, typer.Option(help="Series that the page shows.")] = 6,
    lang: Annotated[str, typer.Option(help="Of the page: en or zh.")] = "en",
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    out: Annotated[str | None, typer.Option(help="Folder of what is written  [default: runs/forecast-DATA]")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in that folder.")] = False,
    threads: Annotated[int | None, typer.Option(help="Of gated  [default: all processors]")] = None,
) -> None:
    """Learn series of numbers and foretell how they go on, with intervals.

    A backtest from origins that roll through the end of the series says how far off such forecasts were, beside the
    seasonal naive forecast, and how much of the truth the intervals held. The folder then has forecast.csv,
    model.safetensors and report.html.

    \b
    gated forecast co2.csv --time month --horizon 24
    gated forecast visits.csv --time hour --lower 0 --season 24 --season 168
    gated forecast sales.csv --time day --series shop --column sold --exogenous price --future plan.csv
    gated forecast sales.csv --model runs/forecast-sales/model.safetensors    newer rows, the old model
    """
    from gated.cli.forecast_run import run_forecast
    from gated.cli.threads import limit_threads

    limit_threads(threads)
    values = dict(context.params)
    given = [name for name in values if context.get_parameter_source(name).name != "DEFAULT"]
    run_forecast(values, given)
