"""Recurrent with the cell filled in; the argument names are those of torch.nn.LSTM."""

from __future__ import annotations

from typing import Any

from gated import cells
from gated.nn import checks
from gated.nn.recurrent import Recurrent


def LSTM(input_size: int, hidden_size: int, num_layers: int = 1, *, proj_size: int = 0, **options: Any) -> Recurrent:
    """LSTM with forget gate (`gated.cells.lstm`), or with projection if proj_size > 0. Options as `Recurrent`."""
    if isinstance(proj_size, bool) or proj_size != 0:
        sizes = {"h": checks.size("proj_size", proj_size)}
        return Recurrent(cells.projected_lstm, input_size, hidden_size, num_layers, sizes=sizes, **options)
    return Recurrent(cells.lstm, input_size, hidden_size, num_layers, **options)


def PeepholeLSTM(input_size: int, hidden_size: int, num_layers: int = 1, **options: Any) -> Recurrent:
    """LSTM with peepholes (`gated.cells.peephole_lstm`). Options as `Recurrent`."""
    return Recurrent(cells.peephole_lstm, input_size, hidden_size, num_layers, **options)


def GRU(
    input_size: int, hidden_size: int, num_layers: int = 1, *, reset_after: bool = False, **options: Any
) -> Recurrent:
    """GRU as published (`gated.cells.gru`), or with reset_after=True as cuDNN, PyTorch and Keras compute it."""
    cell = cells.gru_reset_after if checks.flag("reset_after", reset_after) else cells.gru
    return Recurrent(cell, input_size, hidden_size, num_layers, **options)


def RNN(input_size: int, hidden_size: int, num_layers: int = 1, **options: Any) -> Recurrent:
    """Elman network with tanh (`gated.cells.rnn`). Options as `Recurrent`."""
    return Recurrent(cells.rnn, input_size, hidden_size, num_layers, **options)
