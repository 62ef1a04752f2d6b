"""`gated translate`: dates in words, learned and read."""

from __future__ import annotations

from typing import Annotated

import typer

translate = typer.Typer(
    name="translate",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Dates in words to ISO dates: learn to read them, read some.",
)


@translate.command()
def train(
    context: typer.Context,
    lang: Annotated[str, typer.Option(help="Of the dates: en, zh or both.")] = "both",
    pairs: Annotated[int, typer.Option(help="Dates to write and learn from.")] = 100_000,
    years: Annotated[int, typer.Option(help="Years that are kept for the end; at most 40.")] = 20,
    cell: Annotated[str, typer.Option(help="A cell of the zoo (gated cells), or FILE.py:NAME.")] = "gru",
    hidden: Annotated[int, typer.Option(help="Units that read, in each direction, and that write.")] = 128,
    embed: Annotated[int, typer.Option(help="Length of a character's vector.")] = 32,
    passes: Annotated[int, typer.Option(help="Over all dates.")] = 4,
    batch: Annotated[int, typer.Option(help="Dates of an update.")] = 64,
    optimizer: Annotated[str, typer.Option(help="adam, adamw, rmsprop or sgd.")] = "adam",
    lr: Annotated[float, typer.Option(help="Highest learning rate; it rises, then falls along a cosine.")] = 3e-3,
    warmup: Annotated[int, typer.Option(help="Updates over which the rate rises.")] = 50,
    clip: Annotated[float, typer.Option(help="Bound on the gradient's norm; 0: none.")] = 1.0,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    held_out: Annotated[int, typer.Option(help="Dates to judge by in the end, of each of the three kinds.")] = 1000,
    judge: Annotated[int, typer.Option(help="Dates to judge by on the way, of each kind.")] = 500,
    evaluate_every: Annotated[int, typer.Option(help="Updates between judgements.")] = 1000,
    log_every: Annotated[int, typer.Option(help="Updates between lines of metrics.jsonl.")] = 100,
    patience: Annotated[int | None, typer.Option(help="End after so many judgements without a better one.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after this time at the latest.")] = None,
    out: Annotated[str | None, typer.Option(help="Folder of the run  [default: runs/dates-LANG]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in that folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the run in that folder first.")] = False,
    threads: Annotated[int | None, typer.Option(help="Of gated  [default: all processors]")] = None,
) -> None:
    """Write dates in two dozen formats, learn to read them, and say how many are read exactly.

    Some years stand in no date that is learned from, and of each format one month: dates of these are told apart.
    Ctrl-C and SIGTERM leave a checkpoint (exit codes 130 and 143); --resume goes on exactly.

    \b
    gated translate train                        some minutes on two cores
    gated translate train --lang zh --cell lstm
    gated translate train --resume               after Ctrl-C
    """
    from gated.cli.threads import limit_threads
    from gated.cli.translate_dates import run_translation

    limit_threads(threads)
    values = dict(context.params)
    given = [name for name in values if context.get_parameter_source(name).name != "DEFAULT"]
    run_translation(values, given)


@translate.command()
def show(
    texts: Annotated[list[str], typer.Argument(help='Dates in words, such as "the 3rd of March, 1999".')],
    run: Annotated[str, typer.Option(help="The folder of a run, or its model.safetensors.")] = "runs/dates-both",
    beams: Annotated[int, typer.Option(help="Beginnings of a date that a search keeps; 1: the likeliest digit.")] = 1,
) -> None:
    """Read dates.

    \b
    gated translate show "the 3rd of March, 1999" 一九九九年三月三日
    """
    from gated.cli.translate_dates import show_dates

    show_dates(texts, run, beams)
