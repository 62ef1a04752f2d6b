"""What is known of a processor by all that make code for it, or choose numbers for it. Below every room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Machine:
    """What an emitter must know of a processor.

    Attributes:
        vector_bytes: of a vector register. registers: how many there are.
        pause: how it is told that a loop only waits: "x86", "arm", or "" (not at all).
    """

    vector_bytes: int
    registers: int
    pause: str = ""

    def width(self, precision: str) -> int:
        """Numbers of a dtype ("float32", "float64") in a vector register."""
        return self.vector_bytes // np.dtype(precision).itemsize
