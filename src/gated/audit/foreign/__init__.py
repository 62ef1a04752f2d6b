"""Somebody's own code, as it stands: recognised, run in a child process, differentiated, compared.

    roles       what the names of arguments and parameters say
    source      their file: what it defines, returns and asks of its dictionaries
    layouts     where time, sequences and units stand in their arrays
    draws       the numbers on which it is run
    subject     the one way in which every adapter runs their code: forward and backward, canonical shapes
    functions   adapter: functions with arrays or one dictionary of parameters (cs231n, deeplearning.ai, own)
    classes     adapters: a layer that is fed step by step (the Chinese tutorial), a layer that is fed sequences
    torch_code  adapter: torch.autograd.Function and Module
    find        which adapter fits
    truth       the derivatives of their forward pass
    table       which gradients are right; manners that make today's right wrong tomorrow
    matching    which cell of the zoo their forward pass is, and where each of its parameters lies in theirs
    child, wire, process    their code is only ever run in a child process, which talks in arrays and JSON

`open_foreign(path)` is the door: a `Foreign` with `.table()`, `.match()` and `.mine(...)`.
"""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
