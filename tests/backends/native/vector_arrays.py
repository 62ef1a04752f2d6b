"""Vectors for machine code: with canaries around, numbers of every kind; and the rules that are tried on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gated.backends import get_backend
from gated.backends.reference import updates
from gated.backends.reference.arithmetic import NumPyArithmetic

Array = np.ndarray[Any, Any]
THREADS = (1, 2, 3)
DTYPES = ("float32", "float64")
SIZES = (0, 1, 7, 16, 33, 4097, 1_000_003)
CANARY = 7.25
SGD = {"lr": 0.1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
RMS = {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "momentum": 0.0}
ADAM = {"lr": 0.01, "b1": 0.9, "b2": 0.999, "eps": 1e-8, "updates": 3}
RULES: dict[str, tuple[Any, tuple[str, ...], dict[str, Any]]] = {
    "sgd": (updates.sgd, (), SGD),
    "sgd decay": (updates.sgd, (), SGD | {"weight_decay": 0.01}),
    "sgd momentum": (updates.sgd, ("momentum",), SGD | {"momentum": 0.9}),
    "sgd momentum decay": (updates.sgd, ("momentum",), SGD | {"momentum": 0.9, "weight_decay": 0.01}),
    "sgd nesterov": (updates.sgd, ("momentum",), SGD | {"momentum": 0.9, "nesterov": True}),
    "sgd nesterov decay": (
        updates.sgd,
        ("momentum",),
        SGD | {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    "sgd nesterov without momentum": (updates.sgd, (), SGD | {"nesterov": True}),
    "rmsprop": (updates.rmsprop, ("mean_square",), RMS),
    "rmsprop momentum": (updates.rmsprop, ("mean_square", "momentum"), RMS | {"momentum": 0.5}),
    "adam": (updates.adam, ("mean", "mean_square"), ADAM),
    "adam decay": (updates.adam, ("mean", "mean_square"), ADAM | {"decay": 0.9}),
}
native, reference = get_backend("native"), get_backend("reference")


def without_help(monkeypatch: pytest.MonkeyPatch, *methods: str) -> None:
    """The native backend may not ask the reference, which goes on as before."""

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("the reference was asked")

    for name in methods:
        monkeypatch.setattr(reference, name, getattr(reference, name), raising=False)
        monkeypatch.setattr(NumPyArithmetic, name, refuse)


def between_canaries(values: Array, offset: int = 1) -> tuple[Array, Array]:
    """A copy of a vector that begins so many numbers behind a cache line; and all the memory around it."""
    room = np.full(values.size + offset + 32, CANARY, values.dtype)
    begin = -room.ctypes.data % 64 // values.itemsize + offset
    vector = room[begin : begin + values.size]
    vector[...] = values
    return vector, room


def intact(vector: Array, room: Array) -> bool:
    begin = (vector.ctypes.data - room.ctypes.data) // room.itemsize
    return bool((room[:begin] == CANARY).all() and (room[begin + vector.size :] == CANARY).all())


def numbers(size: int, dtype: str, seed: int = 0) -> Array:
    """Ordinary ones, very large and very small ones, zeros of both signs."""
    rng = np.random.default_rng(seed)
    found = (rng.standard_normal(size) * 10.0 ** rng.integers(-12, 3, size)).astype(dtype)
    tiny = np.finfo(dtype).smallest_subnormal
    for k, special in enumerate((0.0, -0.0, tiny, -tiny * 3, np.sqrt(np.finfo(dtype).max) / 4)):
        found[k + 2 :: 101] = special
    return found


def updated(backend: Any, name: str, arrays: list[Array], **changed: Any) -> None:
    rule, buffers, options = RULES[name]
    theta, gradient, *own = arrays
    scratch = np.empty_like(theta), np.empty_like(theta)
    with np.errstate(all="ignore"):
        backend.update(rule, theta, gradient, dict(zip(buffers, own, strict=True)), scratch, **options | changed)


def arrays_for(name: str, size: int, dtype: str) -> list[Array]:
    """theta, gradient, buffers; a mean of squares is not negative."""
    found = [numbers(size, dtype, seed) for seed in range(2 + len(RULES[name][1]))]
    return [
        abs(array) if kind == "mean_square" else array
        for kind, array in zip(("theta", "gradient", *RULES[name][1]), found, strict=True)
    ]
