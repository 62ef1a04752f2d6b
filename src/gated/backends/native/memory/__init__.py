"""Memory that is used again, and where each array lies in it."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
