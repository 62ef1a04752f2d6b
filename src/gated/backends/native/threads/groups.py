"""The order of rows in memory when several threads share a batch.

The rows of a step lie side by side, and so, in short rows, do those of different threads. A processor fetches ahead
beyond the rows that a thread works on, into those that another one is writing, and both wait: two threads were
measured to take longer than one. So each thread's sequences are kept apart, all their steps one after the other.

    the caller's order    step, sequence
    a pass's own order    group, step, sequence of the group

With a single group, or sequences of different lengths, both are the same. Where there are fewer sequences than threads
they share the columns instead: each computes some units of all sequences, and needs only its part of the matrices. So
they do without a tape where the sequences are few and one thread's cache does not hold the matrices: see `columns_pay`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from gated.backends.native.machine.target import host
from gated.backends.native.memory.regions import PAGE, Region
from gated.backends.native.threads.pool import Team, even_edges, threads_for
from gated.backends.native.tuning import tuning_for
from gated.language.graph import Graph
from gated.program.layout import parameter_numbers
from gated.program.rows import (
    BY_STEP,
    CALLER,
    NEW,
    PREVIOUS,
    RING_NEW,
    RING_PREVIOUS,
    ROW,
    SEQUENCE,
    RowKind,
    line_of,
)

Array = np.ndarray[Any, Any]


class Cut(NamedTuple):
    """How threads share a batch: how many they are, and where it is cut into groups (0, ..., N).

    With a single group they share its rows (where there are fewer sequences than threads, some have no part in the time
    loop) or, if `columns`, the columns of every block.
    """

    members: int
    edges: tuple[int, ...]
    columns: bool = False


def cut(
    graph: Graph,
    sizes: Mapping[str, int],
    rows: int,
    sequences: int,
    region: Region,
    equal: bool,
    team: Team,
) -> Cut:
    """How to share so many rows of so many sequences.

    Args:
        region: any that knows the dtype and the vector width.
        equal: whether all sequences are equally long.
    """
    numbers = tuning_for(host().machine)
    threads = threads_for(step_work(graph, sizes, rows), team.threads)
    whole = 0, sequences
    if sequences < threads:
        most = min(threads, _blocks(graph, sizes, region))
        columns = _best_share(step_work(graph, sizes, sequences), most, team.latency)
        if columns > sequences:
            return Cut(columns, whole, True)
        # never in groups: the parameters' gradients are summed in the same order however soon threads meet
        return Cut(threads if team.latency < numbers.far else sequences, whole)
    if team.meet and 1 < threads <= _blocks(graph, sizes, region) // numbers.columns_blocks:
        parameters = sum(parameter_numbers(graph, sizes).values()) * region.dtype.itemsize
        if columns_pay(parameters, sequences):
            return Cut(threads, whole, True)
    row = max(sizes[dim] for dim in graph.dims.values()) * region.dtype.itemsize
    if not equal or threads == 1 or row * sequences >= numbers.apart * threads:
        return Cut(threads, whole)
    return Cut(threads, even_edges(sequences, threads))


def _best_share(work: float, most: int, latency: float) -> int:
    """How many threads do so much work of a step (nanoseconds) the soonest."""
    return min(range(1, most + 1), key=lambda threads: work / threads + _meeting(threads, latency))


def _meeting(threads: int, latency: float) -> float:
    """Nanoseconds: they meet up to twice in a step, and read what the others have written, which is about once more."""
    return 3 * latency * (threads - 1)


def _blocks(graph: Graph, sizes: Mapping[str, int], region: Region) -> int:
    """Column blocks of the shortest state."""
    return min(region.padded(sizes[graph.dims[name]]) // region.width for name in graph.states)


def columns_pay(parameters: int, sequences: int, threads: int = 1, latency: float = 0.0) -> bool:
    """Whether so few sequences had better share the columns, though each thread could have some.

    Args:
        parameters: bytes of all that a step reads.
        threads: who would meet in every step.
        latency: how soon, see `Pool.latency`.
    """
    numbers = tuning_for(host().machine)
    most = min(parameters // numbers.sequence_bytes, numbers.columns_sequences)
    reading = parameters / numbers.bytes_a_nanosecond
    soon = _meeting(threads, latency) <= numbers.meeting * reading
    return soon and parameters >= numbers.columns_bytes and sequences <= most


def step_work(graph: Graph, sizes: Mapping[str, int], rows: int) -> float:
    """About how many nanoseconds the products of a time loop over so many rows take on one thread."""
    return rows * sum(parameter_numbers(graph, sizes).values()) / tuning_for(host().machine).products_a_nanosecond


class Groups:
    """T steps of N equally long sequences, cut at `edges` (0, ..., N).

    In arrays with a row per sequence, `gap` rows keep the groups apart.
    """

    def __init__(self, steps: int, edges: tuple[int, ...], gap: int = 0) -> None:
        self.steps, self.edges, self.gap = steps, edges, gap
        self.slices = [slice(first, stop) for first, stop in itertools.pairwise(edges)]

    @property
    def apart(self) -> int:
        """Rows of an array with a row per sequence, beyond N."""
        return self.gap * (len(self) - 1)

    def __len__(self) -> int:
        return len(self.edges) - 1

    def row(self, group: int) -> int:
        """The first row of a group."""
        return self.steps * self.edges[group]

    def count(self, group: int, rows: int) -> int:
        """Rows of a group, `rows` being those of all."""
        return rows if len(self) == 1 else self.steps * (self.edges[group + 1] - self.edges[group])

    def states(self, own: Array) -> Array:
        """An (N + R, size) array of states, the initial ones first, in the caller's order."""
        return self._in_order(own, self.steps + 1)

    def rows(self, own: Array) -> Array:
        """An (R, size) array in the caller's order."""
        return self._in_order(own, self.steps)

    def _in_order(self, own: Array, steps: int) -> Array:
        if len(self) == 1:
            return own
        result = np.empty(own.shape, own.dtype)
        caller = result.reshape(steps, self.edges[-1], own.shape[1])
        for which in self.slices:
            mine = own[which.start * steps : which.stop * steps]
            caller[:, which] = mine.reshape(steps, which.stop - which.start, own.shape[1])
        return result

    def put_initial(self, own: Array, initial: Array) -> None:
        """Write the (N, size) initial states into an (N + R, size) array."""
        if len(self) == 1:
            own[: len(initial)] = initial
            return
        for first, stop in itertools.pairwise(self.edges):
            own[first * (self.steps + 1) :][: stop - first] = initial[first:stop]

    def last(self, own: Array) -> Array:
        """(N, size): the states after the last step, of an (N + R, size) array."""
        steps = self.steps + 1
        if len(self) == 1:
            return own[len(own) - self.edges[-1] :].copy()
        return np.concatenate(
            [own[stop * steps - (stop - first) : stop * steps] for first, stop in itertools.pairwise(self.edges)]
        )

    def first(self, own: Array) -> Array:
        """(N, size): a copy of an array with a row per sequence, without the rows between the groups."""
        edges = enumerate(itertools.pairwise(self.edges))
        return np.concatenate([own[first + k * self.gap : stop + k * self.gap] for k, (first, stop) in edges])

    def state_row(self, group: int) -> int:
        """Where a group begins in an (N + R, size) array of states; its rows begin at `steps * edges[group]`."""
        return (self.steps + 1) * self.edges[group]

    def new_row(self, group: int) -> int:
        """Where the states after a group's first step begin."""
        first, stop = self.edges[group : group + 2]
        return self.state_row(group) + stop - first

    def all_rows(self, rows: int) -> Array:
        """(groups, 1 + kinds, 1): for a program to which all rows of a group belong to one step."""
        if len(self) == 1:
            return all_rows(rows, self.edges[-1])
        tables = []
        for group, (begin, end) in enumerate(itertools.pairwise(self.edges)):
            first = {
                ROW: self.row(group),
                PREVIOUS: self.state_row(group),
                NEW: self.new_row(group),
                SEQUENCE: self.row(group),
                # a program over all rows at once knows neither the caller's order nor a ring
                **dict.fromkeys((CALLER, RING_PREVIOUS, RING_NEW), 0),
            }
            tables.append(_lines(self.steps * (end - begin), first))
        return _table(tables)

    def step_rows(self) -> Array:
        """(groups, 1 + kinds, T), for each group as `step_rows`."""
        t = np.arange(self.steps, dtype=np.int64)
        tables = []
        for group, (first, stop) in enumerate(itertools.pairwise(self.edges)):
            size = stop - first
            states = (self.steps + 1) * first - first + t * size  # group's states before, then t steps
            first_rows = {
                ROW: self.steps * first - first + t * size,
                CALLER: t * self.edges[-1],
                PREVIOUS: states,
                NEW: states + size,
                SEQUENCE: np.full(self.steps, group * self.gap),
                **_ring(t, size, first + group * self.gap),
            }
            tables.append(_lines(np.full(self.steps, self.edges[-1]), first_rows))
        return _table(tables)


def all_rows(rows: int, sequences: int) -> Array:
    """(1, 1 + kinds, 1): for a program to which all rows belong to one step; in arrays of states N are before them."""
    table = step_rows(np.array([rows]), rows)
    table[:, line_of(NEW)] = sequences
    return table


def octave(count: int) -> int:
    """At least so many: a power of two, so that all sizes of a training run share a few plans."""
    return 1 << (count - 1).bit_length() if count else 0


def shape_with_room(steps: int, sequences: int, rows: int, threads: int) -> tuple[tuple[int, int, int], bool]:
    """(T, N, R) for which a plan is made, and whether the lengths vary: then it has room for others.

    N stays what it is where threads may share the columns because of it.
    """
    if rows == steps * sequences:
        return (steps, sequences, rows), False
    return (octave(steps), sequences if sequences <= threads else octave(sequences), octave(rows)), True


def gap_between(sizes: Iterable[int], itemsize: int) -> int:
    """Rows that keep two groups a page apart in arrays with a row per sequence, of these sizes."""
    return -(-PAGE // (min(sizes) * itemsize))


def step_rows(counts: Array, sequences: int, room: int | None = None, backwards: bool = False) -> Array:
    """(1, 1 + kinds, T): running sequences, and for each kind of place the first row of every step.

    Args:
        counts: (T,) running sequences per step, in packed order.
        sequences: N.
        room: for so many steps, of which those behind the T have no sequences.
        backwards: from the last step to the first one: a shorter sequence begins later, and all end together. For
            programs that keep no states but the latest.
    """
    if room is not None:
        counts = np.concatenate([counts, np.zeros(room - len(counts), np.int64)])
    steps = len(counts)
    begin = np.cumsum(counts) - counts
    previous = np.zeros(steps, np.int64)
    previous[1:] = sequences + begin[:-1]
    rows = {
        ROW: begin,
        CALLER: begin,
        PREVIOUS: previous,
        NEW: sequences + begin,
        SEQUENCE: np.zeros(steps, np.int64),
        **_ring(np.arange(steps), sequences, 0),
    }
    table = _table([_lines(counts, rows)])
    if backwards:
        turn_back(table)
    return table


def turn_back(table: Array) -> None:
    """Have a (groups, 1 + kinds, T) table lead from the last step to the first one, the ring of states as before."""
    lines = [0, line_of(ROW), line_of(CALLER)]
    table[:, lines] = table[:, lines, ::-1]


def _lines(counts: Array | int, rows: Mapping[RowKind, Any]) -> list[Any]:
    """The lines of a step's table in their order: running sequences, and the first rows of every kind."""
    return [counts, *(rows[kind] for kind in BY_STEP)]


def _table(groups: list[list[Any]]) -> Array:
    """(groups, 1 + kinds, T)"""
    return np.array(groups, np.int64).reshape(len(groups), 1 + len(BY_STEP), -1)


def _ring(t: Array, size: int, start: int) -> dict[RowKind, Array]:
    """Two rows per sequence, used in turn, behind a group's first row.

    `start`: of the rows for which the code adds a sequence's number once more.
    """
    return {RING_PREVIOUS: start + size * (t % 2), RING_NEW: start + size * ((t + 1) % 2)}
