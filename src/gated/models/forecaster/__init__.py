"""The forecaster: series of numbers go on, with intervals. `gated.models.Forecaster` is what users take."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
