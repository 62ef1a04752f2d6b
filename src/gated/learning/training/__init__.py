"""Training by backpropagation through time, and the folders of its runs."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
