"""The derived backward pass of a cell as roads between nodes.

A node is *measured* if a matrix shows its adjoint (in a cell without matrices: a vector of weights), *kept* if it is
measured, carries a state, or is used more than once; the adjoints of all others are folded into the roads that lead
through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gated.audit.diagnosis.roads import Group, Road, split_slope
from gated.calculus.steps import AUXILIARY, Quantity, Use, steps
from gated.language.cell import Cell
from gated.language.graph import Matrix, Node, is_leaf, leaf, rewrite, with_args

DY = "dy"
UNITS = "units"


class BackwardGraph:
    """Nodes (by the names of their quantities) and the roads into each.

    Args:
        cell: the cell.
        swapped: two members ("i", "f") whose matrices stand in each other's place in somebody's backward pass.

    Attributes:
        back: names of all nodes, in the order of the backward pass.
        kept, measured: see above.
        local: node -> roads of the same step.
        carried: node -> roads from the step after.
        shown: matrix -> its roads; one road: it shows the adjoint of that road's source.
        shown_by_vectors: the same for vectors of weights, in a cell that has no matrices.
        gradients: gradient ("W.i", "x", "h0") -> its roads.
        ends: state -> the node that is its new value.
    """

    def __init__(self, cell: Cell, swapped: tuple[str, str] | None = None) -> None:
        self.cell, self.graph = cell, cell.graph
        self.steps = steps(cell.graph)
        self.quantities = {q.name: q for q in self.steps.quantities if not q.fixed}
        self._free = frozenset(cell.graph.free_dims)
        self.back = self._order()
        self.symbols = {q.node: q.symbol for q in self.steps.quantities}
        self.input = self.graph.input_leaf(self.graph.inputs[0])
        self.states = {name: self.graph.state_leaf(name) for name in self.graph.states}
        self.vectors = {name: leaf("vector", name, s[0]) for name, s in self.graph.parameters.items() if len(s) == 1}
        self._exchanged = self._exchange(swapped) if swapped else {}
        names = {q.node: q.name for q in self.steps.quantities}
        self.ends = {s: names.get(node) for s, node in zip(self.graph.states, self.graph.outputs, strict=True)}
        self.first_end = self.ends[self.graph.states[0]]
        self.shown = self._shown()
        self.shown_by_vectors = {} if self.steps.products else self._linear_in_vectors()
        self.measured = {road.source for roads in self._all_shown().values() for road in roads}
        self.member = {name: self._member(name) for name in sorted(self.measured)}
        self.kept = self._kept()
        self._roads()

    # sizes: a sample gives all free dimensions one length, so that any value may be mistaken for any other

    def size(self, dim: str) -> str:
        return UNITS if dim in self._free else dim

    def size_of(self, source: str) -> str:
        dim = self.graph.dims[self.graph.states[0]] if source == DY else self.quantities[source].node.dim
        return self.size(dim)

    def _order(self) -> list[str]:
        """Backwards, each after those that it comes from; auxiliary values as late as may be: any other adjoint of the
        step may stand in one of theirs."""
        comes_from = {
            q.name: {use.user.name for use in self.steps.uses.get(q.symbol, []) if not use.user.fixed}
            for q in self.quantities.values()
        }
        left, order = [q for q in reversed(self.steps.quantities) if not q.fixed], list[str]()
        while left:
            ready = [q for q in left if comes_from[q.name] <= set(order)]
            chosen = next((q for q in ready if q.kind != AUXILIARY), ready[0])
            left.remove(chosen)
            order.append(chosen.name)
        return order

    def same_shape(self, one: Matrix, other: Matrix) -> bool:
        return (self.size(one.rows), self.size(one.cols)) == (self.size(other.rows), self.size(other.cols))

    def placed(self, matrix: Matrix) -> Matrix:
        """What stands where this matrix belongs, if two members are exchanged."""
        return self._exchanged.get(matrix, matrix)

    def _exchange(self, swapped: tuple[str, str]) -> dict[Matrix, Matrix]:
        products = list(self.steps.products)
        return {
            turned(one): turned(other)
            for one in products
            for other in products
            if one.family == other.family
            and {one.member, other.member} == set(swapped)
            and (one.rows, one.cols) == (other.rows, other.cols)
            for turned in (lambda m: m, lambda m: m.T)
        }

    # roads

    def _shown(self) -> dict[str, list[Road]]:
        found: dict[str, list[Road]] = {}
        names = {q.adjoint: q.name for q in self.steps.quantities}
        for matrix, pairs in self.steps.products.items():
            for adjoint, operand in pairs:
                sign, (seed,) = split_slope(adjoint)
                road = Road(names[seed], (), sign, operand=operand)
                found.setdefault(matrix.name, []).append(road)
        return found

    def _linear_in_vectors(self) -> dict[str, list[Road]]:
        """Vectors of weights that stand in one argument, times a factor or alone: w.i * x + b.i."""
        found: dict[str, list[Road]] = {}
        for name, vector in self.vectors.items():
            uses = [use for use in self.steps.uses.get(vector, []) if not use.user.fixed]
            if len(uses) == 1 and not uses[0].matrices:
                coefficient, factors = split_slope(self._in_values(uses[0].slope))
                found[name] = [Road(uses[0].user.name, factors, coefficient)]
        return found

    @property
    def shown_by_input(self) -> tuple[Road, Matrix] | None:
        """The only road into x and its matrix, if it is no more than that: x shows the adjoint of its source."""
        road, *others = self.gradients["x"] or [Road(DY)]
        match road.operations:
            case (Matrix() as matrix,) if not others:
                return road, matrix
        return None

    def _all_shown(self) -> dict[str, list[Road]]:
        return self.shown | self.shown_by_vectors

    def _member(self, node: str) -> str:
        """The member name that most parameters of a node bear: "i" for a_i."""
        shown = self._all_shown()
        members = [name.split(".")[1] for name, roads in shown.items() if any(r.source == node for r in roads)]
        return max(members, key=members.count)

    def _kept(self) -> list[str]:
        users = dict.fromkeys(self.quantities, 0)
        for symbol, uses in self.steps.uses.items():
            for use in uses:
                if use.user.name in users and not is_leaf(symbol, "vector"):
                    users[use.user.name] += 1
        ends = set(self.ends.values())
        return [n for n in self.back if n in self.measured or users[n] > 1 or n in ends]

    def _roads(self) -> None:
        self.local: dict[str, list[Road]] = {}
        self.carried: dict[str, list[Road]] = {name: [] for name in self.kept}
        for name in self.back:
            self.local[name] = self._into(self.quantities[name].symbol)
            if name == self.first_end:
                self.local[name].insert(0, Road(DY))
        entering = {state: self._into(node) for state, node in self.states.items()}
        for state, end in self.ends.items():
            if end is not None and end in self.carried:
                self.carried[end] += [replace(road, later=1) for road in entering[state]]
        self.gradients = dict(self.shown)
        self.gradients |= {name: self._into(vector) for name, vector in self.vectors.items()}
        self.gradients["x"] = self._into(self.input)
        self.starts = {start(state): state for state in self.graph.states}
        self.gradients |= {start(s): [replace(r, later=1) for r in roads] for s, roads in entering.items()}

    def _into(self, symbol: Node) -> list[Road]:
        """All roads into a quantity, previous state, input or vector parameter, from the nearest kept nodes."""
        return [road for use in self.steps.uses.get(symbol, []) if not use.user.fixed for road in self._through(use)]

    def _through(self, use: Use) -> Sequence[Road]:
        user: Quantity = use.user
        slope = self._in_values(use.slope)
        coefficient, factors = split_slope(slope)
        ways = []
        if coefficient:
            ways.append(Road(user.name, factors, coefficient, groups=(Group(0, len(factors), slope),)))
        ways += [Road(user.name, (self.placed(matrix).T,), float(sign)) for matrix, sign in use.matrices]
        if user.name in self.kept:
            return ways
        return [way.after(first) for way in ways for first in self.local[user.name]]

    def spelled_out(self, roads: list[Road]) -> list[Road]:
        """The same sum, with those of a hidden node in the place of each road from it: people write them where they
        need them, and may get one of them wrong in one place alone."""
        hidden = {*self.kept} - self.measured - {*self.ends.values()}
        return [
            replace(long, later=road.later)
            for road in roads
            for long in ([road.after(first) for first in self.local[road.source]] if road.source in hidden else [road])
        ]

    def _in_values(self, slope: Node) -> Node:
        """y (1 - y) instead of σ(a) (1 - σ(a))."""
        saved = {q.definition: q.symbol for q in self.quantities.values()}
        return rewrite([slope], lambda node, args: saved.get(node) or with_args(node, args))[slope]


def start(state: str) -> str:
    """The name of the gradient of an initial state: "h0"."""
    return f"{state}0"
