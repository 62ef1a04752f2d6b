"""From a graph to programs: what runs before, in and after the time loop, and what is saved for the backward pass."""

from gated.lazy import submodules
from gated.schedule.schedule import Schedule, schedule

__getattr__, __dir__ = submodules(__name__)

__all__ = ["Schedule", "schedule"]
