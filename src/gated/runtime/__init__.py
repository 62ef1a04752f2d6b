"""What layers, data and learning agree on: packed rows of sequences of different lengths, and what a batch is."""

from gated.lazy import submodules
from gated.runtime.packing import Packing
from gated.runtime.sequences import Sequences

__getattr__, __dir__ = submodules(__name__)

__all__ = ["Packing", "Sequences"]
