"""A mended copy is audited again before it is offered."""

from __future__ import annotations

import tempfile
from pathlib import Path

from gated.audit.diagnosis.samples import TOLERANCE, norm
from gated.audit.foreign.process import Child, Foreign
from gated.audit.mending.bench import CHANGED, STALE, UNEVEN, State, atoms
from gated.audit.mending.targets import Targets
from gated.errors import GatedError

STEPS, SEED = 5, 171  # of the numbers that no candidate has seen


def holds(theirs: Foreign, text: str, targets: Targets, state: State, child: Child) -> bool:
    """Whether a text, run as a file of its own in this child process, has only the faults that are left in this
    state."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / theirs.path.name
        copy.write_bytes(text.encode())
        try:
            home, memory = theirs.path.parent, theirs.memory
            with Foreign(copy, theirs.name, child.seconds, memory, home, child) as mended:
                return _same_cell(theirs, mended) and _manners(mended, state) and _gradients(mended, targets, state)
        except GatedError:
            return False


def _same_cell(theirs: Foreign, mended: Foreign) -> bool:
    one, other = theirs.match(), mended.match()
    return one is not None and other is not None and other.exact and one.cell.name == other.cell.name


def _manners(mended: Foreign, state: State) -> bool:
    """No argument is changed, and nothing stays from call to call, but for what is left."""
    left = {name for kind, name in state if kind == CHANGED}
    for manner in mended.manners():
        if manner.kind == "in_place" and f"{manner.where} of {manner.parts[0]}" not in left:
            return False
        if manner.kind == "stale_state" and manner.where == "backward" and (STALE, "") not in state and not left:
            return False
    return True


def _gradients(mended: Foreign, targets: Targets, state: State) -> bool:
    """All right, by the derivative of their own forward pass; or as the model says, with the faults that are left."""
    if not {kind for kind, _ in state} - {CHANGED, STALE}:
        return mended.table().right
    if any(kind == UNEVEN for kind, _ in state) and not atoms(state):
        return True
    samples = targets.fresh(mended.mine, STEPS, SEED)
    said = targets.totals(atoms(state), samples)
    return all(norm(said[n] - v) <= TOLERANCE * max(norm(v), 1e-9) for n, v in samples.theirs.items())
