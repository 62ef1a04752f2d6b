"""The assignment's recurrent functions: one step and whole sequences, of the simple network and of the LSTM.

Legend: N captions, T words, D inputs, H hidden. Results are new arrays; what is passed in is not changed.
"""

from __future__ import annotations

from typing import Any

from gated.models.cs231n.arguments import Array, Cache
from gated.models.cs231n.columns import LSTM, RNN, backward, forward, step, step_back


def rnn_step_forward(x: Any, prev_h: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Cache]:
    """One step of the simple network, h = tanh(x Wx + prev_h Wh + b).

    Args:
        x: (N, D).
        prev_h: (N, H).
        Wx: (D, H).
        Wh: (H, H).
        b: (H,).

    Returns:
        next_h (N, H), and the cache for `rnn_step_backward`.

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit.
    """
    (next_h,), cache = step("rnn_step_forward", RNN, x, {"prev_h": prev_h}, Wx, Wh, b)
    return next_h, cache


def rnn_step_backward(dnext_h: Any, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """The gradients of a step.

    Args:
        dnext_h: (N, H), the adjoint of next_h.
        cache: of `rnn_step_forward`.

    Returns:
        dx (N, D), dprev_h (N, H), dWx (D, H), dWh (H, H), db (H,).

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or the cache is of another function.
    """
    dx, (dprev_h,), grads = step_back("rnn_step_forward", RNN, {"dnext_h": dnext_h}, cache)
    return dx, dprev_h, *grads


def rnn_forward(x: Any, h0: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Cache]:
    """The simple network over whole sequences.

    Args:
        x: (N, T, D).
        h0: (N, H).
        Wx: (D, H).
        Wh: (H, H).
        b: (H,).

    Returns:
        h (N, T, H), and the cache for `rnn_backward`.

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit.
    """
    return forward("rnn_forward", RNN, x, h0, Wx, Wh, b)


def rnn_backward(dh: Any, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """The gradients over whole sequences.

    Args:
        dh: (N, T, H), the adjoint of h: what the loss gives at every step.
        cache: of `rnn_forward`.

    Returns:
        dx (N, T, D), dh0 (N, H), dWx (D, H), dWh (H, H), db (H,).

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or the cache is of another function.
    """
    return backward("rnn_forward", RNN, dh, cache)


def lstm_step_forward(x: Any, prev_h: Any, prev_c: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Array, Cache]:
    """One step of the LSTM (`gated.cells.lstm`), with the gates i f o g side by side in Wx, Wh and b.

    Args:
        x: (N, D).
        prev_h: (N, H).
        prev_c: (N, H).
        Wx: (D, 4H).
        Wh: (H, 4H).
        b: (4H,).

    Returns:
        next_h (N, H), next_c (N, H), and the cache for `lstm_step_backward`.

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit.
    """
    (next_h, next_c), cache = step("lstm_step_forward", LSTM, x, {"prev_h": prev_h, "prev_c": prev_c}, Wx, Wh, b)
    return next_h, next_c, cache


def lstm_step_backward(dnext_h: Any, dnext_c: Any, cache: Any) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The gradients of a step. Neither dnext_h nor dnext_c is written to.

    Args:
        dnext_h: (N, H), the adjoint of next_h.
        dnext_c: (N, H), the adjoint of next_c.
        cache: of `lstm_step_forward`.

    Returns:
        dx (N, D), dprev_h (N, H), dprev_c (N, H), dWx (D, 4H), dWh (H, 4H), db (4H,).

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or the cache is of another function.
    """
    own = {"dnext_h": dnext_h, "dnext_c": dnext_c}
    dx, (dprev_h, dprev_c), grads = step_back("lstm_step_forward", LSTM, own, cache)
    return dx, dprev_h, dprev_c, *grads


def lstm_forward(x: Any, h0: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Cache]:
    """The LSTM over whole sequences, from a cell state of zeros.

    Args:
        x: (N, T, D).
        h0: (N, H).
        Wx: (D, 4H), gates i f o g.
        Wh: (H, 4H).
        b: (4H,).

    Returns:
        h (N, T, H), and the cache for `lstm_backward`.

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit.
    """
    return forward("lstm_forward", LSTM, x, h0, Wx, Wh, b)


def lstm_backward(dh: Any, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """The gradients over whole sequences.

    Args:
        dh: (N, T, H), the adjoint of h: what the loss gives at every step.
        cache: of `lstm_forward`.

    Returns:
        dx (N, T, D), dh0 (N, H), dWx (D, 4H), dWh (H, 4H), db (4H,).

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or the cache is of another function.
    """
    return backward("lstm_forward", LSTM, dh, cache)
