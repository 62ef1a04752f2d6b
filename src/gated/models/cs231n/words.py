"""The assignment's functions of single words: embedding, affine map, softmax loss.

Legend: N captions, T words, V words of the vocabulary, D and M numbers of a vector. Results are new arrays; what is
passed in is not changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gated.errors import as_array, describe, wrong, wrong_type
from gated.models.cs231n.arguments import Array, Cache, checked, common_dtype, opened, real, whole_numbers
from gated.nn import Dense, Embedding, checks
from gated.nn.losses import SoftmaxCrossEntropy


def word_embedding_forward(x: Any, W: Any) -> tuple[Array, Cache]:
    """A vector for every word.

    Args:
        x: (N, T) ids, from 0 to V - 1.
        W: (V, D), the vectors.

    Returns:
        out (N, T, D), and the cache for `word_embedding_backward`.

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or there is no such id.
    """
    W = checked("W", W, ("V", "D"), common_dtype(W=W))
    layer = Embedding(*W.shape, dtype=W.dtype)
    layer.params["W"] = W
    out, _, tape = layer.forward(checks.ids("x", whole_numbers("x", x, ("N", "T")), len(W)))
    return out, Cache("word_embedding_forward", layer, tape, out.shape)


def word_embedding_backward(dout: Any, cache: Any) -> Array:
    """The gradient of the vectors: for each word the sum over the places where it stands.

    Args:
        dout: (N, T, D), the adjoint of out.
        cache: of `word_embedding_forward`.

    Returns:
        dW (V, D).

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or the cache is of another function.
    """
    own = opened(cache, "word_embedding_forward")
    return own.layer.backward(own.tape, checked("dout", dout, own.shape, own.layer.dtype))[2]["W"]


def temporal_affine_forward(x: Any, w: Any, b: Any) -> tuple[Array, Cache]:
    """x w + b at every step.

    Args:
        x: (N, T, D).
        w: (D, M).
        b: (M,).

    Returns:
        out (N, T, M), and the cache for `temporal_affine_backward`.

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit.
    """
    dtype = common_dtype(x=x, w=w, b=b)
    w = checked("w", w, ("D", "M"), dtype)
    layer = affine(w, checked("b", b, w.shape[1:], dtype))
    out, _, tape = layer.forward(checked("x", x, ("N", "T", len(w)), dtype))
    return out, Cache("temporal_affine_forward", layer, tape, out.shape)


def affine(w: Array, b: Array) -> Dense:
    """The dense layer of w (D, M) and b (M,): copies."""
    layer = Dense(*w.shape, dtype=w.dtype)
    layer.params["W.y"], layer.params["b.y"] = w.T, b
    return layer


def temporal_affine_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """The gradients of the affine map.

    Args:
        dout: (N, T, M), the adjoint of out.
        cache: of `temporal_affine_forward`.

    Returns:
        dx (N, T, D), dw (D, M), db (M,).

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or the cache is of another function.
    """
    own = opened(cache, "temporal_affine_forward")
    dx, _, grads = own.layer.backward(own.tape, checked("dout", dout, own.shape, own.layer.dtype))
    return dx, np.ascontiguousarray(grads["W.y"].T), grads["b.y"].copy()


def temporal_softmax_loss(x: Any, y: Any, mask: Any, verbose: bool = False) -> tuple[float, Array]:
    """The softmax loss, summed over the words that count and divided by the number of captions.

    Args:
        x: (N, T, V) scores of every word at every step.
        y: (N, T) the right words, from 0 to V - 1 where the mask counts.
        mask: (N, T) booleans, True where a word counts; weights of at least 0 are taken as well.
        verbose: whether the shape of dx is printed.

    Returns:
        the loss, and dx (N, T, V).

    Raises:
        ArgumentError, ArgumentTypeError: a shape or dtype does not fit, or NaN or a y that is no word stands where the
            mask counts.
    """
    x = checked("x", x, ("N", "T", "V"), real("x", common_dtype(x=x)))
    y = whole_numbers("y", y, x.shape[:2])
    weights = _weights(mask, x.shape[:2])
    bad = (weights > 0) & ((y < 0) | (y >= x.shape[2]))
    if bad.any():
        place = tuple(np.argwhere(bad)[0].tolist())
        raise wrong("y", f"the word {y[place]} at {list(place)}", f"0 to {x.shape[2] - 1} wherever the mask counts")
    unknown = np.isnan(x) & (weights > 0)[..., None]
    if unknown.any():
        raise wrong("x", f"NaN at {np.argwhere(unknown)[0].tolist()}", "numbers wherever the mask counts")
    loss, dx = SoftmaxCrossEntropy("sum")(x, y, weights / len(x))
    if verbose:
        print(f"dx: {dx.shape}")
    return loss, dx


def _weights(mask: Any, shape: tuple[int, ...]) -> Array:
    array = as_array("mask", mask)
    if array.dtype.kind not in "fiub":
        raise wrong_type("mask", describe(array), "booleans")
    if array.shape != shape:
        raise wrong("mask", describe(array), f"shape {shape}, x's without the last axis")
    weights = array.astype(np.float64)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise wrong("mask", "a weight that is negative or not finite", "booleans, or weights of at least 0")
    return weights
