"""The subcommands of `gated experiment` and their options; what they need is imported when they run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

experiment = typer.Typer(
    name="experiment",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Compare the ways to learn, and write a report with pictures.",
)

Algorithms = Annotated[str, typer.Option(help="Some of online,truncated,full,rtrl, with commas.")]
Cells = Annotated[str, typer.Option(help="Cells of the zoo (gated cells) or FILE.py:NAME, with commas.")]
Seeds = Annotated[int, typer.Option(help="Trials of each algorithm and cell: seeds 0, 1, ...")]
Rates = Annotated[
    list[str] | None,
    typer.Option("--lr", metavar="ALGORITHM=RATE", help="Or RATE for all; may be given several times."),
]
Out = Annotated[str | None, typer.Option(help="Folder of the report  [default: runs/experiment-NAME]")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Remove the report in that folder first.")]
Resume = Annotated[bool, typer.Option("--resume", help="Keep the finished trials in that folder, run the others.")]
Hidden = Annotated[int, typer.Option(help="Hidden units.")]
Batch = Annotated[int, typer.Option(help="Sequences side by side.")]
Window = Annotated[int, typer.Option(help="Steps that a truncated gradient reaches back.")]
Most = Annotated[int, typer.Option(help="Sequences after which a trial gives up.")]
Every = Annotated[int, typer.Option(help="Sequences between two tests.")]
After = Annotated[int, typer.Option(help="Tests after the first that was passed, learning on: does it stay so?")]


def _contest(name: str, options: dict[str, Any], values: dict[str, Any]) -> None:
    from gated.cli.threads import limit_threads

    limit_threads(1)  # before numpy is loaded: the products here are small
    from gated.cli.contest_table import run

    run(name, options, values)


@experiment.command()
def reber(
    algorithms: Algorithms = "online,truncated,full,rtrl",
    cells: Cells = "lstm,peephole_lstm",
    seeds: Seeds = 5,
    hidden: Hidden = 15,
    max_sequences: Most = 10_000,
    lr: Rates = None,
    batch: Batch = 1,
    window: Window = 4,
    every: Every = 200,
    after: After = 10,
    out: Out = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
) -> None:
    """The embedded Reber grammar: how many strings until it is learned?

    Trains with each algorithm and cell until a test with frozen weights is passed: all legal successors and no other,
    at every step of 512 strings. Reported apart is the hard step, the last but one, which needs the second symbol.
    Ctrl-C writes the report of what there is, and --resume goes on.

    \b
    gated experiment reber
    gated experiment reber --algorithms online,full --cells lstm --seeds 3
    gated experiment reber --lr online=0.01 --lr full=0.05 --out runs/faster
    """
    _contest("reber", {}, locals())


@experiment.command()
def adding(
    algorithms: Algorithms = "online,truncated,full",
    cells: Cells = "rnn,lstm,lstm_1997",
    seeds: Seeds = 3,
    steps: Annotated[int, typer.Option(help="Least length of a sequence, 20 or more.")] = 20,
    hidden: Hidden = 16,
    max_sequences: Most = 40_000,
    lr: Rates = None,
    batch: Batch = 10,
    window: Window = 4,
    every: Every = 1000,
    after: After = 5,
    out: Out = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
) -> None:
    """The adding problem: the sum of two marked numbers, asked for at the end.

    Not among the algorithms by default is rtrl: with one target, at the end, it is full backpropagation through time.

    \b
    gated experiment adding
    gated experiment adding --steps 50 --algorithms full --cells rnn,gru,lstm
    """
    _contest("adding", {"steps": steps}, locals())


@experiment.command()
def timing(
    algorithms: Algorithms = "online,full",
    cells: Cells = "lstm,peephole_lstm",
    seeds: Seeds = 5,
    period: Annotated[int, typer.Option(help="Steps of silence that are always there.")] = 10,
    delays: Annotated[str, typer.Option(help="Further steps, one of these, with commas.")] = "0,1,2,3",
    hidden: Hidden = 4,
    max_sequences: Most = 40_000,
    lr: Rates = None,
    batch: Batch = 4,
    window: Window = 4,
    every: Every = 400,
    after: After = 5,
    out: Out = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
) -> None:
    """Measuring spike distances: with peepholes and without.

    \b
    gated experiment timing
    gated experiment timing --period 20 --delays 0,1
    """
    _contest("timing", {"period": period, "delays": delays}, locals())


@experiment.command()
def gradients(
    cells: Cells = "rnn,lstm,gru",
    steps: Annotated[int, typer.Option(help="Length of the sequences, T.")] = 60,
    hidden: Hidden = 32,
    updates: Annotated[int, typer.Option(help="Updates of training, 50 sequences each.")] = 1500,
    lr: Annotated[float, typer.Option(help="Learning rate of training (Adam).")] = 0.005,
    seed: Annotated[int, typer.Option(help="Of data and initial weights.")] = 0,
    out: Out = None,
    overwrite: Overwrite = False,
) -> None:
    """How much of the last step's loss reaches the steps before it: the gradient that vanishes.

    For each cell, before and after training on the adding problem: the norm of d loss_T / d h_t over t.

    \b
    gated experiment gradients
    gated experiment gradients --steps 100 --cells rnn,gru,lstm,peephole_lstm
    """
    values = locals()
    from gated.cli.threads import limit_threads

    limit_threads(1)
    from gated.cli.approximations import run_gradients

    run_gradients(values)


@experiment.command()
def lahore(
    hidden: Hidden = 8,
    strings: Annotated[int, typer.Option(help="Strings that the gradients are summed over.")] = 20,
    scale: Annotated[float, typer.Option(help="Standard deviation of the random weights.")] = 0.5,
    trained: Annotated[int, typer.Option(help="Strings of online learning before; 0: random weights.")] = 0,
    rates: Annotated[str, typer.Option(help="Learning rates for the stale traces, with commas.")] = "0.01,0.07,0.5",
    seeds: Seeds = 10,
    out: Out = None,
    overwrite: Overwrite = False,
) -> None:
    """How far online learning is from the gradient, on strings of the embedded Reber grammar.

    Relative error and angle of each parameter group, with and without recurrent weights and peepholes, for the public
    Java program's rule and for traces that know the peepholes.

    \b
    gated experiment lahore
    gated experiment lahore --trained 3000 --hidden 15
    """
    values = locals()
    from gated.cli.threads import limit_threads

    limit_threads(1)
    from gated.cli.approximations import run_lahore

    run_lahore(values)
