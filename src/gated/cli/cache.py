"""`gated cache`: the machine code that is kept on disk."""

from __future__ import annotations

import typer

from gated.backends.native.machine import object_cache
from gated.backends.native.tuning import tuning_for


def show_cache(clear: bool) -> None:
    """Folder, entries and size; with `clear`, what was removed."""
    found = object_cache.clear() if clear else object_cache.contents()
    typer.echo(f"folder   {found.folder if found.folder is not None else 'none'}")
    if found.refused is not None:
        typer.echo(f"not used {found.refused}")
        return
    left = "removed" if clear else "entries"
    typer.echo(f"{left}  {found.entries}")
    typer.echo(f"size     {found.size / 2**20:.1f} MB, at most {tuning_for().disk_limit / 2**20:.0f}")
