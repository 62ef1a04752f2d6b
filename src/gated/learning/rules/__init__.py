"""Update rules: optimizers, learning rates over time, clipping."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
