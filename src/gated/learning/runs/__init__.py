"""A whole run of a training: validation, early stopping, what it keeps in its folder, who looks on."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
