"""Is a gradient right? The battery of checks that every cell of the zoo passes, for any cell; and the audit of other
people's code, which names the wrong term."""

from gated.audit.check import check_cell
from gated.audit.report import CheckReport, Row
from gated.lazy import submodules

_submodule, __dir__ = submodules(__name__)
_LATER = {"diagnose": "code_audit", "Audit": "verdict", "Fault": "verdict"}  # they start more than a check needs


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(_submodule(_LATER[name]), name)
    return _submodule(name)


__all__ = ["Audit", "CheckReport", "Fault", "Row", "check_cell", "diagnose"]
