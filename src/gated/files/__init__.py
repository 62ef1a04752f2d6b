"""Files that appear whole or not at all: atomic writing, locked folders, JSON, tensors."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
