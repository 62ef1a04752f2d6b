"""From IR to machine code: the processor, the compiler, the cache on disk, and all programs of a cell."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
