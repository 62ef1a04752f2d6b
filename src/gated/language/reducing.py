"""The words for reductions over the units: in equations they write them, on NumPy arrays they go along the last axis.

`sum`, `mean`, `max`, `dot` and `norm` give one number, which goes with vectors of any length; `softmax` and
`layer_norm` are composed of such.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gated.errors import CellError, wrong
from gated.language.elementwise import WRITTEN, array_of
from gated.language.reductions import REDUCTIONS
from gated.language.refusals import place
from gated.language.symbols import number, reduced


def _over(row: str, word: str, values: Sequence[Any], *given: Any) -> Any:
    """A reduction of the book, on symbols or on arrays; the number that it needs is `given`."""
    if any(hasattr(type(value), "_as_symbol") for value in values):
        return reduced(row, word, [*given, *values])
    arrays = [array_of(f"{word}()", value) for value in values]
    if any(array.ndim == 0 for array in arrays):
        raise wrong(f"{word}()", "a number", "vectors, over whose units it goes")
    return REDUCTIONS[row].numpy(*given, *arrays)


def _counted(word: str, row: str, vectors: Sequence[Any], expected: int | None = None) -> Any:
    _check_count(word, vectors, expected)
    return _over(row, word, vectors)


def sum(*vectors: Any) -> Any:
    """The sum over the units. One number.

    On symbols in the equations of a cell; on NumPy arrays along the last axis, which is kept. Several vectors may have
    different lengths, and are reduced together.
    """
    return _counted("sum", "total", vectors)


def mean(*vectors: Any) -> Any:
    """The mean over the units. One number; of several vectors as `sum`."""
    return _counted("mean", "average", vectors)


def max(*vectors: Any) -> Any:
    """The largest unit; several that are share the derivative evenly. One number; of several vectors as `sum`."""
    return _counted("max", "largest", vectors)


def dot(*vectors: Any) -> Any:
    """The sum over the units of the product of two vectors of one length. One number; on arrays as `sum`."""
    return _counted("dot", "inner_product", vectors, 2)


def norm(*vectors: Any) -> Any:
    """The root of the sum of squares over the units, with derivative 0 where it is 0. One number; of several vectors
    as `sum`."""
    return _counted("norm", "norm", vectors)


def _check_count(word: str, values: Sequence[Any], vectors: int | None = None) -> None:
    if vectors is not None and len(values) != vectors:
        raise CellError(f"{place()}: {word}() takes {vectors} vectors, got {len(values)}")
    if not values:
        raise CellError(f"{place()}: {word}() takes one or more vectors, got none")


def softmax(*vectors: Any) -> Any:
    """exp(a) / sum(exp(a)), without overflow: of each vector, so that all units of all of them add up to 1.

    On symbols in the equations of a cell; on NumPy arrays along the last axis.

    Returns:
        one vector for one vector; for several as many, in a tuple.
    """
    _check_count("softmax", vectors)
    peak = _over("peak", "softmax", vectors)
    parts = [WRITTEN["exp"](vector - peak) for vector in _as_given(vectors)]
    whole = _over("total", "softmax", parts)
    return _like(vectors, [part / whole for part in parts])


def layer_norm(*vectors: Any, eps: Any = 1e-5) -> Any:
    """(a − mean) / √(var + eps) of each vector, with mean and (biased) variance over all units of all of them together.

    There is no gain and no bias: write g.i * layer_norm(a) + b.i. Source: J. L. Ba, J. R. Kiros, G. E. Hinton (2016),
    Layer normalization, arXiv:1607.06450. On symbols in the equations of a cell; on NumPy arrays along the last axis.

    Args:
        vectors: one or more.
        eps: a number, 0 or above; in equations also a constant of the cell.

    Returns:
        one vector for one vector; for several as many, in a tuple.
    """
    _check_count("layer_norm", vectors)
    plain = number(eps)
    if not hasattr(type(eps), "_as_symbol") and (plain is None or not 0 <= plain < float("inf")):
        raise CellError(f"{place()}: layer_norm() got eps={eps!r}, expected a number, 0 or above")
    mean = _over("average", "layer_norm", vectors)
    root = _over("deviation", "layer_norm", vectors, eps)
    return _like(vectors, [(vector - mean) / root for vector in _as_given(vectors)])


def _as_given(vectors: Sequence[Any]) -> list[Any]:
    """Symbols as they are, anything else as arrays."""
    symbols = any(hasattr(type(vector), "_as_symbol") for vector in vectors)
    return list(vectors) if symbols else [array_of("vector", vector) for vector in vectors]


def _like(vectors: Sequence[Any], results: list[Any]) -> Any:
    return results[0] if len(vectors) == 1 else tuple(results)


REDUCING: dict[str, Any] = {
    function.__name__: function for function in (sum, mean, max, dot, norm, softmax, layer_norm)
}
