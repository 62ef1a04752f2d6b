"""The book of operations is complete: what a row lacks is named, for every operation there is."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path
from string import Formatter

import llvmlite.ir as ir
import numpy as np
import pytest

import gated
from gated.backends.native.codegen import elementary
from gated.backends.native.codegen.reductions import REDUCERS
from gated.backends.native.codegen.vector_math import EMITTERS, PRECISIONS, VectorMath
from gated.calculus import reverse_mode
from gated.calculus.forward_mode import forward_mode
from gated.language import graph as g
from gated.language.functions import FUNCTIONS
from gated.language.matrices import Transposition, matrix_leaf, transposed
from gated.language.operations import BOOK, Elementwise, Operation, enter
from gated.language.over_units import Reduction, is_size
from gated.language.printing import LATEX, NUMPY, TEXT, Printer
from gated.nn.maps import planned

SOURCE = Path(gated.__file__).parent


def arguments(row: Operation) -> list[g.Node]:
    """Two vectors for a reduction, the number that it needs before them."""
    if isinstance(row, Transposition):
        return [matrix_leaf("W.i", "n", "m")]
    if isinstance(row, Reduction):
        number = [g.leaf("state", "eps", g.ONE_DIM)] * row.numbers
        return [*number, g.leaf("state", "a", "n"), g.leaf("state", "b", "n" if row.pairs else "m")]
    count = row.arity if isinstance(row, Elementwise) else 1
    return [g.leaf("state", name, "n") for name in "abc"[:count]]


SIZES = {g.ONE_DIM: 1, "n": 3, "m": 5}


def example(row: Operation) -> g.Node:
    if isinstance(row, (Elementwise, Reduction)):
        return g.make(row.kind, row.name, row.dim(row.name, arguments(row)), arguments(row))
    return {
        "leaf": g.leaf("state", "a", "n"),
        "constant": g.constant(2.0),
        "product": g.product([g.Matrix("W", "i", "n", "n")], [g.leaf("state", "a", "n")]),
        "transpose": transposed(arguments(row)[0]),
    }[row.name]


def test_an_operation_is_the_row_of_its_nodes() -> None:
    assert all(example(row).operation is row and row.name == name for name, row in BOOK.items())


def lacking(row: Operation) -> list[str]:
    """What a row has not."""
    found = []
    if isinstance(row, (Elementwise, Reduction)):
        count = len(arguments(row))
        given = [np.full((2, SIZES[node.dim]), 0.5) for node in arguments(row)]
        if np.shape(row.numpy(*given)) != ((2, 3) if isinstance(row, Elementwise) else (2, 1)):
            found.append("value")
        for name in ("text", "latex", "source"):
            holes = {hole for _, hole, _, _ in Formatter().parse(getattr(row, name)) if hole is not None}
            if holes != {str(k) for k in range(count - 1 if isinstance(row, Reduction) else count)}:
                found.append(name)
    if isinstance(row, Elementwise) and row.name not in EMITTERS:
        found.append("emitter")
    if isinstance(row, Reduction) and row.name not in REDUCERS:
        found.append("emitter")
    legend = row.legend
    if not legend.english.strip() or re.search("[\u4e00-\u9fff]", legend.english):
        found.append("English legend")
    if not re.search("[\u4e00-\u9fff]", legend.chinese):
        found.append("Chinese legend")
    if set(re.findall(r"{(\w)}", legend.english)) != set(re.findall(r"{(\w)}", legend.chinese)):
        found.append("the same formulas in both legends")
    if not all(legend.formula) or (legend.needed and not all(legend.slope)):
        found.append("the formulas of its legend")
    return found


def test_every_row_has_everything() -> None:
    gaps = {row.name: gap for row in BOOK.values() if (gap := lacking(row))}
    assert not gaps, f"the book lacks {gaps}"


def values(nodes: list[g.Node], known: dict[g.Node, np.ndarray], matrix: np.ndarray) -> list[np.ndarray]:
    """Nodes on numbers, by the rows alone."""
    for node in g.topological(nodes):
        args = [known[arg] for arg in node.args]
        if node in known:
            continue
        if g.is_constant(node):
            known[node] = np.full((1, 1), node.attr)
        elif is_size(node):
            known[node] = np.full((1, SIZES[node.dim]), 1.0 if node.dim != g.ONE_DIM else SIZES[node.attr[1]])
        elif g.is_product(node):
            pairs = zip(node.attr, args, strict=True)
            known[node] = sum(v @ (matrix if m.transposed else matrix.T) for m, v in pairs)
        elif isinstance(node.operation, Transposition):
            known[node] = args[0].T
        else:
            row = node.operation
            assert isinstance(row, (Elementwise, Reduction))
            known[node] = row.numpy(*args)
    return [known[node] for node in nodes]


@pytest.mark.parametrize("name", [name for name, row in BOOK.items() if not g.is_atom(example(row))])
def test_derivative_and_tangent_agree_with_the_value(name: str) -> None:
    node, rng, step = example(BOOK[name]), np.random.default_rng(0), 1e-20
    leaves = arguments(BOOK[name])
    at = {leaf: rng.uniform(0.3, 2.0, (4, SIZES.get(leaf.dim, 3))) for leaf in leaves}  # a matrix is (4, 3)
    moves = {leaf: rng.standard_normal(at[leaf].shape) for leaf in leaves}
    matrix = rng.standard_normal((3, 3))
    moved = {leaf: at[leaf] + 1j * step * moves[leaf] for leaf in leaves}
    expected = values([node], dict(moved), matrix)[0].imag / step
    tangents = {leaf: g.leaf("seed", f"move of {leaf.attr[1]}", leaf.dim) for leaf in leaves}
    (tangent,) = forward_mode([node], tangents)
    numbers = {**at, **{tangents[leaf]: moves[leaf] for leaf in leaves}}
    (got,) = values([tangent], dict(numbers), matrix)
    np.testing.assert_allclose(np.broadcast_to(got, expected.shape), expected, rtol=1e-12, atol=1e-13)
    seed = g.leaf("seed", "adjoint", node.dim)
    adjoints = reverse_mode([node], [seed])
    weights = rng.standard_normal(expected.shape)
    found = values([adjoints.get(leaf) for leaf in leaves], {**at, seed: weights}, matrix)
    total = sum(float(np.sum(a * moves[leaf])) for a, leaf in zip(found, leaves, strict=True))  # a may be one number
    assert total == pytest.approx(float(np.sum(weights * expected)), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("name", BOOK)
@pytest.mark.parametrize("style", [TEXT, LATEX, NUMPY], ids=lambda style: style.name)
def test_it_prints_in_every_style(name: str, style: object) -> None:
    written = Printer(style, {}).expression(example(BOOK[name]))  # type: ignore[arg-type]
    assert written and "{0}" not in written and "{1}" not in written


@pytest.mark.parametrize("name", [name for name, row in FUNCTIONS.items() if not row.inner])
def test_a_cell_with_it_goes_to_json_and_back(name: str) -> None:
    row = FUNCTIONS[name]
    operator = {"add": "a + b", "sub": "a - b", "mul": "a * b", "div": "a / b", "neg": "-a", "power": "a ** 2"}.get(
        name
    )
    signs = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}
    chosen = f"gated.where(a {signs.get(name, '>')} b, a, b)" if row.decides or row.branches else None
    text = operator or chosen or f"gated.{name}({', '.join(['a', '0.5', '1.5'][: row.arity])})"
    scope: dict[str, object] = {"gated": gated}
    function = eval(f"lambda x, a, b, *, W: ({text} + W.i @ x, b)", scope)
    made = gated.cell(function)
    again = gated.Cell.from_json(made.to_json())
    assert again.graph.outputs == made.graph.outputs
    assert any(node.operation is row for node in again.graph.order)


@pytest.mark.parametrize("name", gated.nn.maps.REDUCED)
def test_a_reduction_is_planned_as_losses_are(name: str) -> None:
    def loss(y, target):  # type: ignore[no-untyped-def]
        return getattr(gated.nn.maps, name)(y) - getattr(gated.nn.maps, name)(target)

    assert any(node.operation is BOOK[name] for node in planned(loss).graph.order)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_it_has_machine_code(name: str, precision: str) -> None:
    module = ir.Module("test")
    math = VectorMath(module, PRECISIONS[precision], 4)
    kind = ir.FunctionType(math.vector, [math.vector] * FUNCTIONS[name].arity)
    function = ir.Function(module, kind, "f")
    b = ir.IRBuilder(function.append_basic_block())
    b.ret(math.emitter(name)(b, *function.args))
    assert "ret <4 x" in str(module)


def test_a_missing_emitter_is_named_when_the_emitters_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    row = FUNCTIONS["tanh"]
    monkeypatch.setitem(FUNCTIONS, "lanczos", row)
    code = Path(elementary.__file__).read_text(encoding="utf-8")
    for name, emitter in EMITTERS.items():  # the code registers its own, which are nobody's afterwards
        monkeypatch.setitem(EMITTERS, name, emitter)
    with pytest.raises(NotImplementedError, match="no machine code for lanczos; see elementary"):
        exec(compile(code, "elementary.py", "exec"), {"__name__": "elementary"})


def test_no_name_twice() -> None:
    with pytest.raises(ValueError, match="two rows 'tanh'"):
        enter(FUNCTIONS["tanh"])


# who may know one operation from another: the book, the emitters, the printers
BOOKKEEPERS = {
    "language/operations.py",
    "language/arithmetic.py",
    "language/functions.py",
    "language/over_units.py",
    "language/decisions.py",
    "language/reductions.py",
    "language/matrices.py",
    "language/reducing.py",
    "language/printing.py",
    "backends/native/codegen/elementary.py",
    "backends/native/codegen/decisions.py",
}


def _asked(tree: ast.AST) -> list[str]:
    """Names of operations that a module compares with, or calls an operation by."""
    names = set(BOOK) - {"leaf", "constant", "product"}
    found = []
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            parts = node.args if called in ("call", "reduce", "apply", "make", "Symbol") else []
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            parts = [node.slice] if node.value.id in ("BOOK", "FUNCTIONS", "REDUCTIONS") else []
        whole = itertools.chain.from_iterable(
            p.elts if isinstance(p, (ast.Tuple, ast.List, ast.Set)) else [p] for p in parts
        )
        found += [p.value for p in whole if isinstance(p, ast.Constant) and p.value in names]
    return found


def test_nobody_else_asks_for_one_operation() -> None:
    asked = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith("data/"):  # knows no graph; a task there has a shape called "cos"
            continue
        if name not in BOOKKEEPERS and (found := _asked(ast.parse(path.read_text(encoding="utf-8")))):
            asked[name] = found
    assert not asked, f"only the book, the emitters and the printers may: {asked}"


def test_nobody_else_walks_or_rewrites_a_graph_by_hand() -> None:
    """Loops over `topological` that build a map of nodes, and stacks of nodes, are what `rewrite` and it are for."""
    pattern = re.compile(r"stack(\.pop\(|: list\[Node\])|stack \+= .*\.args")
    found = [
        path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if pattern.search(path.read_text("utf-8"))
    ]
    assert found == ["language/graph.py"]
