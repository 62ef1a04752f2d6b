"""Which of their gradients is whose."""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.audit.foreign import results, roles
from gated.audit.foreign.results import Part

Array = np.ndarray[Any, Any]


def by_name(of: Any, back: Any, x: Array) -> dict[str, Array]:
    """Gradients of what backward returned, by the names of parameters and "x", "h", "c", these in canonical shape."""
    sizes = {"T": x.shape[0], "N": x.shape[1], "D": x.shape[2]}

    def of_steps(value: Any) -> bool:
        return results.is_sequence(value) and results.read(value, of.x_layout or of.layout, sizes) is not None

    pairs = list(results.leaves(back, of.returned_back, of_steps))
    known = {*of.shapes(x.shape[2], of._H), "x", *of.states}
    owners = [roles.owner(name, known) if name else None for name, _ in pairs]
    _fill(of, pairs, owners, sizes)
    _fill_named(of, pairs, owners, sizes)
    found: dict[str, Array] = {}
    for whose, (_, value) in zip(owners, pairs, strict=True):
        if whose is None or value is None or whose in found:
            continue
        if whose == "x":
            read = _input(of, value, sizes)
        elif whose in of.states:
            read = results.read_state(value, of.layout, sizes | {"D": of._H})
        else:
            read = np.asarray(value)
            shape = of.shapes(x.shape[2], of._H)[whose]
            apart = read.ndim == 3 or of.scheme.apart  # an axis of gates
            read = read.reshape(shape) if apart and read.size == np.prod(shape) else read
        if read is not None:  # else the adjoints of all steps, say
            found[whose] = read
    return found


def _input(of: Any, value: Any, sizes: dict[str, int]) -> Array | None:
    found = results.read(value, of.x_layout or of.layout, sizes, bool(of.x_layout))
    if found is not None:
        of.x_layout = found[1]
        return found[0]
    single = results.read_state(value, of.layout, sizes) if sizes["T"] == 1 else None
    return None if single is None else single[None]


def _fill(of: Any, pairs: list[Part], owners: list[str | None], sizes: dict[str, int]) -> None:
    """Owners for what has no name: what is left, in the order in which the shapes fit."""
    open_places = [k for k, (name, _) in enumerate(pairs) if owners[k] is None and name is None]
    if not open_places:
        return
    if not of.order:
        of.order = _order(of, [pairs[k][1] for k in open_places], {o for o in owners if o}, sizes)
    for k, whose in zip(open_places, of.order, strict=False):
        owners[k] = whose or None


def _fill_named(of: Any, pairs: list[Part], owners: list[str | None], sizes: dict[str, int]) -> None:
    """Owners for what has a name that says nothing, weight_ih for an argument Wih: parameters of the same shape, in
    their order, where there are as many of them."""
    shapes = {n: s for n, s in of.shapes(sizes["D"], of._H).items() if n not in owners}
    for shape in dict.fromkeys(shapes.values()):
        left = [n for n, s in shapes.items() if s == shape]
        places = [k for k, (name, v) in enumerate(pairs) if name and owners[k] is None and np.shape(v) == shape]
        if len(left) == len(places):
            for k, whose in zip(places, left, strict=True):
                owners[k] = whose


def _order(of: Any, values: list[Any], taken: set[str], sizes: dict[str, int]) -> tuple[str, ...]:
    """The first order in which every value has the shape of what it is the gradient of; else what fits by turns."""
    parameters = [n for n in of.shapes(sizes["D"], of._H) if n not in taken]
    x, states = [n for n in ["x"] if n not in taken], [n for n in of.states if n not in taken]
    orders = [[*x, *states, *parameters], [*parameters, *x, *states], [*x, *parameters, *states]]
    orders += [[*x, *parameters], parameters, [*parameters, *states], [*states, *parameters], [*parameters, *x]]
    for order in orders:
        if len(order) == len(values) and all(_fits(of, n, v, sizes) for n, v in zip(order, values, strict=True)):
            return tuple(order)
    left, found = [*x, *states, *parameters], []
    for value in values:
        whose = next((n for n in left if _fits(of, n, value, sizes)), "")
        left = [n for n in left if n != whose]
        found.append(whose)
    return tuple(found)


def _fits(of: Any, name: str, value: Any, sizes: dict[str, int]) -> bool:
    if name == "x":
        return results.read(value, of.layout, sizes) is not None
    if name in of.states:
        return results.read_state(value, of.layout, sizes | {"D": of._H}) is not None
    shape = of.shapes(sizes["D"], of._H)[name]
    return np.shape(value) == shape or (np.ndim(value) == 3 and np.size(value) == np.prod(shape))
