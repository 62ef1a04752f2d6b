"""Adapter: one function that computes a loss against targets, and its gradients: min-char-rnn's, or squares.

Its loss is not what is audited: the lines that compare outputs with targets are rewritten so that `targets` are the
adjoints of the outputs themselves, `inputs` that index a one-hot vector are that vector, and an output layer is the
identity. What is left is the recurrence and its backward pass, in their lines. Parameters may be globals.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gated.audit.foreign import layouts, roles
from gated.audit.foreign.arguments import TARGETS
from gated.audit.foreign.functions import Functions, identity
from gated.audit.foreign.gradients import by_name
from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Parameters

Array = np.ndarray[Any, Any]
ONE_HOT = "_one_hot_as_given"


class LossFunction(Functions):
    """Their function of inputs and targets."""

    def __init__(self, source: Source, name: str, layout: str, initial: Any = None) -> None:
        super().__init__(source, name, name, layout, initial)
        self.targets = next((a.name for a in self.asked if TARGETS.match(a.name.lower())), "")
        self.asked = [a for a in self.asked if a.name != self.targets]
        self.parameters = [n for n in self.parameters if n != self.targets]
        self.layer = self._output_layer()
        self.asked_back = []
        x = self.names.get("x", "")
        self.rewritten: Any
        self.rewritten, self.hidden = rewritten(source, name, x, self.targets) if x and self.targets else (None, "")
        self.returned = [*self.returned, self.hidden]
        self.where = (name,)

    @property
    def fits(self) -> bool:
        return self.rewritten is not None and bool(self.parameters)

    def held(self, P: Parameters) -> Any:
        D, H = self.sizes_of(P)
        theirs = {n: P.get(n, identity(s, H)) for n, s in self._all_shapes(D, H).items()}
        self.set_outside(theirs, D, H)
        return self.held_for({n: v for n, v in theirs.items() if n not in self.outside}, D, H)

    def one_forward(self, P: Parameters, x: Array, states: Mapping[str, Array]) -> tuple[Array, Any]:
        nothing = np.zeros((*x.shape[:2], self._H))
        found = self._outputs(self._both_ways(P, x, states, nothing), x)
        if found is None:
            raise ValueError("no hidden states of every step")
        return found, None

    def one_backward(self, kept: Any, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Parameters:
        result = self._both_ways(P, x, states, dy)
        loss = [v for v in result if np.ndim(v) == 0 and isinstance(v, (float, np.floating))]
        size = float(np.sum(dy**2))
        factor = 2 * float(loss[0]) / size if loss and loss[0] > 0 and size else 1.0  # of squares: c/2 |y - target|^2
        return {n: np.asarray(v) / factor for n, v in by_name(self, tuple(result)[:-1], x).items()}

    def _both_ways(self, P: Parameters, x: Array, states: Mapping[str, Array], dy: Array) -> Any:
        """What their function returns for targets that are adjoints, and the hidden states."""
        layout = self.y_layout or self.layout
        self.forward_function = self._with_targets(layouts.to_theirs(dy, layout, "TND"))
        return self._call(P, x, states)[1]

    def _with_targets(self, targets: Any) -> Any:
        def function(**given: Any) -> Any:
            return self.rewritten(**given, **{self.targets: targets})

        function.__name__ = self.where[0]
        return function


def loss_functions(source: Source, name: str | None) -> Iterator[str]:
    """Names of functions that take targets and inputs."""
    for function in source.functions:
        names = source.arguments(function, keywords=True)
        if name in (None, function) and any(TARGETS.match(n.lower()) for n in names):
            yield function


def rewritten(source: Source, name: str, x: str, targets: str) -> tuple[Any, str]:
    """Their function without its loss, which returns the hidden states after all else, and what those are called."""
    tree = copy.deepcopy(source.functions[name])
    hidden, rewrite = _hidden(tree), _Rewrite(x, targets)
    tree.decorator_list = []
    tree = rewrite.visit(tree)
    if not rewrite.hits or not hidden:
        return None, ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            node.value = ast.Tuple([*parts, ast.Name(hidden, ast.Load())], ast.Load())
    module = ast.fix_missing_locations(ast.Module([tree], []))
    space, before = vars(source.module), source.get(name)
    space[ONE_HOT] = one_hot
    exec(compile(module, str(source.path), "exec"), space)  # in this child process, as their file itself is
    function, space[name] = space[name], before
    return function, hidden


def one_hot(zeros: Any, value: Any) -> Array:
    """A vector in the place of a one-hot one: a column, a row or flat, as that was."""
    value = np.asarray(value)
    try:
        return np.asarray(0.0 * zeros + value)
    except ValueError:  # they have another number of inputs than of outputs here
        return value.reshape([1 if size == 1 else -1 for size in np.shape(zeros)])


def _hidden(tree: ast.AST) -> str:
    """The name under which hidden states of all steps are kept: hs[t] = ..., hs.append(h), hs, cache = ..."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, 0)
        if isinstance(node, ast.Attribute) and node.attr == "append" and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, 1)
        if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store):
            found |= {e.id: found.get(e.id, 2) for e in node.elts if isinstance(e, ast.Name) and e.id.endswith("s")}
    names = sorted((rank, n) for n, rank in found.items() if roles.state(n) == "h")
    return names[0][1] if names else ""


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))


class _Rewrite(ast.NodeTransformer):
    def __init__(self, x: str, targets: str) -> None:
        self.x, self.targets, self.hits = x, targets, 0

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        if (
            isinstance(target, ast.Subscript)
            and _mentions(target.slice, self.x)
            and isinstance(node.value, ast.Constant)
        ):
            return self._given(target, self.x, node)
        self.generic_visit(node)
        return self._without_loss(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        if isinstance(node.target, ast.Subscript) and _mentions(node.target.slice, self.targets):
            self.hits += 1
            return self._given(node.target, self.targets, node)
        self.generic_visit(node)
        return self._without_loss(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        right = node.right.value if isinstance(node.right, ast.Subscript) else node.right
        if not isinstance(node.op, ast.Sub) or not isinstance(right, ast.Name) or right.id != self.targets:
            return node
        self.hits += 1
        return ast.copy_location(_zero_plus(node.left, node.right), node)

    def _given(self, target: ast.Subscript, name: str, node: ast.stmt) -> ast.AST:
        """a[targets[t]] -= 1 becomes a = 0 * a + targets[t]."""
        places = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        value = next(place for place in places if _mentions(place, name))
        stored, loaded = copy.deepcopy(target.value), copy.deepcopy(target.value)
        stored.ctx, loaded.ctx = ast.Store(), ast.Load()  # type: ignore[attr-defined]
        call = ast.Call(ast.Name(ONE_HOT, ast.Load()), [loaded, value], [])
        return ast.copy_location(ast.Assign([stored], call), node)

    def _without_loss(self, node: ast.Assign | ast.AugAssign) -> ast.AST:
        """What takes a probability at a target is the loss: 0."""
        slices = [n.slice for n in ast.walk(node.value) if isinstance(n, ast.Subscript)]
        if any(_mentions(s, self.targets) for s in slices):
            node.value = ast.copy_location(ast.Constant(0.0), node.value)
        return node


def _zero_plus(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.BinOp(ast.BinOp(ast.Constant(0.0), ast.Mult(), left), ast.Add(), right)
