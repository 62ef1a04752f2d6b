"""A folder with files of known names, which one process at a time writes; what else is in it is never touched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from gated.errors import ArgumentError, shown
from gated.files import folder_lock
from gated.files.atomic import is_left_over, remove_left_overs


class KeptFolder:
    """Its path, files and lock. A subclass names the files.

    Attributes:
        lock: taken by `start` and `take`, so that no other process writes the folder as long as this object lives.
    """

    argument = "folder"  # what a user calls it
    names: tuple[str, ...] = ()  # of the files
    whose = "its own"  # files
    again = "overwrite to start again"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.lock = folder_lock.FolderLock(self.path)

    @property
    def _files(self) -> tuple[Path, ...]:
        return tuple(self.path / name for name in self.names)

    def prepare(self, overwrite: bool = False, fill: Callable[[], None] = lambda: None) -> None:
        """Make the folder, take its lock, with `overwrite` remove its files; then `fill()` it.

        If that fails, what it has written is removed and the lock given back.

        Raises:
            ArgumentError: something is in it (with `overwrite`: something that is not its own), it cannot be made, or
                another process is at work in it. Nothing is changed then.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._acceptable(overwrite)  # before a lock is put into what may be somebody else's folder
            new = self.lock.take()
            try:
                self._clear(overwrite)
            except BaseException:
                if new:
                    self.lock.give()
                raise
            try:
                fill()
            except BaseException:
                self.abandon()
                raise
        except OSError as error:
            raise ArgumentError(
                f"{self.argument}: got {str(self.path)!r} ({error.strerror}), expected a folder that can be written"
            ) from None

    def look(self, overwrite: bool = False) -> None:
        """Whether `prepare` would find it free, as far as that can be seen without making it.

        Raises:
            ArgumentError: something is in it, as for `prepare`, or it is a file.
        """
        if self.path.is_dir():
            self._acceptable(overwrite)
        elif self.path.exists():
            raise ArgumentError(f"{self.argument}: got {str(self.path)!r}, which is a file, expected a folder")

    def take(self) -> None:
        """Take the lock of a folder that is there, and remove the half-written files of a process that was killed.

        Raises:
            ArgumentError: another process is at work in it.
        """
        self.lock.take()
        remove_left_overs(*self._files)

    def abandon(self) -> None:
        """Undo a start that nothing came of: remove the files and give the lock back."""
        try:
            for file in self._files:
                file.unlink(missing_ok=True)
        except OSError:
            pass  # what failed before is told
        finally:
            self.lock.give()

    def _clear(self, overwrite: bool) -> None:
        remove_left_overs(*self._files)  # of a start that was killed: nothing of value
        for file in self._acceptable(overwrite):
            file.unlink()

    def _acceptable(self, overwrite: bool) -> list[Path]:
        """The files that are there; ArgumentError if the folder cannot be started in."""
        found = [file for file in sorted(self.path.iterdir()) if file.name != folder_lock.NAME]
        found = [file for file in found if not is_left_over(file, *self._files)]
        strangers = [file.name for file in found if file.name not in self.names]
        if overwrite and strangers:
            came = f"{str(self.path)!r} with '{shown(strangers[0])}' in it"
            raise ArgumentError(f"{self.argument}: got {came}, expected nothing but {self.whose} files")
        if found and not overwrite:
            raise ArgumentError(
                f"{self.argument}: got {str(self.path)!r}, which is not empty, expected a new folder, or {self.again}"
            )
        return found
