"""Is a gradient right? The battery of checks that every cell of the zoo passes, for any cell."""

from gated.audit.check import check_cell
from gated.audit.report import CheckReport, Row
from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)

__all__ = ["CheckReport", "Row", "check_cell"]
