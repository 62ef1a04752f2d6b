"""Sequences that were read from a file.

Legend: N sequences, T_n steps of one, D numbers of a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.errors import wrong


@dataclass(frozen=True)
class SequenceSet:
    """N sequences, which an estimator takes as they are: `SequenceClassifier().fit(found.x, found.y)`.

    Attributes:
        name: of the data.
        x: N arrays of shape (T_n, D), float64; NaN is missing.
        y: (N,) classes (texts, whole numbers) or numbers (float64); None: the file has none.
        groups: (N,), what belongs together and must not be split; None: nothing was said.
        names: N texts that tell the sequences apart.
        channels: names of the D numbers.
    """

    name: str
    x: list[NDArray[np.float64]]
    y: NDArray[Any] | None = None
    groups: NDArray[Any] | None = None
    names: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.names:
            object.__setattr__(self, "names", [str(n) for n in range(len(self.x))])
        if not self.channels:
            object.__setattr__(self, "channels", [f"x{d}" for d in range(self.size)])

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"<SequenceSet {self.name!r}: {self.told()}>"

    @property
    def size(self) -> int:
        """D."""
        return self.x[0].shape[1] if self.x else 0

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,), the T_n."""
        return np.array([len(own) for own in self.x], np.int64)

    @property
    def missing(self) -> int:
        """How many numbers are."""
        return int(sum(np.isnan(own).sum() for own in self.x))

    @property
    def has_numbers(self) -> bool:
        """Whether y are numbers to foretell, not classes."""
        return self.y is not None and self.y.dtype.kind == "f"

    def told(self) -> str:
        """In a line: how many sequences, how long, of what."""
        low, high = int(self.lengths.min()), int(self.lengths.max())
        steps = f"{low:,} steps" if low == high else f"{low:,} to {high:,} steps"
        parts = [f"{len(self):,} sequences", f"{steps} of {self.size} number{'s' * (self.size != 1)}"]
        if self.has_numbers:
            parts.append("numbers to foretell")
        elif self.y is not None:
            classes = len(np.unique(self.y))
            parts.append(f"{classes:,} class{'es' * (classes != 1)}")
        if self.missing:
            parts.append(f"{self.missing:,} numbers missing")
        return ", ".join(parts)

    def select(self, which: Any) -> SequenceSet:
        """Some of the sequences, in this order.

        Args:
            which: whole numbers, or (N,) booleans.

        Raises:
            ArgumentError: none is chosen.
        """
        chosen: Sequence[int] = np.arange(len(self))[which].tolist()
        if not chosen:
            raise wrong("which", "none of the sequences", "at least one")
        return SequenceSet(
            self.name,
            [self.x[n] for n in chosen],
            None if self.y is None else self.y[chosen],
            None if self.groups is None else self.groups[chosen],
            [self.names[n] for n in chosen],
            self.channels,
        )
