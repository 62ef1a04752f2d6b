"""The threads that work together, and how they share a batch."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
