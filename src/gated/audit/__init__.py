"""Is a gradient right? The battery of checks that every cell of the zoo passes, for any cell; and the audit of other
people's code, which names the wrong term."""

from typing import TYPE_CHECKING

from gated.lazy import submodules

if TYPE_CHECKING:
    from gated.audit.check import check_cell
    from gated.audit.code_audit import diagnose
    from gated.audit.report import CheckReport, Row
    from gated.audit.verdict import Audit, Fault

_submodule, __dir__ = submodules(__name__)
# found when they are asked for: the child process in which other people's code is run needs none of them
_HOME = {
    "check_cell": "check",
    "CheckReport": "report",
    "Row": "report",
    "diagnose": "code_audit",
    "Audit": "verdict",
    "Fault": "verdict",
}


def __getattr__(name: str) -> object:
    return getattr(_submodule(_HOME[name]), name) if name in _HOME else _submodule(name)


__all__ = ["Audit", "CheckReport", "Fault", "Row", "check_cell", "diagnose"]
