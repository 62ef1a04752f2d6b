"""How far an approximate gradient is from the exact one, parameter by parameter."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from gated.backends import backend_of
from gated.errors import GatedError, as_array, describe, shown, wrong, wrong_type
from gated.learning.realtime.engines import begin, rule_of
from gated.learning.rules.finite import parameters_of, reason
from gated.nn.further import X
from gated.nn.losses import Loss, SquaredError, evaluate_by
from gated.nn.network_checks import has_state

Array = np.ndarray[Any, Any]


class GradientDifference(NamedTuple):
    """One group of parameters: g by the approximate algorithm, e exact.

    relative_error is |g - e| / |e| (0 if both are 0, inf if only e is), angle is that between g and e in degrees (0 if
    both are 0, 90 if one is), norm is |e|.
    """

    group: str
    relative_error: float
    angle: float
    norm: float


def compare_gradients(
    network: Any,
    x: Any,
    target: Any,
    loss: Loss | None = None,
    *,
    algorithm: str = "online",
    peepholes: bool = True,
    mask: Any = None,
    state: Any = None,
    without: Collection[str] = (),
) -> list[GradientDifference]:
    """The gradient that an algorithm of `gated.learning.Online` adds up over a batch, against the exact one.

    No weight changes on the way. The exact gradient is that of full backpropagation through time.

    Args:
        network: as for `Online`.
        x: (T, N, ...), as `network.forward` takes it.
        target: (T, N, ...), as the loss takes it.
        loss: of the whole batch; SquaredError() if None.
        algorithm: as for `Online`.
        peepholes: as for `Online`; `peepholes=False` is what `LahoreLSTM` does.
        mask: (T, N), False where a sequence has no target or has ended.
        state: {layer: state tuple} to begin from; 0 if None.
        without: families of the cells' parameters that are 0 for this comparison, such as ("U", "p"). The network has
            its own values back afterwards.

    Returns:
        one difference per parameter, in the order of `network.params`, and the last for all together, "all".

    Raises:
        ArgumentError, ArgumentTypeError: as `Online`; a family that there is not.
    """
    if not isinstance(loss, (Loss, type(None))):
        raise wrong_type("loss", describe(loss), "a loss of gated.losses, such as SquaredError()")
    given = x
    x = as_array("x", x[X] if isinstance(x, Mapping) and X in x else x)
    if x.ndim < 2:
        raise wrong("x", describe(x), "axes (T, N, ...)")
    rule = rule_of(network, algorithm, max(1, x.shape[1]), peepholes)
    first = [name for name, layer, _ in network.parts() if getattr(layer, "batch_first", False)]
    if first:
        raise wrong(f"layers[{first[0]!r}]", "batch_first=True", "batch_first=False: x is (T, N, ...) here")
    kept = network.theta.copy()
    try:
        for name in _members(network, without):
            network.params[name][...] = 0
        exact, found = _both(network, rule, given, target, loss or SquaredError(), mask, state)
    finally:
        network.theta[...] = kept
    names = [*network.params, "all"]
    pairs = [*zip(found.values(), exact.values(), strict=True), (found.vector, exact.vector)]
    return [_difference(name, g, e) for name, (g, e) in zip(names, pairs, strict=True)]


def _both(network: Any, rule: Any, x: Any, target: Any, loss: Loss, mask: Any, state: Any) -> tuple[Any, Any]:
    """(exact, approximate) gradients, as `network.params`."""
    y, _, tape = network.forward(x, state)
    backend = backend_of(network)
    value, dy = evaluate_by(backend, loss, y, target, mask)
    _, _, exact = network.backward(tape, dy)
    if not (math.isfinite(value) and backend.all_finite(exact.vector)):
        counts = None if mask is None else np.asarray(mask) != 0
        cause = reason([("x", x, None), ("target", target, counts), *parameters_of(network)])
        raise GatedError(f"gradient: got NaN or inf, expected finite numbers; {cause}")
    begin(rule.arrays(), network, state)
    found = network.params.like()
    for x_t, dy_t in zip(rule.row.joined("x", x), dy, strict=True):
        rule.forward(x_t if x_t.dtype.kind in "iu" else x_t.astype(network.dtype))
        backend.add(rule.gradient(dy_t), found.vector)
    return exact, found


def _members(network: Any, families: Collection[str]) -> list[str]:
    if isinstance(families, str) or not all(isinstance(family, str) for family in families):
        raise wrong_type("without", describe(families), "a collection of families, such as ('U', 'p')")
    known: dict[str, list[str]] = {}
    for part, layer, _ in network.parts():
        if has_state(layer):
            for name in layer.params:
                known.setdefault(name.split(".")[-2], []).append(f"{part}.{name}")
    for family in families:
        if family not in known:
            raise wrong("without", f"'{shown(family)}'", f"families of the cells: {', '.join(known)}")
    return [name for family in families for name in known[family]]


def _difference(group: str, found: Array, exact: Array) -> GradientDifference:
    g, e = found.ravel().astype(np.float64), exact.ravel().astype(np.float64)
    norm, other = float(np.linalg.norm(e)), float(np.linalg.norm(g))
    gap = float(np.linalg.norm(g - e))
    relative = gap / norm if norm else (math.inf if other else 0.0)
    if not norm or not other:
        return GradientDifference(group, relative, 0.0 if norm == other else 90.0, norm)
    # of two unit vectors: exact for small angles, where the cosine is not
    u, v = g / other, e / norm
    angle = 2.0 * math.atan2(float(np.linalg.norm(u - v)), float(np.linalg.norm(u + v)))
    return GradientDifference(group, relative, math.degrees(angle), norm)
