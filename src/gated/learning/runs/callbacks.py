"""What may look on at a run: it is called when something happens, keeps a state of its own, may ask the run to stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gated.errors import FileFormatError, GatedError, describe, shown, wrong, wrong_type
from gated.learning.training.loop import Update

if TYPE_CHECKING:
    from gated.learning.runs.run import Run


class Callback:
    """Every method does nothing: a subclass writes those that it needs.

    They are called in the order in which the run was given the callbacks, with the `Run`, of which they may read what
    they like (`step`, `total`, `records`, `network`), and call `stop`, `log` and `warn`. After an update the order is:
    the line of metrics, with an evaluation if one is due; `on_update`; `on_evaluation` if there was one; the checkpoint
    if one is due, then `on_checkpoint`. An error that a callback raises ends the run, with a checkpoint.

    Attributes:
        name: under which its state lies in the checkpoint; two of one run have different ones.
    """

    name = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__

    def on_start(self, run: Run) -> None:
        """Before the first update of this session, after a checkpoint was read if there was one."""

    def on_update(self, run: Run, update: Update) -> None:
        """After an update."""

    def on_evaluation(self, run: Run, line: Mapping[str, Any]) -> None:
        """After an evaluation: the line of metrics that it stands in."""

    def on_warning(self, run: Run, text: str) -> None:
        """Something is not as it should be: one line."""

    def on_checkpoint(self, run: Run) -> None:
        """A checkpoint has been written."""

    def on_end(self, run: Run) -> None:
        """At the end of this session, whatever it ended by: `run.ended` says it."""

    def state(self) -> Any:
        """What a checkpoint keeps of it: a JSON value; None for nothing."""
        return None

    def load_state(self, state: Any) -> None:
        """Go on from `state` of another one."""


def checked_callbacks(given: Any) -> list[Callback]:
    """Them as a list.

    Raises:
        ArgumentError, ArgumentTypeError: something else, or two of one name.
    """
    if isinstance(given, Callback) or not isinstance(given, Iterable):
        came = f"{given.name} alone" if isinstance(given, Callback) else describe(given)
        raise wrong_type("callbacks", came, "a list of gated.learning.Callback")
    found = list(given)
    for each in found:
        if not isinstance(each, Callback):
            hint = " (its class, not an object of it)" if isinstance(each, type) else ""
            raise wrong_type("callbacks", f"{describe(each)}{hint}", "objects of a subclass of gated.learning.Callback")
    names = [each.name for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise wrong("callbacks", f"two of the name {shown(repr(twice), 40)}", "different ones: callback.name = ...")
    return found


def states_of(callbacks: Iterable[Callback]) -> dict[str, Any]:
    """Name -> state, of those that have one."""
    return {each.name: state for each in callbacks if (state := each.state()) is not None}


def load_states(callbacks: Iterable[Callback], saved: Any) -> None:
    """Give each its own back. Of one that the checkpoint knows nothing, nothing is loaded.

    Raises:
        FileFormatError: what was saved is damaged, or a callback refuses it.
    """
    if not isinstance(saved, Mapping):
        raise FileFormatError(f"callbacks: got {describe(saved)} in the checkpoint, expected states by name")
    for each in callbacks:
        if each.name in saved:
            try:
                each.load_state(saved[each.name])
            except (GatedError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
                reason = shown(error if isinstance(error, GatedError) else repr(error), 100)
                raise FileFormatError(f"callbacks: {each.name}: got a damaged state ({reason})") from None
