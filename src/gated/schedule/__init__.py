"""From a graph to programs: what runs before, in and after the time loop, and what is saved for the backward pass."""

from gated.schedule.schedule import Schedule, schedule

__all__ = ["Schedule", "schedule"]
