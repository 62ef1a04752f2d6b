"""What else is to happen while a run goes on: the base of callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gated.errors import FileFormatError

if TYPE_CHECKING:
    from gated.learning.training.loop import Update
    from gated.learning.training.run import Run


class Callback:
    """Somebody who is told how a run goes. Every method does nothing until a subclass has another one.

    A callback may end the run, `run.stop("why")`: the update under way is made and everything is written. What a
    callback raises ends the run too; in a folder, a checkpoint is left.
    """

    def on_start(self, run: Run) -> None:
        """Before the first update of a session; of one that goes on, too."""

    def on_update(self, run: Run, update: Update) -> None:
        """After each update."""

    def on_line(self, run: Run, line: dict[str, Any]) -> None:
        """Before a line of metrics is written: what is put into it, JSON-able, is written with it."""

    def on_evaluation(self, run: Run, values: Mapping[str, float], best: bool) -> None:
        """After a validation, with its numbers, and whether it was the best so far."""

    def on_checkpoint(self, run: Run) -> None:
        """After a checkpoint has been written."""

    def on_end(self, run: Run) -> None:
        """After the last update of a session, when all is written."""

    def state(self) -> Any:
        """JSON-able: what the callback needs in order to go on. A checkpoint keeps it."""
        return None

    def load_state(self, state: Any) -> None:
        """The inverse; `state` comes from a file."""


def states_of(callbacks: list[Callback]) -> list[list[Any]]:
    """The state of each, with the name of its class."""
    return [[type(callback).__name__, callback.state()] for callback in callbacks]


def load_states(callbacks: list[Callback], saved: Any) -> None:
    """Give each its state again; those that the run had not before begin anew.

    Raises:
        FileFormatError: it is no list of states.
    """
    left = list(saved) if isinstance(saved, list) else None
    if left is None or not all(isinstance(own, list) and len(own) == 2 for own in left):
        raise FileFormatError("callbacks: got something damaged in the checkpoint, expected their states")
    for callback in callbacks:
        name = type(callback).__name__
        own = next((own for own in left if own[0] == name), None)
        if own is not None:
            left.remove(own)
            callback.load_state(own[1])
