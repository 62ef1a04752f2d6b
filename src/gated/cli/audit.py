"""`gated audit`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gated.files.atomic import write_atomically

if TYPE_CHECKING:
    from gated.audit.verdict import Audit

EXIT = {"right": 0, "wrong": 1, "unknown": 2}


def run_audit(
    code: str,
    as_json: bool,
    html: str | None,
    fix: bool,
    output: str | None,
    cell: str | None,
    lang: str,
    seconds: float,
    memory: float,
) -> int:
    """Audit, print or write what was asked for; the exit status: 0 right, 1 wrong, 2 could not be audited."""
    from gated.audit.foreign.starting import MANNERS, TABLE, opening, place, start_ahead

    path, name = place(code)
    bytes_of_memory = int(memory * 2**30)
    known = cell is None and Path(path).is_file()  # it is busy while this process imports what explains
    start_ahead(*([opening(path, name, bytes_of_memory), TABLE, MANNERS] if known else []))
    from gated.audit.code_audit import diagnose
    from gated.cli.load_cell import load_cell

    own = None if cell is None else load_cell(cell)
    with _waiting():
        audit = diagnose(code, cell=own, lang=lang, fix=fix, seconds=seconds, memory=bytes_of_memory)
    if as_json:
        typer.echo(audit.to_json())
    else:
        _print_page(audit)
    if html is not None:
        from gated.audit.pages.html import as_html

        write_atomically(html, as_html(audit).encode())
        typer.echo(f"{html}: written", err=True)
    if fix:
        _write_mended(audit, output)
    return EXIT[audit.verdict]


def _write_mended(audit: Audit, output: str | None) -> None:
    """The mended copy, and what was changed in it, on the error stream: nothing stands beside the report or JSON."""
    from gated.audit.pages.words import say

    if audit.verdict == "right":
        return
    if audit.mended is None:
        typer.echo(say(audit.lang, "not_mended"), err=True)
        return
    path = output or str(Path(audit.path).with_name(f"{Path(audit.path).stem}_mended.py"))
    write_atomically(path, audit.mended.encode())
    done = sum(fault.mended for fault in audit.faults)
    typer.echo(f"{audit.diff}\n{say(audit.lang, 'mended', path, done, len(audit.faults))}", err=True)


def _print_page(audit: Audit) -> None:
    """In colours where a person looks at it."""
    import sys

    from gated.audit.pages.terminal import as_rich, as_text

    if not sys.stdout.isatty():
        typer.echo(as_text(audit))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(as_rich(audit, min(console.width, 120)))


@contextlib.contextmanager
def _waiting() -> Iterator[None]:
    """Something that moves while their code runs; on the error stream, and only if a person looks at it."""
    import sys

    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status("running, differentiating, explaining"):
        yield
