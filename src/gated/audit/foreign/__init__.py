"""Somebody's own code, as it stands: recognised, run in a child process, differentiated, compared.

    roles       what the names of arguments and parameters say
    source      their file: what it defines, returns and asks of its dictionaries
    layouts     where time, sequences and units stand in their arrays
    draws       the numbers on which it is run
    subject     the one way in which every adapter runs their code: forward and backward, canonical shapes
    arguments   what their functions ask for
    usage       what the bodies of their functions do with arguments
    containers  how their functions hold parameters: apart, in a dictionary, a tuple, a dictionary per gate
    holding     which parameters there are, and how they are handed over
    results     what they return
    schemes     how their parameters may be shaped
    gradients   which of their gradients is whose
    functions   adapter: functions with arrays or one container of parameters (cs231n, deeplearning.ai, own)
    pullbacks   adapter: one function that returns its backward pass
    losses      adapter: one function of a loss and its gradients (min-char-rnn)
    indices     inputs that index, put as vectors
    rewriting   a function of a loss without its loss
    readings    which reading of their functions is meant
    held, calling                     an object of a class that is given parameters and run
    constructing, methods, objects    how it is made, which methods run, where its arrays lie
    answers     its gradients: returned, or left in the object
    classes     adapter: a layer that is fed sequences
    settings    what a constructor asks for that holds sizes inside
    headed      adapter: a class with an output layer, whose matrix is `watched`, in methods that are `reworded`
    stepping    adapters: one step with the states as arguments; one that remembers (the Chinese tutorial)
    torch_code  adapter: torch.autograd.Function and Module
    class_ways  which adapters may fit a class
    precision   their single precision made double
    find        which adapter fits
    truth       the derivatives of their forward pass
    table       which gradients are right
    manners     what makes today's right wrong tomorrow; own_check: what a check on their tiny weights would show;
                unmade: attributes that nothing makes
    odd_cells, departures    cells that no paper has; cells one step from one of the zoo
    matching    which cell of the zoo their forward pass is, and where each of its parameters lies in theirs
    by_name     a cell that is given: its parameters in their arrays, by name
    trials      edited text of theirs run (programs), and what its expressions are worth (worth)
    child, wire, process    their code is only ever run in a child process, which talks in arrays and JSON

`open_foreign(path)` is the door: a `Foreign` with `.table()`, `.match()` and `.mine(...)`.
"""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
