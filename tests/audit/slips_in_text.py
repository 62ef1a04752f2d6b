"""Slips in the text of a backward pass: lines of a right file, changed as a person gets them wrong.

Nothing here knows what the audit searches for. `expected`: the kinds by which a person would call the slip.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from tests.audit.specimens.table import HERE

FILES = (
    *("params_lstm", "params_peephole_lstm", "params_gru", "params_gru_after", "params_rnn", "arrays_lstm"),
    *("tuple_lstm", "question", "layer_gru", "stepwise_lstm", "two_gates_gru", "step_gru", "cs231n_lstm"),
    *("squares_lstm", "layer_lstm", "remembering_rnn"),
)
BACKWARD = re.compile("backward|gradients|one_step|loss_and_grad")
DELTA = re.compile(r"^d$|^d[A-Za-z]|_e$|^e$|delta|^back$|^dnext|_next$")
CARRIED = re.compile(r"^d(h|c|s)(_?next|_?prev)?$|^dprev_[hc]$|^e$")
SUM_OF_BOTH = re.compile(r"^d\w+(\[.*?\])? \+ ")  # the loss and what is carried: where they meet, not where they go on
AT_A_STEP = re.compile(r"(hs|cs|X|xs|x|self\.h|self\.[hcx]_list)\[([tk]( [+-] 1)?)\]")
ROWS = re.compile(r"\.sum\((axis=)?0\)$")
FACTOR = ("missing_factor", "wrong_derivative", "cut_path")
TERM = ("missing_term", "cut_path", "missing_factor")
VALUE = (*FACTOR, "wrong_operand", "missing_term", "extra_factor")

Put = Callable[[ast.expr], None]
Change = tuple[str, str, tuple[str, ...]]  # rule, new text, kinds that a person would say


@dataclass(frozen=True)
class Slip:
    """`line`: of the statement in the right file; `rule`: what was done; `change`: old text -> new text."""

    line: int
    rule: str
    change: str
    expected: tuple[str, ...]
    target: str


def spoil(text: str, count: int, seed: int) -> tuple[str, list[Slip]]:
    """The file with `count` slips in different lines of its backward passes."""
    rng, tree, lines = np.random.default_rng(seed), ast.parse(text), text.splitlines()
    slips: list[Slip] = []
    statements = [(s, f) for f in _backward(tree) for s in _arithmetic(f)]
    for k in rng.permutation(len(statements)):
        statement, function = statements[k]
        found = list(_slips(statement, *_names(function)))
        if len(slips) == count or not found:
            continue
        rules = sorted({rule for rule, _, _ in found})
        rule = rules[int(rng.integers(len(rules)))]
        changes = [f for f in found if f[0] == rule]
        _, new, expected = changes[int(rng.integers(len(changes)))]
        old = ast.unparse(statement)
        slips.append(Slip(statement.lineno, rule, f"{old}  ->  {new}", expected, _target(statement)))
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        lines[first:last] = [" " * statement.col_offset + new, *[""] * (last - first - 1)]
    return "\n".join(lines) + "\n", slips


def _backward(tree: ast.Module) -> list[ast.FunctionDef]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and BACKWARD.search(n.name)]


def _arithmetic(function: ast.FunctionDef) -> list[ast.Assign | ast.AugAssign]:
    """Not the unpacking of a cache, not the zeros at the start, not what is returned."""
    found = [n for n in ast.walk(function) if isinstance(n, ast.Assign | ast.AugAssign)]
    return sorted((n for n in found if _is_arithmetic(n)), key=lambda n: n.lineno)


def _is_arithmetic(statement: ast.Assign | ast.AugAssign) -> bool:
    value = statement.value
    if isinstance(statement, ast.Assign) and not any(isinstance(n, ast.BinOp) for n in ast.walk(value)):
        return False
    return not re.search("zeros|_list = ", ast.unparse(statement)) and _has_delta(value)


def _has_delta(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Name) and DELTA.search(n.id) for n in ast.walk(node))


def _names(function: ast.FunctionDef) -> tuple[list[str], list[str]]:
    """Values of the forward pass, and deltas, that stand as operands."""
    operands: set[str] = set()
    for n in ast.walk(function):
        parts: list[ast.expr] = []
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult | ast.MatMult | ast.Pow):
            parts = [n.left, n.right]
        if isinstance(n, ast.Call) and ast.unparse(n.func) == "np.outer":
            parts = list(n.args)
        operands |= {p.id for p in parts if isinstance(p, ast.Name)}
    operands = {name for name in operands if not name.isupper()}  # sizes
    return sorted(n for n in operands if not DELTA.search(n)), sorted(n for n in operands if DELTA.search(n))


def _target(statement: ast.Assign | ast.AugAssign) -> str:
    return ast.unparse(statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0])


def _slips(statement: ast.Assign | ast.AugAssign, values: list[str], deltas: list[str]) -> Iterator[Change]:
    for put, node in _places(statement):
        for rule, new, expected in _changes(node, values, deltas):
            put(ast.parse(new, mode="eval").body)
            yield rule, ast.unparse(statement), expected
            put(node)
    yield from _whole(statement)


def _places(statement: ast.Assign | ast.AugAssign) -> Iterator[tuple[Put, ast.expr]]:
    """Every expression of the right-hand side, and what puts another in its place."""

    def putting(owner: ast.AST, name: str, k: int | None) -> Put:
        def put(new: ast.expr) -> None:
            if k is None:
                setattr(owner, name, new)
            else:
                getattr(owner, name)[k] = new

        return put

    def below(node: ast.AST, put: Put) -> Iterator[tuple[Put, ast.expr]]:
        if isinstance(node, ast.expr):
            yield put, node
        for name, value in ast.iter_fields(node):
            for k, child in enumerate(value) if isinstance(value, list) else ((None, value),):
                if isinstance(child, ast.expr):
                    yield from below(child, putting(node, name, k))

    yield from below(statement.value, putting(statement, "value", None))


def _changes(node: ast.expr, values: list[str], deltas: list[str]) -> Iterator[Change]:
    text = ast.unparse(node)
    if isinstance(node, ast.BinOp):
        yield from _slopes(text)
        yield from _of_operator(node, ast.unparse(node.left), ast.unparse(node.right))
    if isinstance(node, ast.Name) and node.id in deltas:
        yield from (("another delta", d, ("wrong_delta", "swapped_gates")) for d in deltas if d != node.id)
    if isinstance(node, ast.Name) and node.id in values:
        yield from (("another value", v, VALUE) for v in values if v != node.id)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "no transpose", ast.unparse(node.value), ("transposed",)
    if isinstance(node, ast.Call) and ROWS.search(text):
        base = ROWS.sub("", text)
        yield "mean for sum", f"{base}.mean(0)", ("averaged",)
        yield "first row for sum", f"{base}[0]", ("not_summed",)
        yield "last row for sum", f"{base}[-1]", ("not_summed",)
    step = AT_A_STEP.fullmatch(text)
    if step:
        t = step[2][0]
        for index in (t, f"{t} + 1", f"{t} - 1"):
            if index != step[2]:
                yield "another step", f"{step[1]}[{index}]", VALUE


def _slopes(text: str) -> Iterator[Change]:
    kinds = ("wrong_derivative",)
    sigmoid = re.fullmatch(r"(?:(.*) \* )?(\w+) \* \(1 - (\2)\)", text)
    if sigmoid:
        rest, v = f"{sigmoid[1]} * " if sigmoid[1] else "", sigmoid[2]
        again = f"1 / (1 + np.exp(-{v}))"
        yield "slope of tanh for sigmoid", f"{rest}(1 - {v} ** 2)", kinds
        yield "slope at the slope", f"{rest}({again}) * (1 - {again})", kinds
        yield "no slope", f"{rest.removesuffix(' * ') or '1'}", (*kinds, "missing_factor")
    tanh = re.fullmatch(r"1 - (\w+) (?:\*\* 2|\* \1)", text)
    if tanh:
        v = tanh[1]
        yield "slope of sigmoid for tanh", f"{v} * (1 - {v})", kinds
        yield "slope at the slope", f"1 - np.tanh({v}) ** 2", kinds
        yield "no square", f"1 - {v}", kinds
        yield "plus in a slope", f"1 + {v} ** 2", (*kinds, "wrong_sign")


def _of_operator(node: ast.BinOp, left: str, right: str) -> Iterator[Change]:
    if isinstance(node.op, ast.Mult):
        if not _has_delta(node.right):
            yield "a factor dropped", left, FACTOR
        if not _has_delta(node.left):
            yield "a factor dropped", right, FACTOR
    if isinstance(node.op, ast.Sub) and left == "1" and right.isidentifier():
        yield "the gate for 1 - gate", right, VALUE
    if isinstance(node.op, ast.Add):
        yield "a term dropped", left, TERM
        yield "a term dropped", right, TERM
        yield (
            "minus for plus",
            f"{left} - {right}" if isinstance(node.right, ast.Name) else f"{left} - ({right})",
            ("wrong_sign",),
        )
    if isinstance(node.op, ast.Sub) and left != "1":
        yield "the other way round", f"{right} - {left}", ("wrong_sign",)
        yield "a term dropped", left, TERM


def _whole(statement: ast.Assign | ast.AugAssign) -> Iterator[Change]:
    """Slips of a whole statement."""
    value, target = ast.unparse(statement.value), _target(statement)
    if "," in target:
        return
    if isinstance(statement, ast.Assign):
        if not value.startswith(f"{target} + "):
            yield "the other sign", f"{target} = -({value})", ("wrong_sign",)
        if CARRIED.search(target) and not SUM_OF_BOTH.search(value):
            yield "not handed on", f"{target} = 0 * ({value})", ("cut_path", "zero")
        return
    yield "the other sign", f"{target} -= {value}", ("wrong_sign",)
    yield "= for +=", f"{target} = {value}", ("not_summed",)
    yield "not added", f"{target} += 0 * ({value})", ("zero",)
    yield "twice", f"{target} += 2 * ({value})", ("extra_factor",)
    yield "a rate", f"{target} += 0.01 * ({value})", ("extra_factor",)
    yield "first step left out", f"{target} += (t > 0) * ({value})", ("missing_term", "not_summed")
    yield "first step alone", f"{target} += (t == 0) * ({value})", ("not_summed",)


def by_number(seed: int) -> tuple[str, list[Slip]]:
    """One of the files, with one to three slips."""
    name = FILES[seed % len(FILES)]
    return spoil((HERE / "right" / f"{name}.py").read_text(encoding="utf-8"), 1 + seed // len(FILES) % 3, seed)
