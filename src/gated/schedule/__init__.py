"""From a graph to programs: what runs before, in and after the time loop, and what is saved for the backward pass."""

from gated.calculus.made import Made
from gated.lazy import submodules
from gated.schedule.schedule import CellSchedule, schedule

__getattr__, __dir__ = submodules(__name__)

# what a schedule was called before: the word is the learning rates' too (`gated.learning`)
Schedule = CellSchedule

__all__ = ["CellSchedule", "Made", "Schedule", "schedule"]
