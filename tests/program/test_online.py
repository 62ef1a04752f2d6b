"""The program of an online step, without a backend: its blocks, and what they compute when NumPy carries them out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.zoo import FEW_ONLINE

from gated.cells import ZOO
from gated.language import graph as g
from gated.language.graph import Node
from gated.learning import SGD, Online
from gated.learning.realtime.chain import links_of
from gated.losses import SigmoidSquaredError, SoftmaxCrossEntropy, SquaredError
from gated.nn import Dense, Network, Recurrent
from gated.nn.losses import Loss
from gated.nn.maps import logsumexp, total
from gated.program.lowering import Block, Place, Program
from gated.program.online import BY_RATE, CALLS, CHANGES, CHECK, RATE, WEIGHT, OnlinePrograms, online_programs
from gated.program.rows import CURRENT, ROW, SEQUENCE, WEIGHTS
from gated.schedule.online_step import plan_step
from gated.schedule.traces import plan_traces

Array = np.ndarray[Any, Any]
D, H, V, N = 3, 4, 2, 2
MOST = 14  # rows side by side


class Pooled(Loss):
    """Numbers that come from all units, squared and multiplied: reductions inside the derivative."""

    expression = staticmethod(lambda y, target: total(y - target) * total(y - target) + 0.1 * logsumexp(y) * total(y))


def network(name: str, head: bool = True, levels: int = 1) -> Network:
    layers: dict[str, Any] = {"rnn": Recurrent(ZOO[name], D, H, levels, dtype="float64", seed=1)}
    if head:
        layers["head"] = Dense(H, V, dtype="float64", seed=2)
    made = Network(layers)
    made.theta[:] = 0.5 * np.random.default_rng(3).standard_normal(made.theta.size)
    return made


def lowered(net: Network, loss: Loss) -> OnlinePrograms:
    graphs = [link.graph for link in links_of(net)]
    parts = [plan_traces(graph) if graph.states else graph for graph in graphs]
    return online_programs(plan_step(parts, loss._schedule.graph), MOST)


class Interpreter:
    """Carries a program out with NumPy: one array for each place, nothing hoisted, nothing in vectors."""

    def __init__(self, programs: OnlinePrograms, net: Network, steps: int) -> None:
        self.programs, self.steps = programs, steps
        cell, *heads = links_of(net)
        self.sizes = {**cell.sizes, g.ONE_DIM: 1, programs.plan.target.dim: V if heads else H}
        spans = {f"rnn {name}": span for name, span in cell.spans.items()}
        spans |= {f"head {name}": span for head in heads for name, span in head.spans.items()}
        self.spans = spans
        self.arrays: dict[Place, Array] = {}
        for place in programs.programs["learn"].places:
            rows = {ROW: steps * N, SEQUENCE: N}.get(place.rows, 1)
            columns = 1 if place.over is None else self.sizes[place.over]
            self.arrays[place] = np.full((rows, columns, self.sizes[place.dim]), np.nan)
        for name, place in programs.weights.items():
            start, stop = spans[name]
            columns = 1 if place.over is None else self.sizes[place.over]
            self.arrays[place][0] = net.theta[start:stop].reshape(-1, columns).T
        for place in [*programs.gradients.values(), *programs.traces.values(), *programs.states]:
            self.arrays[place][...] = 0

    def theta(self, net: Network) -> Array:
        found = net.theta.copy()
        for name, place in self.programs.weights.items():
            start, stop = self.spans[name]
            found[start:stop] = self.arrays[place][0].T.ravel()
        return found

    def rows(self, place: Place, s: int) -> Array:
        """(columns, units) of a place at a step."""
        return self.arrays[place][{ROW: s, SEQUENCE: s % N}.get(place.rows, 0)]

    def run(self, program: Program) -> int:
        for s in range(self.steps * N):
            for block in program.blocks:
                if block.condition is not None:
                    (number,) = self.rows(block.condition.place, s)[0]
                    if (number != 0) != block.condition.given:
                        continue
                self.block(program, block, s)
                if block.check is not None and not np.isfinite(self.rows(block.check, s)).all():
                    return s + 1
        return 0

    def block(self, program: Program, block: Block, s: int) -> None:
        columns = 1 if block.over is None else self.sizes[block.over]
        folds = dict.fromkeys(block.folds, 0.0)
        for c in range(columns):
            values: dict[Node, Any] = {}
            for node in block.accumulators:
                values[node] = 0.0
            for term in block.terms:
                for matrix, i in term.pairs:
                    weights = self.rows(program.columns[matrix.name], s)
                    values[block.accumulators[i]] = (
                        values[block.accumulators[i]] + self.rows(term.operand, s)[0] @ weights
                    )
            self.column(block, s, c, values)
            for node in folds:
                folds[node] = folds[node] + values[node]
        for node, place in block.folds.items():
            self.rows(place, s)[0] = folds[node]

    def column(self, block: Block, s: int, c: int, values: dict[Node, Any]) -> None:
        def row(place: Place) -> Array:
            return self.rows(place, s)[c if place.over is not None else 0]

        for node, places in block.reductions.items():
            factor = row(block.factors[node]) if node in block.factors else 1.0
            values[node] = node.operation.numpy(*(factor * row(place) for place in places))  # type: ignore[attr-defined]
        values |= {node: sum(map(row, places)) for node, places in block.loads.items()}
        values |= {node: row(place)[c] for node, place in block.entries.items()}

        def value(node: Node) -> Any:
            return node.attr if g.is_constant(node) else values[node]

        for node, terms in block.sums.items():
            values[node] = sum(value(a) * (1.0 if v is None else values[v]) for a, v in terms)
        for node in block.operations:
            values[node] = node.operation.numpy(*map(value, node.args))  # type: ignore[attr-defined]
        for node, place in block.stores:
            if block.dim == g.ONE_DIM and place.dim != g.ONE_DIM:
                (row(place)[c],) = np.ravel(value(node))
            else:
                row(place)[...] = value(node)


def carried_out(net: Network, loss: Loss, x: Array, target: Array, weights: Array) -> tuple[Interpreter, int]:
    """All steps by the interpreter; the weights change at the last sequence of each step that has one."""
    run = Interpreter(lowered(net, loss), net, len(x))
    for name, array in (("x", x), ("target", target)):
        run.arrays[run.programs.outside[name]][...] = array.reshape(len(x) * N, 1, -1)
    run.arrays[WEIGHT][...] = weights.reshape(-1, 1, 1)
    run.arrays[RATE][...] = 0.1
    for place in (CHANGES, BY_RATE, CALLS):
        run.arrays[place][...] = 0
    for place in (CHANGES, BY_RATE):
        run.arrays[place].reshape(len(x), N)[:, -1] = weights.any(axis=1)
    return run, run.run(run.programs.programs["learn"])


def check(name: str, loss: Loss, head: bool = True) -> None:
    """The interpreter against the rule in NumPy, with steps and sequences without a target."""
    net, again = network(name, head), network(name, head)
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((8, N, D)), rng.random((8, N, V if head else H))
    mask = np.array([[1, 1], [0, 1], [1, 0], [0, 0], [1, 1], [0, 0], [1, 1], [0, 1]], bool)
    weights = mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    run, ended = carried_out(net, loss, x, np.where(mask[..., None], target, np.nan), weights)
    assert ended == 0
    learner = Online(again, "online", SGD(0.1), loss, batch=N, backend="reference")
    y = learner.partial_fit(x, target, mask)
    np.testing.assert_allclose(run.arrays[run.programs.outside["y"]].reshape(y.shape), y, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(run.theta(net), again.theta, rtol=1e-11, atol=1e-12)
    assert not np.array_equal(again.theta, network(name, head).theta)
    for state, part in zip(run.programs.states, learner.network_state["rnn"], strict=True):
        np.testing.assert_allclose(run.arrays[state][:, 0], part[0], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", FEW_ONLINE)
def test_the_blocks_of_every_cell_compute_the_rule(name: str) -> None:
    check(name, SquaredError())


@pytest.mark.parametrize(
    "loss", [SoftmaxCrossEntropy(), SigmoidSquaredError(), Pooled()], ids=lambda loss: type(loss).__name__
)
@pytest.mark.parametrize("head", [True, False])
def test_the_blocks_of_losses(loss: Loss, head: bool) -> None:
    check("peephole_lstm", loss, head)


def test_reductions_inside_a_derivative_have_machine_code() -> None:
    x, target = np.random.default_rng(1).standard_normal((2, 9, N, 3))
    learners = [
        Online(network("lstm"), "online", SGD(0.01), Pooled(), batch=N, backend=backend)
        for backend in ("native", "reference")
    ]
    y, same = (learner.partial_fit(x, target[..., :V].copy()) for learner in learners)
    np.testing.assert_allclose(y, same, rtol=1e-11)
    np.testing.assert_allclose(learners[0].network.theta, learners[1].network.theta, rtol=1e-11)


def test_a_gradient_that_is_not_finite_ends_the_loop_before_the_weights() -> None:
    net = network("lstm")
    x, target = np.random.default_rng(2).standard_normal((4, N, D)), np.zeros((4, N, V))
    target[2, 0, 1] = np.inf
    with np.errstate(all="ignore"):
        run, ended = carried_out(net, SquaredError(), x, target, np.ones((4, N)))
        before, _ = carried_out(net, SquaredError(), x[:2], target[:2], np.ones((2, N)))
    assert ended == 2 * N + N, "the last sequence of the third step, counted from 1"
    np.testing.assert_array_equal(run.theta(net), before.theta(net))
    places = run.programs.gradients.values()
    assert not all(np.isfinite(run.arrays[place]).all() for place in places)
    run.steps = 1
    run.run(run.programs.programs["clear"])
    assert not any(run.arrays[place].any() for place in places)


@pytest.fixture(scope="module")
def peephole() -> OnlinePrograms:
    return lowered(network("peephole_lstm"), SoftmaxCrossEntropy())


def test_what_runs_when(peephole: OnlinePrograms) -> None:
    """Conditions by step, in their order; what follows from no target stands outside of them."""
    seen: list[Any] = []
    for block in peephole.programs["learn"].blocks:
        condition = block.condition and (block.condition.place, block.condition.given)
        if not seen or seen[-1] != condition:
            seen.append(condition)
    assert seen == [None, (WEIGHT, True), (WEIGHT, False), None, (CHANGES, True), (BY_RATE, True), (CALLS, True)]
    assert all(block.condition is None for block in peephole.programs["clear"].blocks)


def test_parameters_of_a_shape_share_blocks(peephole: OnlinePrograms) -> None:
    """The four gates' matrices fit into one, the seven vectors do not."""
    count = {one.name: len(one.traces) + 1 for one in peephole.plan.learnt}
    blocks = []
    for block in peephole.programs["learn"].blocks:
        written = [name for name, place in peephole.weights.items() if place in [other for _, other in block.stores]]
        if written:
            assert {(peephole.weights[name].dim, peephole.weights[name].over) for name in written} == {
                (block.dim, block.over)
            }
            assert sum(count[name] for name in written) <= MOST
            blocks.append(written)
    assert sorted(sum(blocks, [])) == sorted(peephole.weights)
    assert [f"rnn W.{gate}" for gate in "ifgo"] in blocks
    assert len(blocks) == 6


def test_kinds_of_rows(peephole: OnlinePrograms) -> None:
    for name, place in peephole.weights.items():
        (one,) = [one for one in peephole.plan.learnt if one.name == name]
        assert (place.rows, place.dim, place.over) == (WEIGHTS, one.rows, one.cols)
        assert peephole.gradients[name].over == place.over
    assert {place.rows for place in peephole.traces.values()} == {place.rows for place in peephole.states} == {SEQUENCE}
    assert set(peephole.outside) == {"x", "y", "target", "weight", "rate", "changes", "by rate", "calls"}
    others = set(peephole.programs["learn"].places)
    others -= {*peephole.weights.values(), *peephole.gradients.values(), *peephole.traces.values(), *peephole.states}
    others -= set(peephole.outside.values())
    assert {place.rows for place in others} == {CURRENT} and {place.over for place in others} == {None}


def test_only_one_block_can_end_the_loop_and_the_weights_come_behind_it(peephole: OnlinePrograms) -> None:
    blocks = peephole.programs["learn"].blocks
    (number,) = [i for i, block in enumerate(blocks) if block.check is not None]
    assert blocks[number].check is CHECK
    for i, block in enumerate(blocks):
        changes = {place for _, place in block.stores} & set(peephole.weights.values())
        assert not changes or i > number


def test_the_error_of_a_stack_passes_one_level_of_matrices_after_the_other() -> None:
    programs = lowered(network("lstm", levels=3), SquaredError())
    names = [sorted(node.attr[0].name for node in level) for level in programs.plan.backs]
    assert names == [["head W.y"], *([f"rnn{k} W.{gate}" for gate in "fgio"] for k in (2, 1))]
    assert [place.dim for place in programs.states] == ["hidden"] * 2 + ["rnn1 hidden"] * 2 + ["rnn2 hidden"] * 2


@pytest.mark.parametrize("name", FEW_ONLINE)
@pytest.mark.parametrize("target", [True, False])
@pytest.mark.parametrize("levels", [1, 2])
def test_each_value_is_stored_before_it_is_read(name: str, target: bool, levels: int) -> None:
    """By the blocks that run at a step with a target, and by those at one without."""
    program = lowered(network(name, levels=levels), SoftmaxCrossEntropy()).programs["learn"]
    written: set[Place] = set()
    for block in program.blocks:
        if block.condition is not None and (block.condition.given != target):
            continue
        read = {term.operand for term in block.terms}.union(*block.loads.values(), *block.reductions.values())
        read |= {*block.entries.values(), *block.factors.values()}
        assert {place for place in read if place.rows is CURRENT} <= written
        written |= {place for _, place in block.stores} | set(block.folds.values())
        assert {*read, *written} <= set(program.places)
