"""What a fault is about, as numbers: values that their code has where it is wrong, and values that it would need.

Row k of a series is the value the k-th time that a statement of their loop is run, which goes from the last step to
the first: step T - 1 - k; what is carried to the step before is worth its value there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from gated.audit.diagnosis.model import Model
from gated.audit.diagnosis.roads import ALL, Operation, Road
from gated.audit.diagnosis.samples import Array
from gated.audit.mending.targets import NODES, Atom, Left, Targets
from gated.calculus.steps import AUXILIARY
from gated.language.graph import Matrix, Node, is_constant, is_elementwise, topological


class Sought:
    """Args:
    targets: of the gradients. left: what is left of them now. focus: the cause that is looked for, None for all.

    Attributes:
        quantities: series by name.
        wrong: names of those that a wrong term of theirs is worth; sums: those that a sum with it is.
        needed: names of those that stand in the right term.
        missing: right roads that are not in theirs.
        whole: sum that is wrong, by its name -> the right roads of the same step, and the name of what arrives from the
            step after, if that is a part of it.
        too_early: whether an adjoint is used before the terms of its own step are added.
    """

    def __init__(self, targets: Targets, left: Left, focus: int | None) -> None:
        self.targets, self.samples, self.graph = targets, targets.samples, targets.case.graph
        self.model: Model = targets.mended(left) if targets.explained else targets.right
        self.model.backward(self.samples)
        self.quantities: dict[str, Array] = {}
        self.wrong: set[str] = set()
        self.sums: set[str] = set()
        self.needed: set[str] = set()
        self.missing: list[Road] = []
        self.whole: dict[str, tuple[list[Road], str]] = {}
        self.too_early = any(m.sentence == "too_early" for cause in targets.causes for m in cause.mistakes)
        self._values: dict[Node, str] = {}
        self._products: dict[tuple[str, tuple[Operation, ...]], str] = {}
        self._adjoints()
        self._parameters()
        for which, name in sorted(left):
            if targets.explained and focus in (None, which):
                for at in [name] if name not in NODES else self._nodes((which, name)):
                    self._focus(which, at)
        self.definitions = {q.symbol: q.definition for q in self.graph.steps.quantities}
        for road in self.missing:
            for part in [road, *self.expanded(road)]:
                self._need(part)

    def _nodes(self, atom: Atom) -> Iterator[str]:
        for name, roads in self.model.earlier.items():
            if any(r.mistakes and self.targets.owner(name, r) == atom[0] for r in roads):
                yield name

    def _put(self, name: str, series: Array) -> str:
        self.quantities[name] = series.reshape(len(series), -1)
        return name

    # what there is anyway

    def _adjoints(self) -> None:
        T = self.samples.T
        for name in self.samples.adjoints[0]:
            self._put(f"adjoint {name}", np.stack([self.samples.adjoints[T - 1 - k][name][0] for k in range(T)]))
        for value in self.targets.case.alphabet.values:
            self.value(value)

    def _parameters(self) -> None:
        for name, value in self.samples.parameters.items():
            for turned, suffix in ((value[0], ""), (value[0].T, ".T")):
                if suffix == "" or value[0].ndim == 2:
                    self._put(f"matrix {name}{suffix}", np.stack([turned] * self.samples.T))

    def value(self, node: Node) -> str:
        """The name of the series of a value."""
        if node not in self._values:
            T = self.samples.T
            self._values[node] = f"value {len(self._values)}"
            rows = [np.atleast_1d(np.asarray(self.samples.value(node, T - 1 - k), float)) for k in range(T)]
            self._put(self._values[node], np.stack([row[0] for row in rows]))
        return self._values[node]

    # what is wrong at one name

    def _focus(self, cause: int, name: str) -> None:
        theirs, right = self._roads(self.model, name), self._roads(self.targets.right, name)
        kept = [road for road in theirs if not road.mistakes]
        self.missing += [road for road in right if road not in kept and road not in self.missing]
        for road in theirs:
            if road.mistakes and self.targets.owner(name, road) == cause and road.coefficient:
                for suffix, sign in (("", 1.0), (" negative", -1.0)):
                    self._put_both(f"road {name} {len(self.quantities)}{suffix}", sign * self._series([road], name))
        for later, part in enumerate(("local", "carried")):
            there, wanted = ([r for r in roads if r.later == later] for roads in (theirs, right))
            if wanted and there != wanted:
                for said in self._put_both(f"sum {name} {part}", self._series(there, name), self.sums):
                    self.whole[said] = wanted, ""
        if f"adjoint {name}" in self.quantities and name in self.model.earlier:
            self.sums.add(f"adjoint {name}")
            arriving = self._put(f"arriving {name}", self._arriving(name))
            self.whole[f"adjoint {name}"] = [r for r in right if not r.later], arriving
            self.needed.add(arriving)

    def _arriving(self, name: str) -> Array:
        """What comes into a node from the step after, at the node's own step."""
        T, shape = self.samples.T, self._shape(name)
        roads = [r for r in self.model.earlier[name] if r.later]
        rows = [[np.broadcast_to(self.samples.road(r, T - 1 - k), shape)[0] for r in roads] for k in range(T)]
        return np.stack([sum(row, np.zeros(shape[1:])) for row in rows])

    def _put_both(self, name: str, series: Array, where: set[str] | None = None) -> list[str]:
        """A series, and with matrices turned."""
        names = [self._put(name, series)]
        if series.ndim == 3:
            names.append(self._put(f"{name}.T", series.swapaxes(1, 2)))
        (self.wrong if where is None else where).update(names)
        return names

    def _roads(self, model: Model, name: str) -> list[Road]:
        return model.gradients[name] if name in model.gradients else model.earlier[name]

    def _series(self, roads: Iterable[Road], name: str) -> Array:
        T, shape = self.samples.T, self._shape(name)
        total = np.zeros((T, *shape[1:]))
        for road in roads:
            plain = replace(road, mask=ALL)
            for k in range(T):
                total[k] += np.broadcast_to(self.samples.road(plain, T - 1 - k - road.later), shape)[0]
        return total

    def _shape(self, name: str) -> tuple[int, ...]:
        if name not in self.samples.theirs:
            return (1, self.samples.units)
        shape = self.samples.theirs[name].shape
        return shape[1:] if name == "x" else shape

    # what is needed

    def _need(self, road: Road) -> None:
        self.needed.add(f"adjoint {road.source}")
        for count in range(1, len(road.operations) + 1):
            part = replace(road, operations=road.operations[:count], coefficient=1.0, operand=None, mask=ALL, later=0)
            self.needed.add(self._prefix(part))
        for operation in (*road.operations, *([road.operand] if road.operand is not None else [])):
            self.needed |= set(self._operation(operation))

    def expanded(self, road: Road) -> list[Road]:
        """The same from one adjoint further back, where it starts at that of an auxiliary value, which they may not
        have: roads that are this one together."""
        source = self.graph.quantities.get(road.source)
        if source is None or source.kind != AUXILIARY or self.graph.carried.get(road.source):
            return []
        ways = self.graph.local[road.source]
        return [replace(road.after(way), later=road.later, groups=()) for way in ways]

    def product(self, road: Road) -> str:
        """The name of the series of the product of a road's adjoint and operations."""
        return self._products.setdefault((road.source, road.operations), f"product {len(self._products)}")

    def _prefix(self, road: Road) -> str:
        """The name of the series of the first factors of a road."""
        name = self.product(road)
        if name not in self.quantities:
            T = self.samples.T
            shape = (1, *np.shape(self.samples.road(road, T - 1))[1:])
            rows = [np.broadcast_to(self.samples.road(road, T - 1 - k), shape)[0] for k in range(T)]
            self._put(name, np.stack(rows))
        return name

    def _operation(self, operation: Operation) -> Iterator[str]:
        if isinstance(operation, Matrix):
            yield from (f"matrix {operation.name}", f"matrix {operation.name}.T")
        elif isinstance(operation, Node):
            yield from map(self.value, self._inside(operation))

    def _inside(self, node: Node) -> Iterator[Node]:
        """The values that a value is made of, those of which it is made by name included."""
        for part in topological([node]):
            if not is_constant(part):
                yield part
            if part in self.definitions and is_elementwise(self.definitions[part]):
                yield from self._inside(self.definitions[part])
