"""Reverse- and forward-mode differentiation of the expression graph, and the derivation as a document."""

from gated.calculus.forward_mode import forward_mode
from gated.calculus.reverse_mode import Adjoints, reverse_mode
from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)

__all__ = ["Adjoints", "forward_mode", "reverse_mode"]
