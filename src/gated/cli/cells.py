"""`gated cells` and `gated derive`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from gated.cli.load_cell import load_cell
from gated.files.atomic import write_atomically

if TYPE_CHECKING:
    from gated.language import Cell


SIZE = 64


def show_zoo() -> None:
    """The cells by family: name, states, number of parameters, the first paragraph of each one's documentation."""
    from gated.cells import FAMILIES, ZOO

    widest = max(map(len, ZOO))
    console = Console(highlight=False, markup=False)
    with console.capture() as capture:  # printed by itself, rich ends the program when nobody reads on
        for number, (family, cells) in enumerate(FAMILIES.items()):
            table = Table("cell", "states", "parameters", "what it is", box=None, pad_edge=False, padding=(0, 2, 0, 0))
            table.show_header = number == 0
            table.columns[0].no_wrap = True
            table.columns[0].min_width = widest
            table.columns[1].min_width = max(len(" ".join(cell.states)) for cell in ZOO.values())
            table.columns[2].justify = "right"
            for cell in cells:
                first_paragraph = (cell.doc or "").strip().split("\n\n")[0]
                row = cell.name, " ".join(cell.states), f"{_parameters(cell):,}", " ".join(first_paragraph.split())
                table.add_row(*row)
            console.print(f"{family}\n", table, sep="\n")
            console.print()
    typer.echo(
        f"{capture.get()}Parameters are counted for {SIZE} inputs and units.\n"
        "gated cells NAME shows the equations and the source of one."
    )


def _parameters(cell: Cell) -> int:
    """With every length SIZE."""
    return sum(SIZE ** len(dims) for dims in cell.parameters.values())


def show_cell(spec: str) -> None:
    """Equations, documentation and source, states, shapes of the parameters."""
    cell = load_cell(spec)
    typer.echo(cell.name)
    if cell.doc:
        typer.echo("\n" + "\n".join(f"    {line}".rstrip() for line in cell.doc.strip().splitlines()))
    typer.echo("\nequations")
    for line in cell.equations():
        typer.echo(f"    {line}")
    typer.echo(f"\nstates\n    {', '.join(cell.states)}; the output is {cell.states[0]}")
    typer.echo("\nparameters")
    for name, dims in cell.parameters.items():
        typer.echo(f"    {name}  ({', '.join(dims)}{',' if len(dims) == 1 else ''})")


def write_derivation(spec: str, format: str, lang: str, output: str | None) -> None:
    """The derivation of the backward pass, on the screen or in a file that appears whole or not at all."""
    text = load_cell(spec).derive(format=format, lang=lang)
    if output is None:
        typer.echo(text)
    else:
        write_atomically(output, (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace"))
