"""The subcommands and their options. What they need is imported when they run: `gated --help` is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from gated.cli.caption import caption
from gated.cli.experiment import experiment
from gated.cli.forecast import forecast
from gated.cli.music import music
from gated.cli.translate import translate

app = typer.Typer(
    name="gated",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.add_typer(experiment)
app.add_typer(caption)
app.add_typer(translate)
app.command()(forecast)
app.add_typer(music)


def _version(wanted: bool) -> None:
    if wanted:
        from gated import __version__

        typer.echo(f"gated {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Gated recurrent cells from their equations: derive, train, sample.

    \b
    gated cells                      the cells that come with gated
    gated derive lstm                the backward pass of one, derived
    gated audit my_lstm.py           what is wrong with somebody's gradients
    gated train                      train a small language model on Python's own reference
    gated sample runs/lstm           let it write
    gated evaluate runs/lstm a.txt   how well it foretells a text
    gated caption train              learn to say what is in a picture
    gated translate train            learn to read dates in words
    gated classify data.csv          learn of which class a sequence is
    gated forecast sales.csv         foretell how series go on
    gated music train                learn to compose chorales
    gated experiment reber           compare the ways to learn
    gated cache                      what is kept on disk
    """


@app.command()
def train(
    context: typer.Context,
    corpus: Annotated[str | None, typer.Argument(help="A text file; without one, Python's language reference.")] = None,
    encoding: Annotated[str, typer.Option(help="Of the text: utf-8, gb18030, utf-16, latin-1, ...")] = "utf-8",
    units: Annotated[
        str, typer.Option(help="What the model reads and writes: characters, words or bytes.")
    ] = "characters",
    minimum_count: Annotated[int, typer.Option(help="Words that stand more rarely in the text are spelled.")] = 2,
    maximum_size: Annotated[int | None, typer.Option(help="So many words at most, the most frequent.")] = None,
    chinese: Annotated[
        str, typer.Option(help="With --units words: Chinese as characters, or as words (needs jieba).")
    ] = "characters",
    cell: Annotated[str, typer.Option(help="A cell of the zoo (gated cells), or FILE.py:NAME.")] = "lstm",
    hidden: Annotated[int, typer.Option(help="Hidden units.")] = 192,
    layers: Annotated[int, typer.Option(help="Recurrent layers on top of each other.")] = 1,
    embed: Annotated[int, typer.Option(help="Length of a character's, word's or byte's vector.")] = 48,
    batch: Annotated[int, typer.Option(help="Streams of text side by side.")] = 32,
    window: Annotated[int, typer.Option(help="Characters, words or bytes that a gradient reaches back.")] = 32,
    epochs: Annotated[int, typer.Option(help="Passes over the text.")] = 5,
    steps: Annotated[int | None, typer.Option(help="Updates, instead of passes.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after this time at the latest.")] = None,
    optimizer: Annotated[str, typer.Option(help="adam, adamw, rmsprop or sgd.")] = "adam",
    lr: Annotated[float, typer.Option(help="Highest learning rate; it rises, then falls along a cosine.")] = 1e-2,
    warmup: Annotated[int, typer.Option(help="Updates over which the rate rises.")] = 50,
    clip: Annotated[float, typer.Option(help="Bound on the gradient's norm; 0: none.")] = 0.1,
    dropout: Annotated[float, typer.Option(help="Probability of a zero between two layers.")] = 0.0,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    held_out: Annotated[float, typer.Option(help="Part of the text, from its end, to judge by.")] = 0.05,
    evaluate_every: Annotated[int, typer.Option(help="Updates between evaluations on the held-out part.")] = 200,
    log_every: Annotated[int, typer.Option(help="Updates between lines of metrics.jsonl.")] = 20,
    out: Annotated[str | None, typer.Option(help="Folder of the run  [default: runs/CELL]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in that folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the run in that folder first.")] = False,
    threads: Annotated[
        int | None,
        typer.Option(help="Of gated and of NumPy's matrix products  [default: all processors, and 1]"),
    ] = None,
    length: Annotated[int, typer.Option("--sample", help="Characters, words or bytes to write at the end.")] = 400,
) -> None:
    """Train a language model and watch held-out bits per character fall.

    Ctrl-C stops after the update under way, and so does SIGTERM, with which batch systems end a job (exit codes 130
    and 143); --resume then goes on exactly. One process at a time writes a folder.

    \b
    gated train                                  20 to 60 seconds on two cores
    gated train book.txt --hidden 256 --epochs 20 --out runs/book
    gated train book.txt --units words --embed 128
    gated train hongloumeng.txt --encoding gb18030
    gated train --cell my_cells.py:my_cell --minutes 2
    gated train --out runs/book --resume         after Ctrl-C
    """
    from gated.cli.threads import limit_threads

    limit_threads(threads)
    from gated.cli.train import run_training

    values = dict(context.params)
    given = [name for name in values if context.get_parameter_source(name).name != "DEFAULT"]
    run_training(values, given)


@app.command()
def sample(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="The folder of a run, or its model.safetensors.")],
    length: Annotated[
        int | None,
        typer.Option(help="Characters, words or bytes to write at most  [default: 500]; quarter notes  [default: 64]"),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Below 1: more cautious, of music without --voices also fewer keys; above 1: bolder; 0: always the "
            "likeliest, of music as many keys as are usual there  [default: 0.8; of music 1]"
        ),
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw from so many of the likeliest only.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Draw from the fewest that together have this probability, the nucleus, only.")
    ] = None,
    prompt: Annotated[str, typer.Option(help="Text to go on from; of music, a MIDI or MusicXML file.")] = "",
    stop: Annotated[list[str] | None, typer.Option(help="End before this is written; may be given again.")] = None,
    voices: Annotated[
        int | None, typer.Option(help="Of music: so many keys sound at a time  [default: as they come]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another text.")] = 0,
    out: Annotated[
        str | None, typer.Option(help="A file, instead of the screen; of music a MIDI file  [default: sample.mid]")
    ] = None,
) -> None:
    """Let a trained model write: text, or music as a MIDI file.

    \b
    gated sample runs/lstm
    gated sample runs/lstm --prompt "The import statement" --temperature 0.5 --seed 3
    gated sample runs/lstm --top-p 0.9 --stop . --stop :
    gated sample runs/chorales --voices 4 --out chorale.mid
    """
    from gated.cli.sample import write_sample

    write_sample(run, context.params)


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="The folder of a run, or its model.safetensors.")],
    file: Annotated[str, typer.Argument(help="A text file.")],
    encoding: Annotated[str, typer.Option(help="Of the text: utf-8, gb18030, utf-16, latin-1, ...")] = "utf-8",
    streams: Annotated[
        int, typer.Option(help="Pieces of the text side by side: faster, and a little worse for want of context.")
    ] = 1,
) -> None:
    """How well a trained model foretells a text.

    Bits of the whole text, over its characters, bytes and words: the same measure for models of characters, words and
    bytes.

    \b
    gated evaluate runs/lstm other.txt
    gated evaluate runs/lstm hongloumeng.txt --encoding gb18030 --streams 32
    """
    from gated.cli.evaluate import write_score

    write_score(run, file, encoding, streams)


@app.command()
def classify(
    context: typer.Context,
    data: Annotated[str, typer.Argument(help="Sequences with classes: a .csv, .npz or .ts file.")],
    test: Annotated[str | None, typer.Option(help="Another such file, to judge by.")] = None,
    held_out: Annotated[float, typer.Option(help="Without one: the share of the sequences to judge by.")] = 0.25,
    folds: Annotated[int | None, typer.Option(help="Instead: in so many parts, each judged once.")] = None,
    model: Annotated[str | None, typer.Option(help="Learn nothing: ask a saved model.")] = None,
    label: Annotated[str, typer.Option(help="Column of classes of a .csv; with --model none, if not given.")] = "label",
    sequence: Annotated[
        str | None,
        typer.Option(help="A row is a step: the column that says of which.  [default: a row is a sequence]"),
    ] = None,
    time: Annotated[str | None, typer.Option(help="The column that orders steps.  [default: as in the file]")] = None,
    group: Annotated[str | None, typer.Option(help="The column of what must not be split.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="A column to leave out; may be given again.")] = None,
    cell: Annotated[str | None, typer.Option(help="A cell of the zoo (gated cells), or FILE.py:NAME.")] = None,
    hidden: Annotated[int | None, typer.Option(help="Hidden units, in each direction.")] = None,
    layers: Annotated[int | None, typer.Option(help="Recurrent layers on top of each other.")] = None,
    bidirectional: Annotated[
        bool | None, typer.Option("--bidirectional/--one-direction", help="Read from both ends, or not.")
    ] = None,
    pooling: Annotated[str | None, typer.Option(help="Of all steps: max, mean or last.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Probability of a zero before the last layer.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the sequences.")] = None,
    batch: Annotated[int | None, typer.Option(help="Sequences of an update.")] = None,
    lr: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    early_stopping: Annotated[
        bool | None,
        typer.Option("--early-stopping/--to-the-end", help="Keep some apart, stop when they get worse."),
    ] = None,
    balanced: Annotated[bool, typer.Option("--balanced", help="All classes count the same, rare ones too.")] = False,
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    lang: Annotated[str, typer.Option(help="Of the page: en or zh.")] = "en",
    out: Annotated[str | None, typer.Option(help="Folder of what is written  [default: runs/classify-NAME]")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Tell how it learns.")] = False,
    threads: Annotated[int | None, typer.Option(help="Of gated  [default: all processors]")] = None,
) -> None:
    """Learn of which class a sequence is; judge by others, beside the nearest neighbour; write a page about it.

    What is left out of the network's options is the default of gated.models.SequenceClassifier. The folder gets the
    model, predictions.csv and report.html.

    \b
    gated classify vowels_TRAIN.ts --test vowels_TEST.ts
    gated classify walks.csv --sequence walk --time second --label who --folds 5
    gated classify new.csv --sequence walk --time second --model runs/classify-walks --out runs/new
    """
    from gated.cli.threads import limit_threads

    limit_threads(threads)
    from gated.cli.classify import run_classification

    values = dict(context.params)
    given = [name for name in values if context.get_parameter_source(name).name != "DEFAULT"]
    run_classification(values, given)


@app.command()
def derive(
    cell: Annotated[str, typer.Argument(help="A cell of the zoo, or FILE.py:NAME.")],
    format: Annotated[str, typer.Option("--format", "-f", help="text, markdown, latex or numpy.")] = "text",
    lang: Annotated[str, typer.Option(help="en or zh.")] = "en",
    output: Annotated[str | None, typer.Option("-o", "--output", help="A file, instead of the screen.")] = None,
) -> None:
    """Derive the backward pass of a cell from its equations.

    \b
    gated derive gru
    gated derive peephole_lstm --format markdown --lang zh -o peephole.md
    gated derive my_cells.py:my_cell --format numpy
    """
    from gated.cli.cells import write_derivation

    write_derivation(cell, format, lang, output)


@app.command()
def audit(
    code: Annotated[str, typer.Argument(help="FILE.py, or FILE.py:NAME for a function or class in it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing beside it.")] = False,
    html: Annotated[str | None, typer.Option("--html", help="Write a page with formulas and a picture.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Write a mended copy where the place is certain.")] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="Of --fix  [default: FILE_mended.py beside it]")
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(help="What its forward pass is, FILE.py:NAME  [default: looked for in the zoo and near it]"),
    ] = None,
    lang: Annotated[str, typer.Option(help="en or zh.")] = "en",
    seconds: Annotated[float, typer.Option(help="That their code may take for one part of the audit.")] = 60.0,
    memory: Annotated[float, typer.Option(help="GiB that their code may take.")] = 4.0,
) -> None:
    """Audit somebody's own NumPy or PyTorch code: which gradients are wrong, and which term of which formula.

    The file is run as it stands, in a process of its own. What is right is the derivative of its own forward pass.
    Exit status: 0 right, 1 wrong, 2 could not be audited.

    \b
    gated audit my_lstm.py
    gated audit my_lstm.py:LstmLayer --lang zh
    gated audit my_lstm.py --html report.html
    gated audit my_lstm.py --fix -o mended.py
    gated audit my_lstm.py --json
    gated audit my_code.py --cell my_cells.py:my_cell
    """
    from gated.cli.audit import run_audit

    raise typer.Exit(run_audit(code, as_json, html, fix, output, cell, lang, seconds, memory))


@app.command()
def cells(
    name: Annotated[str | None, typer.Argument(help="A cell of the zoo, or FILE.py:NAME.")] = None,
) -> None:
    """List the cells that come with gated, or show one.

    \b
    gated cells
    gated cells slstm
    """
    from gated.cli.cells import show_cell, show_zoo

    if name is None:
        show_zoo()
    else:
        show_cell(name)


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove the machine code.")] = False,
    clear_features: Annotated[bool, typer.Option("--clear-features", help="Remove the features of pictures.")] = False,
    clear_music: Annotated[bool, typer.Option("--clear-music", help="Remove the music that was read.")] = False,
) -> None:
    """Show what is kept on disk, or remove it: machine code, features of pictures, music that was read.

    Cells are compiled once and kept in the user's cache folder, or in the one that the environment variable
    GATED_CACHE_DIR names; if that is set to nothing, on no disk. What gated.data.kept_features has seen in pictures
    lies in the folder "features" in it, what gated.data.music has read of scores in "music".
    """
    from gated.cli.cache import show_cache

    show_cache(clear, clear_features, clear_music)
