"""A batch: sequences side by side with what should come out of them. What data gives and learning takes.

T time steps (of the longest sequence), N sequences, D inputs, K outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gated.errors import as_array, describe, wrong, wrong_type
from gated.publish import publish

Array = np.ndarray[Any, Any]
Step = tuple[Array, "Array | None"]  # x_t (D,), target (K,) or None


class _Fields(NamedTuple):
    x: Any
    target: Any = None
    lengths: Any = None
    mask: Any = None


class Sequences(_Fields):
    """N sequences side by side, padded to the longest: a tuple of four, x, target, lengths, mask.

    A network that is batch_first takes them as (N, T, ...) where (T, N, ...) stands here.

    Attributes:
        x: (T, N, ...), the inputs; a dict of arrays for a network with several (`gated.WiredNetwork`).
        target: (T, N, ...), as the loss takes it; None if it is not known yet.
        lengths: (N,), steps of each sequence, 0 among them; None if all have T; a dict by input where x is one.
        mask: (T, N), True where the loss counts; None for all steps within lengths.
        indices: (N,), places in the list that the sequences came from; None if they came from none. Not in the tuple.
    """

    indices: Any = None

    def __new__(
        cls, x: Any, target: Any = None, lengths: Any = None, mask: Any = None, indices: Any = None
    ) -> Sequences:
        several = isinstance(x, Mapping)  # inputs by name, some with steps and lengths of their own, some without
        named = lengths if isinstance(lengths, Mapping) else {"lengths": lengths}
        checked = [(name, value, "(N,)", (1,)) for name, value in named.items()]
        for name, value, shape, axes in (*checked, ("mask", mask, "(T, N)", (1, 2) if several else (2,))):
            if value is not None and as_array(name, value).ndim not in axes:
                order = "the order is x, target, lengths, mask"
                raise wrong(name, describe(np.asarray(value)), f"shape {shape} or None ({order})")
        self = super().__new__(cls, x, target, lengths, mask)
        self.indices = indices
        return self

    @classmethod
    def of(cls, batch: Any) -> Sequences:
        """A batch as it is, or one made of a tuple (x, target), (x, target, lengths), (x, target, lengths, mask).

        Raises:
            ArgumentTypeError: something else.
        """
        if isinstance(batch, Sequences):
            return batch
        if not isinstance(batch, (tuple, list)) or not 2 <= len(batch) <= 4:
            came = f"a {type(batch).__name__} of {len(batch)}" if isinstance(batch, (tuple, list)) else describe(batch)
            raise wrong_type("batch", came, "gated.learning.Sequences, or a tuple (x, target, lengths, mask)")
        return cls(*batch)

    def _replace(self, **changes: Any) -> Sequences:
        return type(self)(**{**self._asdict(), "indices": self.indices, **changes})

    def sequences(self) -> Iterator[list[Step]]:
        """Each sequence as its steps (x_t, target), views, for a learner that takes them one by one.

        x_t is (D,), target (K,), or None where the task asks for no answer. The padding is left out. The first axis is
        that of time here, also where a network would take it second.

        Raises:
            ArgumentError: lengths or mask do not fit x.
        """
        steps, count = np.shape(self.x)[:2]
        lengths = np.full(count, steps) if self.lengths is None else as_array("lengths", self.lengths)
        mask = None if self.mask is None else as_array("mask", self.mask)
        if lengths.shape != (count,) or (count and lengths.max() > steps):
            raise wrong("lengths", describe(lengths), f"({count},) lengths of at most {steps}, the steps of x")
        if mask is not None and mask.shape != (steps, count):
            raise wrong("mask", describe(mask), f"shape ({steps}, {count}), that of x's steps and sequences")
        for n, length in enumerate(lengths.tolist()):
            asked = [self.target is not None and (mask is None or bool(mask[t, n])) for t in range(length)]
            yield [(self.x[t, n], self.target[t, n] if asked[t] else None) for t in range(length)]


publish("gated.data", Sequences)  # here: a pickle names the same place whatever has been imported


def within(lengths: Array, steps: int | None = None) -> Array:
    """(T, N): True where a sequence has not ended. T is `steps`, or the greatest of the lengths (N,)."""
    return np.arange(int(lengths.max()) if steps is None else steps)[:, None] < lengths
