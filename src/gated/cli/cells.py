"""`gated cells` and `gated derive`."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from gated.cli.load_cell import load_cell
from gated.files.atomic import write_atomically


def show_zoo() -> None:
    """A table: name, states, the first paragraph of each cell's documentation."""
    from gated.cells import ZOO

    table = Table("cell", "states", "what it is", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True
    for name, cell in ZOO.items():
        first_paragraph = (cell.doc or "").strip().split("\n\n")[0]
        table.add_row(name, " ".join(cell.states), " ".join(first_paragraph.split()))
    console = Console(highlight=False, markup=False)
    with console.capture() as capture:  # printed by itself, rich ends the program when nobody reads on
        console.print(table)
    typer.echo(f"{capture.get()}\ngated cells NAME shows the equations and the source of one.")


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
