"""The scan over time of one layer in one direction: packing, the backend's call, unpacking."""

from gated.lazy import submodules
from gated.runtime.packing import Packing

__getattr__, __dir__ = submodules(__name__)

__all__ = ["Packing"]
