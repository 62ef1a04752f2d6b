"""What a recurrent layer is asked for as other libraries have it, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from gated.errors import ArgumentTypeError, describe, shown, wrong, wrong_type
from gated.language import Cell

OPTIONS = (
    *("input_size", "hidden_size", "num_layers", "bias", "proj_size", "bidirectional", "dropout", "batch_first"),
    *("dtype", "seed", "backend", "init", "forget_bias", "sizes", "reset_after"),
)
PLACES = ("bias", "batch_first", "dropout", "bidirectional", "proj_size")  # of torch.nn.LSTM, behind num_layers


def refuse_options(cell: Any, others: Mapping[str, Any]) -> None:
    """Options that other libraries have. Raises ArgumentTypeError for the first."""
    name = cell.name if isinstance(cell, Cell) else "cell"
    known = {
        "bias": f"equations without a bias: gated.Recurrent({name}.without('b'), ...) if they have a family b",
        "proj_size": "sizes={'h': ...} with a cell that projects, such as gated.cells.projected_lstm",
        "nonlinearity": "a cell whose equations have it: h = relu(W.h @ x + U.h @ h + b.h)",
        "device": "no device: gated computes on the processor",
        "return_sequences": "y[-1], or the state that comes back beside y: y always holds every step",
        "units": "hidden_size",
    }
    for option, value in others.items():
        if option == "bias" and value is True:
            continue
        close = difflib.get_close_matches(option, OPTIONS, 1)
        advice = f"did you mean {close[0]}?" if close else "help(gated.Recurrent) lists them"
        raise wrong_type(option, describe(value), known.get(option, f"no such option; {advice}"))


def refuse_places(name: str, most: int, more: Sequence[Any]) -> None:
    """Raises ArgumentTypeError if arguments came by position behind the last that has a place.

    Args:
        name: of the function; most: how many it takes by position, the last of them `num_layers` or `bias`.
    """
    if more:
        places = zip(PLACES if name == "Recurrent" else PLACES[1:], more, strict=False)
        words = [f"{place}={value if isinstance(value, (bool, float)) else '...'}" for place, value in places]
        raise ArgumentTypeError(
            f"{name}: got {most + len(more)} arguments by position, expected at most {most} and the others by name: "
            + ", ".join(words)
        )


def refuse_tape(tape: Any, layer: Any, call: str = "forward") -> NoReturn:
    """Raises ArgumentTypeError: this is no tape that `call` of `layer` has made."""
    other, what = getattr(tape, "layer", None), "network" if hasattr(layer, "layers") else "layer"
    expected = f"the tape of this {what}'s {call}()"
    if other is not None and other is not layer:
        raise wrong_type("tape", f"that of another layer, {shown(repr(other))}", expected)
    if isinstance(tape, tuple) and len(tape) in (2, 3):
        called = "y, state, tape" if call == "forward" else "state, tape"
        hint = f"{expected} (a {what} that is called keeps none): {called} = {what}.{call}(x)"
        raise wrong_type("tape", f"a tuple of {len(tape)}", hint)
    raise wrong_type("tape", describe(tape), expected)


def refuse_bidirectional(call: str, bidirectional: bool) -> None:
    """Raises ArgumentError: one step at a time goes in one direction only."""
    if bidirectional:
        raise wrong(
            call,
            "a bidirectional layer",
            "a layer of one direction: the other one begins at the end of the sequence",
        )
