"""Cutting data into batches: one long stream in order of time, or many short sequences shuffled.

T time steps (of one window, or of the longest sequence in a batch), N sequences side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gated.errors import ArgumentError, ArgumentTypeError


def stream_windows(ids: ArrayLike, batch: int, window: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Cuts one long stream into windows for truncated backpropagation through time.

    ids: (length,) integers. They are laid out as `batch` contiguous streams of equal length that run side by
    side; at most `batch` - 1 ids at the very end are left over and not used. Yields pairs (inputs, targets),
    each (T, N) with N = batch; targets[t] is what follows inputs[t]. T = window, and smaller in the last pair
    if the streams are no multiple of it.

    The windows come in order of time and are never shuffled: column n of one window continues column n of the
    window before, so the final state of one is the initial state of the next, and the network remembers
    further back than gradients reach. Shuffled windows would start from states of another place in the text.

    Raises at the call, not at the first window: ArgumentError for sizes below 1 or a stream that is too short.
    """
    stream = np.asarray(ids)
    if stream.ndim != 1:
        raise ArgumentError(f"ids: got shape {stream.shape}, expected one dimension")
    if stream.dtype.kind not in "iu":
        raise ArgumentTypeError(f"ids: got an array of {stream.dtype}, expected integers")
    _check_at_least_one("batch", batch)
    _check_at_least_one("window", window)
    length = (len(stream) - 1) // batch
    if length < 1:
        raise ArgumentError(f"ids: got {len(stream)}, expected at least {batch + 1} for batch={batch}")
    inputs = stream[: batch * length].reshape(batch, length).T
    targets = stream[1 : batch * length + 1].reshape(batch, length).T
    starts = range(0, length, window)
    return (
        (np.ascontiguousarray(inputs[t : t + window]), np.ascontiguousarray(targets[t : t + window])) for t in starts
    )


class PaddedBatch(NamedTuple):
    """Sequences side by side, shorter ones followed by zeros."""

    x: NDArray[Any]  # (T, N, ...): the sequences, dtype of the first
    lengths: NDArray[np.int64]  # (N,): steps of each
    mask: NDArray[np.bool_]  # (T, N): True where x is data and no padding
    indices: NDArray[np.int64]  # (N,): places in the list the sequences came from, to pick their labels


def shuffled_batches(
    sequences: Sequence[ArrayLike], batch_size: int, rng: np.random.Generator
) -> Iterator[PaddedBatch]:
    """Independent sequences in random order, `batch_size` at a time, padded with zeros at the end.

    sequences: arrays (T_i, ...), T_i >= 1, equal in all dimensions but the first. Each comes once; the last
    batch is smaller if they are no multiple of `batch_size`. All randomness is from `rng`, drawn at the call.

    Raises at the call: ArgumentError for no sequences, an empty one, or shapes that do not go together.
    """
    _check_at_least_one("batch_size", batch_size)
    if not isinstance(rng, np.random.Generator):
        raise ArgumentTypeError(f"rng: got {type(rng).__name__}, expected a numpy.random.Generator")
    arrays = [np.asarray(sequence) for sequence in sequences]
    if not arrays:
        raise ArgumentError("sequences: got none, expected at least one")
    for index, array in enumerate(arrays):
        if array.ndim == 0 or len(array) == 0:
            raise ArgumentError(f"sequences[{index}]: got shape {array.shape}, expected at least one step")
        if array.shape[1:] != arrays[0].shape[1:]:
            raise ArgumentError(
                f"sequences[{index}]: got steps of shape {array.shape[1:]}, "
                f"expected {arrays[0].shape[1:]} as in the first sequence"
            )
    order = rng.permutation(len(arrays))
    return (_pad(arrays, order[n : n + batch_size]) for n in range(0, len(order), batch_size))


def _pad(arrays: list[NDArray[Any]], indices: NDArray[np.int64]) -> PaddedBatch:
    lengths = np.array([len(arrays[index]) for index in indices], dtype=np.int64)
    x = np.zeros((int(lengths.max()), len(indices), *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    for n, index in enumerate(indices):
        x[: lengths[n], n] = arrays[index]
    mask = np.arange(len(x))[:, None] < lengths
    return PaddedBatch(x, lengths, mask, indices)


def _check_at_least_one(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentTypeError(f"{name}: got {value!r}, expected an integer")
    if value < 1:
        raise ArgumentError(f"{name}: got {value}, expected at least 1")
