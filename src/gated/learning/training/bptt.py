"""One update by backpropagation through time, full or truncated; or the gradient alone.

T time steps, N sequences side by side, V outputs, P parameters. Both updates do forward, loss,
backward, clip, update, and change the network's parameters in place. They differ in what happens at
the edges:

* `full_step`: each sequence is whole. It starts from the zero state, the gradient reaches its
  first step, nothing is carried on (Werbos, 1990).
* `truncated_step`: a window of a longer stream. It starts from the state that the window
  before ended in, which counts as a constant: the value flows on, the gradient stops at the edge
  (Williams & Peng, 1990, with the window as both of their two lengths).

`gradients` does forward, loss and backward of either, for whoever has something to do before the update.

A network whose recurrent layers are batch_first has (N, T, ...) wherever (T, N, ...) stands here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gated.backends import backend_of
from gated.data.sequences import Sequences
from gated.errors import GatedError, wrong_type
from gated.learning.rules.clipping import clipped
from gated.learning.rules.finite import parameters_of, reason
from gated.learning.rules.frozen import clear, frozen_spans, held
from gated.learning.rules.optimizers import Optimizer, update_by
from gated.learning.training.one_call import train_in_one_call
from gated.learning.training.wired_step import wired_gradients
from gated.nn.further import X
from gated.nn.layer import Layer
from gated.nn.losses import Loss, evaluate_by
from gated.nn.network_checks import batch_first, flat_state, running
from gated.nn.parameters import ParameterVector
from gated.nn.wired_network import WiredNetwork
from gated.number_checks import above_zero


class Gradients(NamedTuple):
    """The gradient of a loss, and what came with it.

    Attributes:
        loss: a number.
        grads: name -> view, as `network.params`; `grads.vector`, (P,), is all of it. Nobody else has it.
        state: the states at the end.
        norm: of the gradient.
    """

    loss: float
    grads: ParameterVector
    state: Any
    norm: float


def gradients(
    network: Any,
    loss: Any,
    batch: Sequences | tuple[Any, ...],
    state: Any = None,
    *,
    rng: np.random.Generator | None = None,
) -> Gradients:
    """The gradient of the loss by all parameters, which stay as they are.

    The update is `optimizer.update(network.theta, found.grads.vector)`: together they are `full_step`, or with a state
    `truncated_step`, to the bit. In between the gradient may be averaged with those of other processes, and
    `clip_by_global_norm(found.grads, clip)` bounds it: as the steps do, to rounding of the norm.

    Args:
        network: a `gated.Network`.
        loss: from gated.losses.
        batch: as for `full_step`.
        state: of which the batch goes on, as for `truncated_step`; None for zeros.
        rng: as for `full_step`.

    Returns:
        all of it; 0 for what is frozen. What is not finite is no error here: processes that average their gradients all
        come to the average, and learn from it what has happened to one of them. If the loss is not finite, then the
        gradient is NaN everywhere, and no `update` takes it.

    Raises:
        GatedError: something is wrong with the batch, the state or the generator.
    """
    check_learner(network, loss)
    batch = _with_target(Sequences.of(batch), loss)
    whole, frozen = train_in_one_call(network, loss, None, batch, state, rng=rng), frozen_spans(network)
    if whole is not None:
        value, norm, last = whole.trained.loss, whole.trained.norm, whole.last
        grads = network.params.like(whole.trained.gradient)
    else:
        value, found, last = _by_parts(network, loss, batch, state, rng)
        grads = network.params.like() if found is None else found
    if whole is None or frozen:
        clear(grads.vector, frozen)
        norm = backend_of(network).norm(grads.vector)
    if not math.isfinite(value):
        grads.vector[...] = norm = math.nan
    return Gradients(value, grads, last, norm)


def full_step(
    network: Any,
    loss: Any,
    optimizer: Optimizer,
    batch: Sequences | tuple[Any, ...],
    *,
    clip: float | None = None,
    rng: np.random.Generator | None = None,
    resets: Any = None,
) -> tuple[float, float]:
    """Full backpropagation through time over independent sequences.

    Args:
        network: a `gated.Network`; its parameters change in place.
        loss: from gated.losses.
        optimizer: from gated.learning.
        batch: a `Sequences`, as `gated.data.shuffled_batches` and the tasks of `gated.data` give them, or a tuple
            (x, target, lengths, mask) with the last one or two left out. Of a `WiredNetwork` x is a dict of its
            inputs, lengths one of those that have some.
        clip: bound on the gradient's global norm.
        rng: draws the dropout masks; without it no dropout.
        resets: (T, N) booleans, where sequences begin anew: see `Recurrent.forward`.

    Returns:
        the loss and the norm of the gradient before clipping, both from before the update.

    Raises:
        GatedError: one of the two is not finite; the message says which of the numbers that went in was not, if one was
            not. The parameters are untouched.
    """
    value, _, norm = _step(network, loss, optimizer, Sequences.of(batch), None, clip, rng, resets)
    return value, norm


def truncated_step(
    network: Any,
    loss: Any,
    optimizer: Optimizer,
    window: Sequences | tuple[Any, ...],
    state: Any,
    *,
    clip: float | None = None,
    rng: np.random.Generator | None = None,
    lengths: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    resets: Any = None,
) -> tuple[float, Any, float]:
    """Truncated backpropagation through time over one window of a stream.

    Windows must come in order of time: a shuffled one would start from another place's state.

    Args:
        network: as for `full_step`.
        loss: as for `full_step`.
        optimizer: as for `full_step`.
        window: (x, target), each (T, N, ...), or a `Sequences`; lengths and mask may stand in it.
        state: what the call for the window before returned, None at the beginning of the stream.
        clip: as for `full_step`.
        rng: as for `full_step`.
        lengths: (N,), steps of each sequence that lie in this window, 0 where one has ended before.
        mask: (T, N), where the loss counts; None: at all steps within lengths.
        resets: as for `full_step`; what ends in the window goes on into the next one unless that resets it at step 0.

    Returns:
        the loss, the state at the end, and the norm of the gradient before clipping.

    Raises:
        GatedError: as for `full_step`.
    """
    batch = Sequences.of(window)
    given = {name: value for name, value in (("lengths", lengths), ("mask", mask)) if value is not None}
    return _step(network, loss, optimizer, batch._replace(**given), state, clip, rng, resets)


def _step(
    network: Any,
    loss: Any,
    optimizer: Optimizer,
    batch: Sequences,
    state: Any,
    clip: float | None,
    rng: Any,
    resets: Any = None,
) -> tuple[float, Any, float]:
    check_learner(network, loss, optimizer)
    batch = _with_target(batch, loss)
    limit, backend = math.inf if clip is None else above_zero("clip", clip), backend_of(network)
    frozen = frozen_spans(network)
    whole = None
    if resets is None:
        whole = train_in_one_call(network, loss, None if frozen else optimizer, batch, state, limit, rng)
    if whole is not None and whole.trained.updated:
        return whole.trained.loss, whole.last, whole.trained.norm
    if whole is not None and frozen:
        value, last, grads = whole.trained.loss, whole.last, network.params.like(whole.trained.gradient)
    else:
        value, grads, last = _by_parts(network, loss, batch, state, rng, resets)
    norm = 0.0
    if grads is not None:
        clear(grads.vector, frozen)
        norm = backend.norm(grads.vector) if limit == math.inf else clipped(grads.vector, limit, backend)
    for name, number in (("loss", value), ("gradient norm", norm)):
        if not math.isfinite(number):
            raise GatedError(
                f"{name}: got {number} at update {optimizer.updates}, expected a finite number; "
                f"{reason([*_given(network, batch, state), *parameters_of(network)])}"
            )
    with held(network):
        update_by(backend, optimizer, network.theta, grads.vector)
    return value, last, norm


def _by_parts(
    network: Any, loss: Any, batch: Sequences, state: Any, rng: Any, resets: Any = None
) -> tuple[float, Any, Any]:
    """The loss, the gradients, None if the loss is not finite, and the last states: one call after the other."""
    if isinstance(network, WiredNetwork):
        found = wired_gradients(network, loss, batch, state, rng)
        if found is not None:
            return found
    cut = {} if resets is None else {"resets": resets}
    y, last, tape = network.forward(batch.x, state, batch.lengths, rng=rng, **cut)
    mask = batch.mask
    if mask is None and batch.lengths is not None:
        mask = inside(network, batch)
    if isinstance(loss, Loss):
        value, dy = evaluate_by(backend_of(network), loss, y, batch.target, mask)
    else:  # somebody's own
        value, dy = loss(y, batch.target, mask)
    return float(value), network.backward(tape, dy)[2] if math.isfinite(value) else None, last


def check_learner(network: Any, loss: Any, *optimizer: Any) -> None:
    """Raises ArgumentTypeError for one of the three in another's place; of two, if there is no optimizer."""
    rows = [
        ("network", network, hasattr(network, "forward"), "a gated.Network"),
        ("loss", loss, callable(loss) and not isinstance(loss, Layer), "a loss of gated.losses"),
    ]
    for own in optimizer:
        rows.append(("optimizer", own, hasattr(own, "update"), "an optimizer of gated.learning"))
    for name, value, fits, expected in rows:
        if not fits:
            order = f"network, loss, {'optimizer' if optimizer else 'batch'}"
            raise wrong_type(name, type(value).__name__, f"{expected}: the order is {order}")


def _with_target(batch: Sequences, loss: Any) -> Sequences:
    """Raises ArgumentTypeError for a batch without the target that the loss needs."""
    if batch.target is None and isinstance(loss, Loss):
        raise wrong_type("target", "None", "numbers: shuffled_batches(..., labels= or targets=)")
    return batch


def inside(network: Any, batch: Sequences) -> np.ndarray:
    """Where the network's output has a row, within the lengths: (T, N), or (N, T) if the network is batch_first."""
    if isinstance(network, WiredNetwork):
        return network.inside(batch.x, batch.lengths)
    x = batch.x[X] if isinstance(batch.x, Mapping) else batch.x
    shape, turned = np.shape(x)[:2], batch_first(network)
    if batch.lengths is None:
        return np.ones(shape, bool)
    return running(np.asarray(batch.lengths), shape[1 if turned else 0], turned)


def _given(network: Any, batch: Sequences, state: Any) -> list[tuple[str, Any, np.ndarray | None]]:
    """The numbers that went in, each with where it counts."""
    within = None if batch.lengths is None else inside(network, batch)
    mask = within if batch.mask is None else np.asarray(batch.mask) != 0
    numbers: list[tuple[str, Any, np.ndarray | None]] = [("x", batch.x, within)]
    if isinstance(batch.x, Mapping):
        numbers = [(f"x[{name!r}]", array, None) for name, array in batch.x.items()]
    return [*numbers, *_states(state), ("target", batch.target, mask)]


def _states(state: Any) -> list[tuple[str, Any, None]]:
    """Every array of a state under the name by which it is found in it: "state['encoder']['rnn'][0]"."""
    if not isinstance(state, Mapping):
        return []
    places = ((name.replace(".", "']['"), own) for name, own in flat_state(state).items())
    return [(f"state['{name}'][{k}]", array, None) for name, own in places for k, array in enumerate(own)]
