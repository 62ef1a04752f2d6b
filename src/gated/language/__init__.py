"""The language of cells: symbols, tracing a function into an expression graph, shape inference, errors.

`functions` is the one table of functions, `graph` the immutable expression graph, `symbols`, `families` and `tracing`
turn a Python function into a graph, `printing` writes a graph as equations, `serial` as JSON and back.
"""

from gated.language.cell import Cell, cell
from gated.language.elementwise import abs, exp, log, maximum, minimum, relu, sigmoid, softplus, sqrt, tanh
from gated.language.functions import FUNCTIONS
from gated.lazy import submodules
from gated.publish import publish

__getattr__, __dir__ = submodules(__name__)

publish("gated", Cell)

__all__ = [
    "FUNCTIONS",
    "Cell",
    "abs",
    "cell",
    "exp",
    "log",
    "maximum",
    "minimum",
    "relu",
    "sigmoid",
    "softplus",
    "sqrt",
    "tanh",
]
