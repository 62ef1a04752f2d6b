"""ONNX Runtime, one step after the other: files with h, c -> h_new, c_new, and arrays or bound memory around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from benchmarks.problem import Array
from benchmarks.sides.onnx_session import STATES


class WithArrays:
    """Every step takes arrays and gives new ones.

    Args:
        running: a session whose first input is one step's, whose first output is what comes of it.
        first: an input of one step.
        states: name -> the array that a sequence begins with.
    """

    def __init__(self, running: Any, first: Array, states: Mapping[str, Array]) -> None:
        self._running, self._first_states = running, states
        self._name = running.get_inputs()[0].name
        self._y: Array
        self.reset()

    def reset(self) -> None:
        self._states = dict(self._first_states)

    def step(self, row: Array) -> None:
        self._y, self._states["h"], self._states["c"] = self._running.run(None, {self._name: row, **self._states})

    def output(self) -> Array:
        """Of the last step."""
        return self._y


class Bound:
    """As `WithArrays`, in memory that is chosen once. Two bindings take turns: what one step writes as its new state
    the next one reads, without a copy."""

    def __init__(self, running: Any, first: Array, states: Mapping[str, Array]) -> None:
        self._running, self._first_states = running, states
        source, target = running.get_inputs()[0], running.get_outputs()[0]

        def make(array: Array) -> Any:
            return onnxruntime.OrtValue.ortvalue_from_numpy(array.copy())  # it keeps the very memory that it is given

        self._x, self._y = make(first), make(np.zeros(target.shape, np.float32))
        self._bindings = [running.io_binding(), running.io_binding()]
        self._states = [{name: make(value) for name, value in states.items()} for _ in self._bindings]
        self._turn = 0
        for turn, one in enumerate(self._bindings):
            one.bind_ortvalue_input(source.name, self._x)
            one.bind_ortvalue_output(target.name, self._y)
            for name in STATES:
                one.bind_ortvalue_input(name, self._states[turn][name])
                one.bind_ortvalue_output(f"{name}_new", self._states[1 - turn][name])

    def reset(self) -> None:
        for name, value in self._first_states.items():
            self._states[self._turn][name].update_inplace(value)

    def step(self, row: Array) -> None:
        self._x.update_inplace(row)
        self._running.run_with_iobinding(self._bindings[self._turn])
        self._turn = 1 - self._turn

    def output(self) -> Array:
        """Of the last step; the next one may overwrite it."""
        return self._y.numpy()


def steps(running: Any, first: Array, states: Mapping[str, Array], bound: bool) -> WithArrays | Bound:
    return (Bound if bound else WithArrays)(running, first, states)
