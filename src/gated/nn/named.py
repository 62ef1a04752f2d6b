"""Recurrent with the cell filled in; the argument names are those of torch.nn.LSTM."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec

from gated import cells
from gated.errors import ArgumentTypeError, wrong
from gated.language import Cell
from gated.nn import checks
from gated.nn.recurrent import Recurrent
from gated.nn.refusals import OPTIONS, refuse_options, refuse_places

P = ParamSpec("P")


def _complete(function: Callable[P, Recurrent]) -> Callable[P, Recurrent]:
    """The function, with a line of gated's own where it is called without a size."""

    @functools.wraps(function)
    def layer(*arguments: P.args, **options: P.kwargs) -> Recurrent:
        given = {**dict(zip(("input_size", "hidden_size"), arguments, strict=False)), **options}
        missing = [name for name in ("input_size", "hidden_size") if name not in given]
        if missing:
            # another library's name for a size is told first
            refuse_options(None, {name: value for name, value in options.items() if name not in OPTIONS})
            expected = f"{function.__name__}(input_size, hidden_size, ...)"
            raise ArgumentTypeError(f"{missing[0]}: got none, expected {expected}")
        return function(*arguments, **options)

    return layer


@_complete
def LSTM(
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    bias: bool = True,
    *more: Any,
    proj_size: int = 0,
    **options: Any,
) -> Recurrent:
    """LSTM with forget gate (`gated.cells.lstm`).

    Args:
        bias: False leaves out the parameters b.
        proj_size: if > 0, the length of the output h, to which the units are projected (`gated.cells.projected_lstm`).
        options: those of `Recurrent`, by name.
    """
    refuse_places("LSTM", 4, more)
    return _layer(cells.lstm, cells.projected_lstm, (input_size, hidden_size, num_layers), bias, proj_size, options)


@_complete
def PeepholeLSTM(
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    bias: bool = True,
    *more: Any,
    proj_size: int = 0,
    **options: Any,
) -> Recurrent:
    """LSTM with peepholes (`gated.cells.peephole_lstm`, `projected_peephole_lstm`). Arguments as of `LSTM`."""
    refuse_places("PeepholeLSTM", 4, more)
    sizes = input_size, hidden_size, num_layers
    return _layer(cells.peephole_lstm, cells.projected_peephole_lstm, sizes, bias, proj_size, options)


@_complete
def GRU(
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    bias: bool = True,
    *more: Any,
    proj_size: int = 0,
    reset_after: bool = False,
    **options: Any,
) -> Recurrent:
    """GRU as published (`gated.cells.gru`), or with reset_after=True as cuDNN, PyTorch and Keras compute it.

    torch.nn.GRU, whose gates have the same names, is the latter: another cell with other gradients. Arguments as of
    `LSTM`; with proj_size > 0 the cells are `gated.cells.projected_gru` and `projected_gru_reset_after`.
    """
    refuse_places("GRU", 4, more)
    sizes = input_size, hidden_size, num_layers
    if checks.flag("reset_after", reset_after):
        return _layer(cells.gru_reset_after, cells.projected_gru_reset_after, sizes, bias, proj_size, options)
    return _layer(cells.gru, cells.projected_gru, sizes, bias, proj_size, options)


@_complete
def RNN(
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    bias: bool = True,
    *more: Any,
    proj_size: int = 0,
    **options: Any,
) -> Recurrent:
    """Elman network with tanh (`gated.cells.rnn`, `projected_rnn`). Arguments as of `LSTM`."""
    refuse_places("RNN", 4, more)
    return _layer(cells.rnn, cells.projected_rnn, (input_size, hidden_size, num_layers), bias, proj_size, options)


def _layer(
    cell: Cell, projected: Cell, sizes: tuple[int, int, int], bias: bool, proj_size: int, options: dict[str, Any]
) -> Recurrent:
    if isinstance(proj_size, bool) or proj_size != 0:
        cell, given = projected, options.get("sizes")
        own = {projected.graph.dims["h"]: checks.size("proj_size", proj_size)}
        if isinstance(given, Mapping):
            for name in own.keys() & given.keys():
                raise wrong(f"sizes[{name!r}]", f"a length beside proj_size {proj_size}", "one of the two")
            own |= given
        if isinstance(given, (Mapping, type(None))):  # anything else is refused with the other options
            options = {**options, "sizes": own}
    if not checks.flag("bias", bias):
        cell = cell.without("b")
    return Recurrent(cell, *sizes, **options)
