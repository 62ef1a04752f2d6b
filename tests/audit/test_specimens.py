"""The specimens: right files are right, and of each wrong one the faults are named that were put into it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.audit.specimens.table import HERE, RIGHT, SPECIMENS, Specimen

import gated
from gated.audit.verdict import Audit


def chosen() -> set[str]:
    """Names of specimens such that each kind of fault, and a pair, is there at least once."""
    kinds: set[str] = set()
    names: set[str] = set()
    for specimen in SPECIMENS:
        new = {fault.kind for fault in specimen.faults} - kinds
        if new or (len(specimen.faults) > 1 and not any("+" in name for name in names)):
            names.add(specimen.name)
            kinds |= new
    return names


QUICK = chosen()


def cases() -> list[object]:
    return [pytest.param(s, id=s.name, marks=() if s.name in QUICK else pytest.mark.many) for s in SPECIMENS]


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in RIGHT[::3] else pytest.mark.many) for n in RIGHT])
def test_a_right_file_is_right(name: str) -> None:
    audit = gated.audit.diagnose(HERE / "right" / f"{name}.py")
    assert audit.verdict == "right", (audit.failure, audit.faults, audit.unexplained)
    assert audit.faults == () and audit.unexplained == ()


@pytest.mark.parametrize("specimen", cases())
def test_what_was_put_in_is_named(specimen: Specimen, tmp_path: Path) -> None:
    path = tmp_path / f"{specimen.right}.py"
    path.write_text(specimen.text(), encoding="utf-8")
    audit = gated.audit.diagnose(path, specimen.only)
    if not any(fault.kind for fault in specimen.faults):  # another way to write the same
        assert audit.verdict == "right" and audit.faults == ()
        return
    assert audit.verdict == "wrong"
    assert audit.unexplained == ()
    assert found(audit, specimen) == wanted(specimen)
    assert all(fault.certain for fault in audit.faults), [f.text for f in audit.faults if not f.certain]


def wanted(specimen: Specimen) -> list[tuple[str, set[str]]]:
    return sorted(((fault.kind, set(fault.where)) for fault in specimen.faults), key=str)


def found(audit: Audit, specimen: Specimen) -> list[tuple[str, set[str]]]:
    """Kinds and places as the table has them: all of the parameters, or the quantities that stand last."""
    places = []
    for fault in audit.faults:
        counts = {len(f.where) for f in specimen.faults if f.kind == fault.kind} or {1}
        ends = [{quantity(name) for name in fault.where[-count:]} for count in counts]
        whole = set(fault.where)
        listed = any(f.kind == fault.kind and set(f.where) == whole for f in specimen.faults)
        fitting = [e for e in ends if any(f.kind == fault.kind and set(f.where) == e for f in specimen.faults)]
        places.append((fault.kind, whole if listed else next(iter([*fitting, *ends]))))
    return sorted(places, key=str)


def quantity(name: str) -> str:
    """An adjoint "dc" is that of "c"."""
    return name[1:] if name.startswith("d") and len(name) < 4 else name
