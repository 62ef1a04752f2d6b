"""The reference backend: schedules interpreted node by node with NumPy, in any dtype, complex included.

It is the definition of right: every other backend is tested against it. Each file imports only those before it.

    digest        by what a backward pass notices that parameters have changed
    columns       where the backward loop keeps its values, side by side
    rows          which packed rows are those of a step
    arithmetic    what is no schedule: tables, sums, whole vectors of parameters
    made          matrices that are made of parameters
    updates       the optimizers' rules
    interpreter   the nodes of a program, one by one
    gradients     the parameters' gradients
    forward       the forward pass
    backward      the backward pass
    maps          functions without states: dense layers, losses
    chains        networks without a tape, and one step at a time
    backend       what layers and learners call
"""

from gated.backends.reference.backend import ReferenceBackend
from gated.backends.reference.backward import after_loop, new_columns
from gated.backends.reference.chains import without_states
from gated.backends.reference.digest import digest_of
from gated.backends.reference.forward import before_loop, constants
from gated.backends.reference.interpreter import Values
from gated.backends.reference.maps import evaluate_map, map_adjoints
from gated.backends.reference.rows import last_states, lengths_of
from gated.lazy import submodules

__all__ = [
    "ReferenceBackend",
    "Values",
    "after_loop",
    "before_loop",
    "constants",
    "digest_of",
    "evaluate_map",
    "last_states",
    "lengths_of",
    "map_adjoints",
    "new_columns",
    "without_states",
]

__getattr__, __dir__ = submodules(__name__)
