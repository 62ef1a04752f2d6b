"""Threads that work together: what they have in common in memory, and the machine code by which they wait.

A team is one caller and its workers. The caller posts a program; each member does its own entry of every phase, and
no phase begins before all members have ended the one before:

    program    phases, members, whether they did it together (conduct says so), then for every phase and member an entry
    entry      function (or 0), and its arguments: table, first, stop

Members wait actively, since a phase may be shorter than the time it takes to wake a thread; who waits long gives the
processor away between two looks.

    serve(team, k, looks)          a worker: do what is posted, until nothing has been for so many looks
    conduct(team, program, alone)  the caller: run `program` with the workers; or `alone`, if one does not answer in
                                   time, or they are at work for another caller
    run(team, program, more)       the caller: run a program for one member, and so many times more
    idle(team, looks, 0)           look so many times (to know how long that takes)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import I1, I64, POINTER, at, loop, read
from gated.backends.native.processor import Machine
from gated.backends.native.tuning import tuning_for

Value = Any
TWO_LINES = 16  # 64-bit numbers in two cache lines, which are fetched together
MOST = 1024  # members
ASLEEP, AWAKE, POSTED, TAKEN, STOPPED = range(5)  # states of a worker
CLOSED, GO, CANCELLED = range(3)  # states of the gate behind which those wait who have taken a job
# where what lies in the memory of a team, in numbers
YIELD, PATIENCE = 0, 1  # address of a function that gives the processor away; looks the caller has for an answer
PROGRAM, GATE, HELD = TWO_LINES, TWO_LINES + 1, TWO_LINES + 2  # the last: whether a caller has the team
SIZE = 2 * TWO_LINES * (1 + MOST)
ENTRY = ("function", "table", "first", "stop")
HEAD = ("phases", "members", "together")


def state_of(member: int) -> int:
    """Where a worker's state lies; a line further, how often it has come to a barrier."""
    return 2 * TWO_LINES * (1 + member)


def emit_team(module: ir.Module, machine: Machine) -> None:
    """Add `serve`, `conduct`, `run` and `idle` to a module."""
    waiting = Waiting(module, machine)
    work = _work(waiting)
    _serve(waiting, work)
    _conduct(waiting, work)
    _run(waiting, work)
    _idle(waiting)


class Waiting:
    """Waiting, in one module."""

    def __init__(self, module: ir.Module, machine: Machine) -> None:
        self.module, self.busy_looks = module, tuning_for(machine).busy_looks
        self._pause = _pause(module, machine.pause)
        self.relax = self._relax()
        self.barrier = self._barrier()

    def function(self, name: str, kinds: list[Any], internal: bool = True) -> ir.Function:
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        if internal:
            function.linkage = "internal"
            function.attributes.add("noinline")
        return function

    def _relax(self) -> ir.Function:
        """relax(team, looks): after so many looks in vain."""
        function = self.function("relax", [POINTER, I64])
        team, looks = function.args
        b = ir.IRBuilder(function.append_basic_block())
        with b.if_else(b.icmp_signed("<", looks, I64(self.busy_looks))) as (few, many):
            with few:
                self._pause(b)
            with many:
                give = read(b, team, YIELD)
                with b.if_then(b.icmp_signed("!=", give, I64(0))):
                    b.call(b.inttoptr(give, _NOTHING.as_pointer()), [])
        b.ret_void()
        return function

    def _barrier(self) -> ir.Function:
        """barrier(team, me, members): wait until all have come here as often as this member."""
        function = self.function("barrier", [POINTER, I64, I64])
        team, me, members = function.args
        b = ir.IRBuilder(function.append_basic_block())
        come = b.add(b.atomic_rmw("add", _counter(b, team, me), I64(1), "acq_rel"), I64(1))
        with loop(b, I64(0), members) as other:
            counter = _counter(b, team, other)
            with self.until(b, team) as wait:
                wait.done = b.icmp_signed(">=", b.load_atomic(counter, "acquire", 8, typ=I64), come)
        b.ret_void()
        return function

    @contextmanager
    def until(self, b: ir.IRBuilder, team: Value, looks: Value | None = None) -> Iterator[Wait]:
        """Run the body again and again until the `done` that it sets is true, or that many looks are over."""
        function, before = b.function, b.block
        head, again, end = (function.append_basic_block() for _ in range(3))
        b.branch(head)
        b.position_at_end(head)
        count = b.phi(I64)
        count.add_incoming(I64(0), before)
        wait = Wait()
        yield wait
        found = b.block
        b.cbranch(wait.done, end, again)
        b.position_at_end(again)
        b.call(self.relax, [team, count])
        following = b.add(count, I64(1))
        count.add_incoming(following, b.block)
        if looks is None:
            b.branch(head)
        else:
            b.cbranch(b.icmp_signed("<", following, looks), head, end)
        b.position_at_end(end)
        wait.result = b.phi(I1)
        wait.result.add_incoming(I1(1), found)
        if looks is not None:
            wait.result.add_incoming(I1(0), again)


@dataclass
class Wait:
    """A waiting loop: what ends it; afterwards, whether that came."""

    done: Value = None
    result: Value = None


_NOTHING = ir.FunctionType(ir.VoidType(), [])
_WORK = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])


def _pause(module: ir.Module, how: str) -> Any:
    """What tells a processor that this is a waiting loop."""
    if how == "x86":
        function = ir.Function(module, _NOTHING, "llvm.x86.sse2.pause")
        return lambda b: b.call(function, [])
    if how == "arm":
        hint = ir.Function(module, ir.FunctionType(ir.VoidType(), [ir.IntType(32)]), "llvm.aarch64.hint")
        return lambda b: b.call(hint, [ir.IntType(32)(1)])
    return lambda b: None


def _state(b: ir.IRBuilder, team: Value, member: Value) -> Value:
    return at(b, team, b.mul(b.add(member, I64(1)), I64(2 * TWO_LINES)))


def _counter(b: ir.IRBuilder, team: Value, member: Value) -> Value:
    return at(b, team, b.add(b.mul(b.add(member, I64(1)), I64(2 * TWO_LINES)), I64(TWO_LINES)))


def _change(b: ir.IRBuilder, address: Value, old: int, new: int) -> Value:
    """Set to `new` if it is `old`; whether it was."""
    return b.extract_value(b.cmpxchg(address, I64(old), I64(new), "acq_rel", "acquire"), 1)


def _put(b: ir.IRBuilder, address: Value, value: Value) -> None:
    """Store; who sees it sees all that was written before."""
    b.atomic_rmw("xchg", address, value, "acq_rel")


def _work(waiting: Waiting) -> ir.Function:
    """work(team, program, me): this member's entries of all phases."""
    function = waiting.function("work", [POINTER, POINTER, I64])
    team, program, me = function.args
    b = ir.IRBuilder(function.append_basic_block())
    phases, members = (read(b, program, HEAD.index(name)) for name in ("phases", "members"))
    with loop(b, I64(0), phases) as phase:
        # behind the last phase the caller waits for the workers, and they for nobody
        with b.if_then(b.and_(b.icmp_signed(">", phase, I64(0)), b.icmp_signed(">", members, I64(1)))):
            b.call(waiting.barrier, [team, me, members])
        _do(b, program, b.add(b.mul(phase, members), me))
    b.ret_void()
    return function


def run_alone(b: ir.IRBuilder, program: Value) -> None:
    """Emit, in the middle of a function, all entries of a program for one member."""
    with loop(b, I64(0), read(b, program, HEAD.index("phases"))) as phase:
        _do(b, program, phase)


def _do(b: ir.IRBuilder, program: Value, number: Value) -> None:
    """An entry of a program."""
    entry = at(b, program, b.add(b.mul(number, I64(len(ENTRY))), I64(len(HEAD))))
    code, table, first, stop = (read(b, entry, i) for i in range(len(ENTRY)))
    with b.if_then(b.icmp_signed("!=", code, I64(0))):
        b.call(b.inttoptr(code, _WORK.as_pointer()), [b.inttoptr(table, POINTER), first, stop])


def _serve(waiting: Waiting, work: ir.Function) -> None:
    function = waiting.function("serve", [POINTER, I64, I64], internal=False)
    team, me, looks = function.args
    b = ir.IRBuilder(function.append_basic_block())
    state = _state(b, team, me)
    _change(b, state, ASLEEP, AWAKE)
    again = function.append_basic_block()
    b.branch(again)
    b.position_at_end(again)
    with waiting.until(b, team, looks) as wait:
        wait.done = b.icmp_signed("!=", b.load_atomic(state, "acquire", 8, typ=I64), I64(AWAKE))
    with b.if_then(_change(b, state, POSTED, TAKEN)):
        gate = at(b, team, GATE)
        with waiting.until(b, team) as wait:
            wait.done = b.icmp_signed("!=", b.load_atomic(gate, "acquire", 8, typ=I64), I64(CLOSED))
        with b.if_then(b.icmp_signed("==", b.load_atomic(gate, "acquire", 8, typ=I64), I64(GO))):
            b.call(work, [team, b.inttoptr(read(b, team, PROGRAM), POINTER), me])
        _put(b, state, I64(AWAKE))
        b.branch(again)
    end, late = function.append_basic_block(), function.append_basic_block()
    b.cbranch(_change(b, state, AWAKE, ASLEEP), end, late)
    b.position_at_end(late)  # a job has come at the last moment, or the order to stop
    b.cbranch(b.icmp_signed("==", b.load_atomic(state, "acquire", 8, typ=I64), I64(STOPPED)), end, again)
    b.position_at_end(end)
    b.ret_void()


def _conduct(waiting: Waiting, work: ir.Function) -> None:
    held = _held(waiting, work)
    function = waiting.function("conduct", [POINTER, I64, I64], internal=False)
    team, program, alone = function.args
    b = ir.IRBuilder(function.append_basic_block())
    together = at(b, b.inttoptr(program, POINTER), HEAD.index("together"))
    b.store(I64(0), together)
    with b.if_else(_change(b, at(b, team, HELD), 0, 1)) as (free, taken):
        with free:
            b.call(held, [team, program, alone])
            _put(b, at(b, team, HELD), I64(0))
        with taken:
            b.call(work, [team, b.inttoptr(alone, POINTER), I64(0)])
    b.ret_void()


def _held(waiting: Waiting, work: ir.Function) -> ir.Function:
    """held(team, program, alone): as conduct, by the caller who has the team."""
    function = waiting.function("held", [POINTER, I64, I64])
    team, program, alone = function.args
    b = ir.IRBuilder(function.append_basic_block())
    members = read(b, b.inttoptr(program, POINTER), HEAD.index("members"))
    with loop(b, I64(0), members) as k:
        _put(b, _counter(b, team, k), I64(0))
    b.store(program, at(b, team, PROGRAM))
    _put(b, at(b, team, GATE), I64(CLOSED))
    complete = b.alloca(I1)
    b.store(I1(1), complete)
    for asked in (True, False):  # first all are asked, then all answers awaited
        with loop(b, I64(1), members) as k, b.if_then(b.load(complete, typ=I1)):
            state = _state(b, team, k)
            with waiting.until(b, team, read(b, team, PATIENCE)) as wait:
                if asked:
                    wait.done = _change(b, state, AWAKE, POSTED)
                else:
                    wait.done = b.icmp_signed("==", b.load_atomic(state, "acquire", 8, typ=I64), I64(TAKEN))
            b.store(wait.result, complete)
    with b.if_else(b.load(complete, typ=I1)) as (together, single):
        with together:
            b.store(I64(1), at(b, b.inttoptr(program, POINTER), HEAD.index("together")))
            _put(b, at(b, team, GATE), I64(GO))
            b.call(work, [team, b.inttoptr(program, POINTER), I64(0)])
        with single:
            _put(b, at(b, team, GATE), I64(CANCELLED))
            with loop(b, I64(1), members) as k:
                _change(b, _state(b, team, k), POSTED, AWAKE)
            b.call(work, [team, b.inttoptr(alone, POINTER), I64(0)])
    with loop(b, I64(1), members) as k, waiting.until(b, team) as wait:
        state = b.load_atomic(_state(b, team, k), "acquire", 8, typ=I64)
        wait.done = b.and_(b.icmp_signed("!=", state, I64(POSTED)), b.icmp_signed("!=", state, I64(TAKEN)))
    b.ret_void()
    return function


def _run(waiting: Waiting, work: ir.Function) -> None:
    function = waiting.function("run", [POINTER, I64, I64], internal=False)
    team, program, more = function.args
    b = ir.IRBuilder(function.append_basic_block())
    with loop(b, I64(0), b.add(more, I64(1))):
        b.call(work, [team, b.inttoptr(program, POINTER), I64(0)])
    b.ret_void()


def _idle(waiting: Waiting) -> None:
    function = waiting.function("idle", [POINTER, I64, I64], internal=False)
    team, looks, _ = function.args
    b = ir.IRBuilder(function.append_basic_block())
    with waiting.until(b, team, looks) as wait:
        wait.done = b.icmp_signed("==", b.load_atomic(at(b, team, GATE), "acquire", 8, typ=I64), I64(-1))  # never
    b.ret_void()
