"""Forward and backward passes: their tables, their plans, and what a layer calls."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
