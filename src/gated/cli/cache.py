"""`gated cache`: the machine code, the features of pictures and the music that are kept on disk."""

from __future__ import annotations

import typer

from gated.backends.native.machine import object_cache
from gated.backends.native.tuning import tuning_for
from gated.data import feature_cache
from gated.data.music import kept


def show_cache(clear: bool, clear_features: bool, clear_music: bool) -> None:
    """Folder, entries and size; of what is cleared, what was removed."""
    found = object_cache.clear() if clear else object_cache.contents()
    typer.echo(f"folder   {found.folder if found.folder is not None else 'none'}")
    if found.refused is not None:
        typer.echo(f"not used {found.refused}")
    else:
        typer.echo(f"{'removed' if clear else 'entries'}  {found.entries}")
        typer.echo(f"size     {found.size / 2**20:.1f} MB, at most {tuning_for().disk_limit / 2**20:.0f}")
    for name, own, cleared in (("features", feature_cache, clear_features), ("music", kept, clear_music)):
        data = own.clear() if cleared else own.contents()
        if data.folder is not None:
            removed = "removed, " if cleared else ""
            typer.echo(f"{name:8} {removed}{data.files} files, {data.size / 2**20:.1f} MB")
