"""Cutting data into batches: one long stream in order of time, or many short sequences shuffled.

T time steps (of one window, or of the longest sequence in a batch), N sequences side by side, D numbers at each step.
Both give what `gated.learning.Training`, `full_step` and `truncated_step` take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gated.data.sequences import Sequences, within
from gated.errors import ArgumentError, ArgumentTypeError, as_array, describe, wrong, wrong_type
from gated.number_checks import whole_above_zero

Arrays = list[NDArray[Any]]


def stream_windows(
    ids: ArrayLike, batch: int, window: int, *, batch_first: bool = False
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Cuts one long stream into windows for truncated backpropagation through time.

    The stream is laid out as N = `batch` contiguous streams of equal length that run side by side; at most `batch` - 1
    steps at the very end are left over and not used. The windows come in order of time and are never shuffled: column n
    of one window continues column n of the window before, so the final state of one is the initial state of the next,
    and the network remembers further back than gradients reach. Shuffled windows would start from states of another
    place in the text.

    Args:
        ids: (length,) integers, such as the characters of a text; or a series of real numbers, (length,) or (length,
            D), such as what a sensor measures.
        batch: N.
        window: T of every window; the last one is shorter if the streams are no multiple of it.
        batch_first: both of a pair are (N, T, ...), as a network of such layers takes them.

    Returns:
        an iterator over pairs (inputs, targets): (T, N) of ids, (T, N, D) of a series, where (length,) has D = 1.
        targets[t] is what follows inputs[t].

    Raises:
        ArgumentError: at the call, not at the first window: sizes below 1, or a stream that is too short.
        ArgumentTypeError: at the call: a stream of anything but numbers.
    """
    stream = as_array("ids", ids)
    if stream.dtype.kind not in "iuf":
        of_text = " (of a text: Vocabulary(text).encode(text))" if isinstance(ids, str) else ""
        expected = f"integer ids{of_text}, or a series of real numbers"
        raise wrong_type("ids", describe(stream if stream.ndim else ids), expected)
    if stream.ndim not in (1, 2) or (stream.ndim == 2 and stream.shape[1] == 0):
        raise wrong("ids", f"shape {stream.shape}", "one dimension, or a series of shape (length, D)")
    whole_above_zero("batch", batch)
    whole_above_zero("window", window)
    length = (len(stream) - 1) // batch
    if length < 1:
        raise ArgumentError(f"ids: got {len(stream)}, expected at least {batch + 1} for batch={batch}")
    if stream.ndim == 1 and stream.dtype.kind == "f":
        stream = stream[:, None]
    inputs, targets = (
        stream[first : first + batch * length].reshape(batch, length, *stream.shape[1:]) for first in (0, 1)
    )
    parts = (slice(start, start + window) for start in range(0, length, window))
    if batch_first:
        return ((np.ascontiguousarray(inputs[:, t]), np.ascontiguousarray(targets[:, t])) for t in parts)
    inputs, targets = inputs.swapaxes(0, 1), targets.swapaxes(0, 1)
    return ((np.ascontiguousarray(inputs[t]), np.ascontiguousarray(targets[t])) for t in parts)


def shuffled_batches(
    sequences: Sequence[ArrayLike],
    batch_size: int,
    rng: np.random.Generator,
    *,
    targets: Sequence[ArrayLike] | None = None,
    labels: ArrayLike | None = None,
    batch_first: bool = False,
) -> Iterator[Sequences]:
    """Independent sequences in random order, so many at a time, padded with zeros at the end.

    Each comes once; the last batch is smaller if they are no multiple of `batch_size`. What the network should answer
    is given as `targets` or as `labels`, or not at all: then `target` is None, and `indices` says which sequences a
    batch has. The mask is True wherever x is data and no padding; with labels, at each sequence's last step alone.

    Args:
        sequences: arrays (T_i, ...), equal in all dimensions but the first; T_i may be 0. Of integers (T_i,) are ids;
            of real numbers (T_i,) has D = 1, as (T_i, 1), in the targets and labels too.
        batch_size: N.
        rng: all randomness is from it, drawn at the call.
        targets: arrays (T_i, ...), one target for every step.
        labels: (len(sequences), ...), one for every sequence; it stands at the sequence's last step.
        batch_first: x, target and mask are (N, T, ...), as a network of such layers takes them.

    Raises:
        ArgumentError: at the call: no sequences, or shapes that do not go together.
    """
    whole_above_zero("batch_size", batch_size)
    if not isinstance(rng, np.random.Generator):
        raise ArgumentTypeError(f"rng: got {type(rng).__name__}, expected a numpy.random.Generator")
    if targets is not None and labels is not None:
        raise wrong("labels", "labels and targets", "one of the two")
    arrays = _with_size(_alike("sequences", sequences))
    if not arrays:
        raise ArgumentError("sequences: got none, expected at least one")
    answers = None if targets is None else _with_size(_alike("targets", targets))
    if answers is not None:
        _check_as_long(answers, arrays)
    classes = None if labels is None else as_array("labels", labels)
    if classes is not None and classes.shape[:1] != (len(arrays),):
        raise wrong("labels", describe(classes), f"{len(arrays)} labels, one for each sequence")
    classes = None if classes is None else _with_size([classes])[0]
    order = rng.permutation(len(arrays))
    parts = (order[n : n + batch_size] for n in range(0, len(order), batch_size))
    batches = (_batch(arrays, answers, classes, indices) for indices in parts)
    return (_turned(batch) for batch in batches) if batch_first else batches


def _alike(name: str, values: Sequence[ArrayLike]) -> Arrays:
    """Arrays of one dtype whose steps have one shape; an empty one fits any."""
    try:
        given = list(values)
    except TypeError:
        raise wrong_type(name, describe(values), "a list of arrays") from None
    arrays = [as_array(f"{name}[{index}]", value) for index, value in enumerate(given)]
    for index, array in enumerate(arrays):
        if array.dtype.kind not in "fiub":
            raise wrong_type(f"{name}[{index}]", describe(array if array.ndim else array.item()), "an array of numbers")
        if array.ndim == 0:
            raise ArgumentError(f"{name}[{index}]: got one number, expected an array with an axis of steps")
    filled = [array for array in arrays if array.size] or [array for array in arrays if array.ndim > 1] or arrays
    for index, array in enumerate(arrays):
        if array.shape[1:] != filled[0].shape[1:] and array.shape != (0,):
            raise ArgumentError(
                f"{name}[{index}]: got steps of shape {array.shape[1:]}, "
                f"expected {filled[0].shape[1:]} as in the other sequences"
            )
    if not arrays:
        return arrays
    dtype = np.result_type(*{array.dtype for array in filled})
    return [array.astype(dtype, copy=False).reshape(len(array), *filled[0].shape[1:]) for array in arrays]


def _with_size(arrays: Arrays) -> Arrays:
    """(T,) real numbers as (T, 1), for that is what layers and losses take; integers are ids or classes.

    Where all are empty, nobody knows which of the two they are.
    """
    numbers = any(array.size for array in arrays) and arrays[0].dtype.kind == "f" and arrays[0].ndim == 1
    return [array[:, None] for array in arrays] if numbers else arrays


def _check_as_long(targets: Arrays, sequences: Arrays) -> None:
    if len(targets) != len(sequences):
        raise ArgumentError(f"targets: got {len(targets)}, expected {len(sequences)}, one for each sequence")
    for index, (target, sequence) in enumerate(zip(targets, sequences, strict=True)):
        if len(target) != len(sequence):
            raise ArgumentError(f"targets[{index}]: got {len(target)} steps, expected {len(sequence)} as in x")


def _batch(
    arrays: Arrays, targets: Arrays | None, labels: NDArray[Any] | None, indices: NDArray[np.int64]
) -> Sequences:
    lengths = np.array([len(arrays[index]) for index in indices], dtype=np.int64)
    x, mask = _padded([arrays[index] for index in indices]), within(lengths)
    target = None if targets is None else _padded([targets[index] for index in indices])
    if labels is not None:
        own = labels[indices]
        target = np.zeros((*mask.shape, *own.shape[1:]), own.dtype)
        last, columns = lengths[lengths > 0] - 1, np.flatnonzero(lengths)
        target[last, columns] = own[columns]
        mask = np.zeros_like(mask)
        mask[last, columns] = True
    return Sequences(x, target, lengths, mask, indices)


def _padded(arrays: Arrays) -> NDArray[Any]:
    """(T, N, ...)"""
    padded = np.zeros((max(map(len, arrays)), len(arrays), *arrays[0].shape[1:]), arrays[0].dtype)
    for n, array in enumerate(arrays):
        padded[: len(array), n] = array
    return padded


def _turned(batch: Sequences) -> Sequences:
    """(N, T, ...) in the place of (T, N, ...)."""
    named = {"x": batch.x, "target": batch.target, "mask": batch.mask}
    return batch._replace(**{name: array if array is None else array.swapaxes(0, 1) for name, array in named.items()})
