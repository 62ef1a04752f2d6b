"""What leaves and enters gated: files and other libraries."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
