"""The plan of a whole training step of a network: forward, loss, backward, clipping and update in one call.

What flows between two links lies in memory that a call leases, and nothing of it is seen outside. See `step_parts` for
what each link does, `assembly` for how it is put together.

Legend: T steps, N sequences, R rows, P numbers of theta.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass

from gated.backends.native.codegen.update_rules import KERNELS
from gated.backends.native.codegen.vectors import DECIDE_JOB, SQUARES_JOB
from gated.backends.native.machine.programs import LossCode, common, loss, mapping, training, vectors
from gated.backends.native.machine.target import host
from gated.backends.native.memory.regions import Region, Sheet
from gated.backends.native.passes.assembly import Assembly, Numbers
from gated.backends.native.passes.head_plan import HeadPlan
from gated.backends.native.passes.map_plan import LossPlan
from gated.backends.native.passes.pass_plan import ROWS, Shapes
from gated.backends.native.passes.plan import DTYPES, At
from gated.backends.native.passes.step_parts import (
    NOWHERE,
    Flow,
    HeadPart,
    LossPart,
    MapPart,
    Part,
    ScanPart,
    TablePart,
)
from gated.backends.native.passes.table_scan_plan import fits_table
from gated.backends.native.passes.training_plan import dx_comes_last
from gated.backends.native.threads.groups import step_work
from gated.backends.native.threads.pool import Team, threads_for
from gated.backends.native.tuning import tuning_for
from gated.backends.whole_step import Chain, Link, MapLink, ScanLink, TableLink
from gated.schedule import CellSchedule

# bases of the sheet of every step
BASES = "team", "memory", "theta", "gradient", "x", "target", "weights", "mirror"
SQUARES, NORM, FACTOR, GO, LOSS = range(5)  # what is found


@dataclass(frozen=True)
class StepShape:
    """What a plan depends on besides the network.

    Attributes:
        steps, sequences, rows: T, N, R; if the lengths vary, what there is room for.
        one_hot: whether the targets are classes.
        kernel: of the update, a key of `update_rules.KERNELS`; None without one.
        masked: links whose input is multiplied by a mask.
        inwards: whether the adjoints of the batch and of the initial states are made.
    """

    steps: int
    sequences: int
    rows: int
    varying: bool
    loss: CellSchedule
    one_hot: bool
    kernel: str | None
    masked: tuple[int, ...]
    team: Team
    inwards: bool


class StepPlan:
    """Memory, tables and courses of a step.

    Bases of the sheet: BASES, ("mask", link), ("draws", link, direction), ("buffer", k); where lengths vary, counts and
    row numbers too.

    Attributes:
        parts: one for each link; what is made of several runs through them.
        results: where the numbers SQUARES, NORM, FACTOR, GO, LOSS are found.
        dx: where the adjoint of the batch is found.
        limit, numbers: where in the sheet the bound of the norm and the numbers of the update stand, counted in
            numbers.
    """

    def __init__(self, chain: Chain, wanted: StepShape) -> None:
        self.chain, self.wanted, self.rows = chain, wanted, wanted.rows
        name = DTYPES[chain.dtype]
        self.memory = Region("memory", chain.dtype, host().machine.width(name))
        buffers = len(KERNELS[wanted.kernel].changed) - 1 if wanted.kernel else 0
        self.results = Numbers()
        self.results.ask(5)
        flows = self._flows()
        self.dx = flows[0].dx
        self.parts = self._parts(flows)
        self.sheet = Sheet([*BASES, *self._bases(buffers)])
        rows: int | At = (0, ROWS) if wanted.varying else wanted.rows
        self.step = Assembly(self.sheet, self.memory, rows, common(name), vectors(name))
        self._place()
        self._assemble(buffers)
        self.courses = self.step.courses

    def _bases(self, buffers: int) -> list[Hashable]:
        """Those that not every step has."""
        masked, head = self.wanted.masked, self.head
        found: list[Hashable] = [("mask", k) for k in masked]
        found += [base for k in self.drawn for base in self._draws(k)]
        found += [("ids", k) for k in self.directions]
        found += [("buffer", k) for k in range(buffers)]
        if self.wanted.varying:
            found += [ROWS, "steps", "rows", "previous", "loss steps"]
            found += [(ROWS, size) for size in self.masked_sizes]
            pieces = range(head.pieces) if head is not None else ()
            found += [("head", kind, k) for kind in ("rows", "steps", "count") for k in pieces]
        return found

    @property
    def drawn(self) -> list[int]:
        """The links in which draws are inputs."""
        return [k for k, link in self.chain.scans.items() if link.draws_size]

    def _draws(self, k: int) -> list[Hashable]:
        """The bases of a link's draws, for each direction."""
        return [("draws", k, direction) for direction in range(len(self.chain.scans[k].starts))]

    @property
    def directions(self) -> range:
        """Of the time loop behind a table that takes its rows by number."""
        links = [self.chain.links[k][0] for k in self.tables]
        return range(max((len(link.starts) for link in links if isinstance(link, ScanLink)), default=0))

    @property
    def masked_sizes(self) -> list[int]:
        """Lengths of the inputs that are multiplied by masks, each once."""
        links = [self.chain.links[k][0] for k in self.wanted.masked]
        return sorted({link.input_size for link in links if isinstance(link, ScanLink)})

    @property
    def head(self) -> HeadPlan | None:
        """Of the last map, if there is one."""
        last = self.parts[-1]
        return last.plan if isinstance(last, HeadPart) else None

    @property
    def loss(self) -> LossPlan | None:
        """Of the loss, if it comes alone."""
        last = self.parts[-1]
        return last.plan if isinstance(last, LossPart) else None

    # the parts

    def _parts(self, flows: list[Flow]) -> list[Part]:
        """In the order of the forward pass; the last one makes the loss."""
        links, code = self.chain.links, loss(self.wanted.loss, DTYPES[self.chain.dtype], self.wanted.one_hot)
        parts: list[Part] = [self._part(k, link, flows[k], code) for k, (link, _) in enumerate(links)]
        if not isinstance(parts[-1], HeadPart):
            size, threads, varying = links[-1][0].size, self.wanted.team.threads, self.wanted.varying
            plan = LossPlan.of(code, size, self.chain.dtype, self.rows, threads, varying)
            parts.append(LossPart(flows[-1], plan))
        return parts

    def _tables(self) -> dict[int, TableLink]:
        """Time loops that take the rows of a small table: link -> the table."""
        found, width = {}, host().machine.width(DTYPES[self.chain.dtype])
        seen = {*self.wanted.masked, *self.drawn}  # whose input is made besides
        read = Counter(source for _, (source,) in self.chain.links)
        for k, (link, (source,)) in enumerate(self.chain.links):
            table = self.chain.links[source][0] if source >= 0 else None
            if isinstance(link, ScanLink) and isinstance(table, TableLink) and k not in seen:
                code = training(link.schedule, DTYPES[self.chain.dtype])
                few = table.count * tuning_for().table_rows <= self.rows
                if few and read[source] == 1 and fits_table(code, table.size, width):
                    found[k] = table
        return found

    def _flows(self) -> list[Flow]:
        """Memory for what each link makes, and for its adjoint."""
        self.tables = self._tables()
        links, itemsize = self.chain.links, self.chain.dtype.itemsize

        def array(size: int) -> At:
            return self.memory.place(self.rows * size * itemsize), "memory"

        fused = isinstance(links[-1][0], MapLink)
        unseen = {links[k][1][0] for k in self.tables} | ({len(links) - 1} if fused else set())
        made = [
            (NOWHERE, NOWHERE) if k in unseen else (array(link.size), array(link.size))
            for k, (link, _) in enumerate(links)
        ]
        flows = []
        for (link, (source,)), (y, dy) in zip(links, made, strict=True):
            x, dx = made[source] if source >= 0 else ((0, "x"), NOWHERE)
            if source < 0 and not isinstance(link, TableLink) and (self.wanted.inwards or self._makes_dx(link)):
                dx = array(link.input_size)
            flows.append(Flow(x, y, dx, dy))
        return flows

    def _makes_dx(self, link: MapLink | ScanLink) -> bool:
        """Whether a link makes the adjoint of its input even where nobody needs it, as that of the batch."""
        return isinstance(link, MapLink) or not dx_comes_last(training(link.schedule, DTYPES[self.chain.dtype]))

    def _part(self, k: int, link: Link, flow: Flow, code: LossCode) -> Part:
        dtype, wanted, rows = self.chain.dtype, self.wanted, self.rows
        name, threads, varying = DTYPES[dtype], wanted.team.threads, wanted.varying
        if isinstance(link, TableLink):
            looked_up = any(self.chain.links[j][1][0] == k for j in self.tables)
            return Part() if looked_up else TablePart(link, flow, rows)
        if isinstance(link, MapLink):
            members = threads_for(step_work(link.schedule.graph, link.sizes, rows), threads)
            program = mapping(link.schedule, name)
            if k < len(self.chain.links) - 1:
                return MapPart(link, flow, program, Shapes.of_rows(link.sizes, dtype, rows, members, None, varying))
            members = max(members, threads_for(rows * link.size * tuning_for().loss_work, threads))

            def losses(count: int) -> LossPlan:
                return LossPlan.of(code, link.size, dtype, count, members, varying)

            shapes = Shapes.of_rows(link.sizes, dtype, rows, members, None, varying)
            return HeadPart(link, flow, HeadPlan(program, losses, shapes, list(link.starts)))
        shape = wanted.steps, wanted.sequences, rows
        shapes = Shapes.of(link.schedule.graph, link.sizes, dtype, shape, wanted.team, varying)
        mask: At | None = (0, ("mask", k)) if k in wanted.masked else None
        draws: list[At] = [(0, base) for base in self._draws(k)] if k in self.drawn else []
        return ScanPart(
            link, flow, training(link.schedule, name), shapes, mask, self.tables.get(k), wanted.inwards, draws
        )

    # memory, tables

    def _place(self) -> None:
        for part in self.parts:
            part.place(self.step)
        piece = tuning_for().square_piece
        self.squares = Numbers()
        self.squares.ask(-(-self.chain.numbers // piece))
        self.results.place(self.memory)
        self.squares.place(self.memory)
        self.step.place(max(tuning_for().zeros, *(link.size for link, _ in self.chain.links)))
        self.step.members = max(part.members for part in self.parts)

    def _assemble(self, buffers: int) -> None:
        step = self.step
        for part in self.parts:
            part.forward(step)
        for part in reversed(self.parts):
            part.backward(step)
        numbers, found = self.chain.numbers, self.results.at
        pieces, piece = self.squares.count, tuning_for().square_piece
        fields: dict[str, int | At] = {"vector": (0, "gradient"), "size": numbers, "piece": piece, "pieces": pieces}
        fields |= {"sums": self.squares.at(0), "total": found(SQUARES)}
        step.task("norm", [fields[name] for name in SQUARES_JOB])
        losses = {"vector": 0, "size": 0, "piece": 0, "pieces": step.losses.count}
        fields = {**losses, "sums": step.losses.at(0), "total": found(LOSS)}
        step.task("total", [fields[name] for name in SQUARES_JOB])
        fields = {"vector": (0, "gradient"), "size": numbers, "squares": found(SQUARES), "loss": found(LOSS)}
        fields |= {"norm": found(NORM), "factor": found(FACTOR)}
        fields |= {"go": found(GO), "wrong": step.refusals.at(0), "refusals": step.refusals.count, "limit": 0}
        start = step.task("decide", [fields[name] for name in DECIDE_JOB])
        self.limit = start // 8 + 1 + DECIDE_JOB.index("limit")
        if self.wanted.kernel:
            kernel = KERNELS[self.wanted.kernel]
            vectors = [(0, "theta"), *((0, ("buffer", k)) for k in range(buffers)), (0, "gradient")]
            conditions = [found(FACTOR), found(GO)]
            start = step.task(self.wanted.kernel, [numbers, *vectors, *conditions, *[0] * len(kernel.numbers)])
            first = start // 8 + 1 + len(kernel.job) - len(kernel.numbers)
            self.numbers = slice(first, first + len(kernel.numbers))
        step.close()
