"""Experiments that compare the ways to learn: contests on the classical tasks, vanishing gradients, approximate ones.

Each makes data from seeds, yields what it finds as it goes, and has functions that write a report and pictures. The
command `gated experiment` runs them.
"""

from __future__ import annotations

from gated.experiments.adding import ADDING
from gated.experiments.contest import Settings, Trial, run_contest
from gated.experiments.reber import REBER
from gated.experiments.report_folder import ReportFolder
from gated.experiments.task import Kind, Score, Task
from gated.experiments.timing import TIMING
from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)

KINDS = {kind.name: kind for kind in (REBER, ADDING, TIMING)}

__all__ = ["KINDS", "Kind", "ReportFolder", "Score", "Settings", "Task", "Trial", "run_contest"]
