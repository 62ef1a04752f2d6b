"""Programs as blocks over rows and units, between the schedule and the backends: no processor in them."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
