"""The state of a run, as its checkpoint keeps it: that of the training, running numbers, best weights, callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gated.errors import FileFormatError, describe
from gated.files.json_text import from_text, to_text
from gated.learning.runs.callbacks import load_states, states_of
from gated.learning.runs.records import records_from

if TYPE_CHECKING:
    from gated.learning.runs.run import Run

BEST = "best"  # the array with the best weights


def state_of(run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays and values of a checkpoint."""
    arrays, values = run.training.state()
    if run.best_weights is not None:
        arrays[BEST] = run.best_weights
    values["records"] = asdict(run.records)
    config = _network(run)
    if config is not None:
        values["network"] = config
    states = states_of(run.callbacks)
    return arrays, values | ({"callbacks": states} if states else {})


def load_state(run: Run, arrays: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Take over what `state_of` gave. Raises FileFormatError if it does not fit."""
    best, theta = arrays.get(BEST), run.network.theta
    if best is not None and (best.shape != theta.shape or best.dtype != theta.dtype):
        raise FileFormatError(f"best: got {describe(best)}, expected {describe(theta)}")
    records = records_from(values.get("records"))
    run.training.load_state({name: own for name, own in arrays.items() if name != BEST}, values)
    load_states(run.callbacks, values.get("callbacks", {}))
    run.records, run.best_weights = records, best


def check_network(run: Run, values: Mapping[str, Any]) -> None:
    """Raises FileFormatError if a checkpoint is of a network with other layers than the run's."""
    saved, own = values.get("network"), _network(run)
    if own is not None and saved is not None and saved != own:
        raise FileFormatError(
            f"{str(run.folder.checkpoint_file)!r}: network: got another one than this run's, expected the same layers"
        )


def _network(run: Run) -> Any:
    """Its description as JSON gives it back; None for somebody's own network that has none."""
    config = getattr(run.network, "config", None)
    return None if config is None else from_text(to_text("network", config()))
