"""`gated music`: piano rolls, learned and shown."""

from __future__ import annotations

from typing import Annotated

import typer

music = typer.Typer(
    name="music",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Music as piano rolls: learn to foretell and to compose it (gated sample composes).",
)


@music.command()
def train(
    context: typer.Context,
    folder: Annotated[
        str | None, typer.Argument(help="A folder of MIDI or MusicXML files; without one, Bach's chorales.")
    ] = None,
    count: Annotated[int | None, typer.Option(help="Only so many of the pieces, the first.")] = None,
    key: Annotated[str, typer.Option(help="common: all transposed to C; or as written.")] = "common",
    transpose: Annotated[
        int, typer.Option(help="Semitones by which pieces are moved at random while learning; with --key written.")
    ] = 0,
    cell: Annotated[str, typer.Option(help="A cell of the zoo (gated cells), or FILE.py:NAME.")] = "lstm",
    hidden: Annotated[int, typer.Option(help="Hidden units.")] = 128,
    layers: Annotated[int, typer.Option(help="Recurrent layers on top of each other.")] = 2,
    dropout: Annotated[
        float, typer.Option(help="Probability of a zero between two layers; of one layer there is none.")
    ] = 0.5,
    passes: Annotated[int, typer.Option(help="Over all pieces, at most.")] = 60,
    batch: Annotated[int, typer.Option(help="Pieces of an update.")] = 8,
    optimizer: Annotated[str, typer.Option(help="adam, adamw, rmsprop or sgd.")] = "adam",
    lr: Annotated[float, typer.Option(help="Highest learning rate; it rises, then falls along a cosine.")] = 1e-2,
    warmup: Annotated[int, typer.Option(help="Updates over which the rate rises.")] = 50,
    clip: Annotated[float, typer.Option(help="Bound on the gradient's norm; 0: none.")] = 1.0,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of all that is random but the split.")] = 0,
    valid: Annotated[float, typer.Option(help="Part of the pieces by which is chosen when to stop.")] = 0.2,
    test: Annotated[float, typer.Option(help="Part of the pieces to judge by in the end.")] = 0.2,
    split: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    log_every: Annotated[int, typer.Option(help="Updates between lines of metrics.jsonl.")] = 100,
    patience: Annotated[int | None, typer.Option(help="End after so many passes without a better one.")] = 10,
    minutes: Annotated[float | None, typer.Option(help="Stop after this time at the latest.")] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder of the run  [default: runs/FOLDER, without one runs/chorales]")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in that folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the run in that folder first.")] = False,
    threads: Annotated[int | None, typer.Option(help="Of gated  [default: all processors]")] = None,
) -> None:
    """Learn which keys sound at each quarter note, and say how well pieces never seen are foretold.

    Bach's chorales come with music21 (pip install 'gated[music]'); reading them takes a minute, once. Ctrl-C and
    SIGTERM leave a checkpoint (exit codes 130 and 143); --resume goes on exactly.

    \b
    gated music train                            a minute on two cores
    gated music train --cell gru --key written --transpose 3
    gated music train my_midi_files              into runs/my_midi_files
    gated sample runs/chorales --out chorale.mid
    """
    from gated.cli.music_train import run_music
    from gated.cli.threads import limit_threads

    limit_threads(threads)
    values = dict(context.params)
    given = [name for name in values if context.get_parameter_source(name).name != "DEFAULT"]
    run_music(values, given)


@music.command()
def report(
    run: Annotated[str, typer.Argument(help="The folder of a run.")] = "runs/chorales",
    lang: Annotated[str, typer.Option(help="en or zh.")] = "en",
    length: Annotated[int, typer.Option(help="Quarter notes to compose and to show.")] = 48,
    seed: Annotated[int, typer.Option(help="Another seed, other music.")] = 0,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The page  [default: report.html in the run's folder]")
    ] = None,
) -> None:
    """Write a page to see and to hear: what the model composes beside true music, and its gates over a piece.

    \b
    gated music report
    gated music report runs/mine --lang zh --output mine.html
    """
    from gated.cli.music_train import write_report

    write_report(run, lang, length, seed, output)
