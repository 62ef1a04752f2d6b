"""Somebody's own code, as it stands: recognised, run in a child process, differentiated, compared.

    roles       what the names of arguments and parameters say
    source      their file: what it defines, returns and asks of its dictionaries
    layouts     where time, sequences and units stand in their arrays
    draws       the numbers on which it is run
    subject     the one way in which every adapter runs their code: forward and backward, canonical shapes
    held        how their functions hold parameters: apart, in a dictionary, a tuple, a dictionary per gate
    arguments   what their functions ask for
    results     what they return
    schemes     how their parameters may be shaped
    gradients   which of their gradients is whose
    functions   adapter: functions with arrays or one container of parameters (cs231n, deeplearning.ai, own)
    losses      adapter: one function of a loss and its gradients (min-char-rnn)
    readings    which reading of their functions is meant
    classes     adapters: a layer that is fed step by step (the Chinese tutorial), a layer that is fed sequences
    torch_code  adapter: torch.autograd.Function and Module
    find        which adapter fits
    truth       the derivatives of their forward pass
    table       which gradients are right; manners that make today's right wrong tomorrow
    odd_cells, departures    cells that no paper has; cells one step from one of the zoo
    matching    which cell of the zoo their forward pass is, and where each of its parameters lies in theirs
    child, wire, process    their code is only ever run in a child process, which talks in arrays and JSON

`open_foreign(path)` is the door: a `Foreign` with `.table()`, `.match()` and `.mine(...)`.
"""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
