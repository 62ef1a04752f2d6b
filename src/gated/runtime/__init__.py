"""The scan over time of one layer in one direction: packing, the backend's call, unpacking."""

from gated.runtime.packing import Packing

__all__ = ["Packing"]
