"""Is a gradient right? The battery of checks that every cell of the zoo passes, for any cell."""

from gated.audit.check import check_cell
from gated.audit.report import CheckReport, Row

__all__ = ["CheckReport", "Row", "check_cell"]
