"""Whether parameters have changed: packing only then (inference), or a refusal (a tape).

Inference has three kernels: the parameters are compared with copies, bit by bit.

`compare(ctx, i, n)` compares the i-th of n shares and raises flag i if a bit differs. When all have done so, and if any
flag is up, `copy(ctx, i, n)` does its share of new copies, and when these are made `renew(ctx, i, n)` of the packing:
what another thread writes meanwhile is noticed the next time. All have the same table:

    flags    address of: whether there are copies at all (0 in fresh memory), then a flag for each share
    pack     address of the table for `pack`
    jobs     see `JobTable`

A tape would have to copy all parameters at every step for that. It keeps a digest instead: `seal(ctx, i, n)` packs, and
writes the i-th of n parts of a number of 32 bits that is another one as soon as a bit has changed, but by chance. The
number, the sum of the parts, does not depend on n. The table:

    digests  address of the parts, each in cache lines of its own; how many there is room for
    pack     as above
    jobs     without copies
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from gated.backends.native.codegen.ir_tools import (
    I1,
    I64,
    POINTER,
    JobTable,
    at,
    begin,
    load_masked,
    loop,
    read,
    share_of,
    splat,
    store_masked,
)
from gated.backends.native.codegen.team import TWO_LINES
from gated.backends.native.codegen.vector_math import VectorMath

Value = Any
JOB = ("source", "copy", "size")
HEAD = ("flags", "pack")
DIGEST_JOB = ("source", "size")
DIGEST_HEAD = ("digests", "room", "pack")
STRIDE, LANE, JOB_STRIDE, FACTOR = 0x9E3779B9, 0x85EBCA6B, 0xC2B2AE35, 0x2C1B3C6D  # odd, bits without a pattern


def flags_size(members: int) -> int:
    """Bytes of the flags, which lie in cache lines of their own."""
    return 8 * TWO_LINES * (members + 1)


def emit_renewal(module: ir.Module, math: VectorMath) -> None:
    """Add the functions `compare`, `copy`, `renew` and `seal` to a module that has `pack`."""
    _compare(module, math)
    _copy(module, math)
    _renew(module)
    _seal(module, math)


def _function(module: ir.Module, name: str) -> tuple[ir.IRBuilder, Value, Value, Value, Value]:
    """A new function; its arguments, and its flags."""
    b, ctx, share, shares = begin(module, name)
    return b, ctx, share, shares, b.inttoptr(read(b, ctx, HEAD.index("flags")), POINTER)


def _flag(b: ir.IRBuilder, flags: Value, share: Value) -> Value:
    return at(b, flags, b.mul(b.add(share, I64(1)), I64(TWO_LINES)))


def _vectors(b: ir.IRBuilder, math: VectorMath, ctx: Value, share: Value, shares: Value, body: Any) -> None:
    """body(source, copy, rest) for all vectors of a share of all jobs; `rest`: lanes of a last one."""
    table = JobTable(b, at(b, ctx, len(HEAD)), JOB)
    with loop(b, I64(0), table.count) as number:
        job = table.read(b, number)
        whole = b.sdiv(job["size"], I64(math.width))
        source, copy = (b.inttoptr(job[name], POINTER) for name in ("source", "copy"))
        with loop(b, *share_of(b, whole, share, shares)) as k:
            offset = b.mul(k, I64(math.width))
            body(*(b.gep(array, [offset], source_etype=math.scalar) for array in (source, copy)), None)
        offset = b.mul(whole, I64(math.width))
        rest = b.sub(job["size"], offset)
        last = b.icmp_signed("==", share, b.sub(shares, I64(1)))
        with b.if_then(b.and_(last, b.icmp_signed(">", rest, I64(0)))):
            body(*(b.gep(array, [offset], source_etype=math.scalar) for array in (source, copy)), rest)


def _compare(module: ir.Module, math: VectorMath) -> None:
    b, ctx, share, shares, flags = _function(module, "compare")
    bits = ir.VectorType(ir.IntType(math.precision.bits), math.width)
    found = b.alloca(bits)
    b.store(ir.Constant(bits, [0] * math.width), found)

    def body(source: Value, copy: Value, rest: Value | None) -> None:
        one, other = (b.bitcast(load_masked(b, math, array, rest), bits) for array in (source, copy))
        b.store(b.or_(b.load(found, typ=bits), b.xor(one, other)), found)

    _vectors(b, math, ctx, share, shares, body)
    lanes = b.icmp_unsigned("!=", b.load(found, typ=bits), ir.Constant(bits, [0] * math.width))
    differ = b.icmp_unsigned("!=", b.bitcast(lanes, ir.IntType(math.width)), ir.IntType(math.width)(0))
    none = b.icmp_signed("==", read(b, flags, 0), I64(0))
    b.store(b.zext(b.or_(differ, none), I64), _flag(b, flags, share))
    b.ret_void()


def _changed(b: ir.IRBuilder, flags: Value, shares: Value) -> Value:
    """Whether any flag is up."""
    changed = b.alloca(I1)
    b.store(I1(0), changed)
    with loop(b, I64(0), shares) as k:
        up = b.icmp_signed("!=", b.load(_flag(b, flags, k), typ=I64), I64(0))
        b.store(b.or_(b.load(changed, typ=I1), up), changed)
    return b.load(changed, typ=I1)


def _copy(module: ir.Module, math: VectorMath) -> None:
    b, ctx, share, shares, flags = _function(module, "copy")

    def body(source: Value, copy: Value, rest: Value | None) -> None:
        store_masked(b, math, load_masked(b, math, source, rest), copy, rest)

    with b.if_then(_changed(b, flags, shares)):
        _vectors(b, math, ctx, share, shares, body)
    b.ret_void()


def _renew(module: ir.Module) -> None:
    b, ctx, share, shares, flags = _function(module, "renew")
    with b.if_then(_changed(b, flags, shares)):
        b.call(module.globals["pack"], [b.inttoptr(read(b, ctx, HEAD.index("pack")), POINTER), share, shares])
        with b.if_then(b.icmp_signed("==", share, I64(0))):
            b.store(I64(1), flags)
    b.ret_void()


def _seal(module: ir.Module, math: VectorMath) -> None:
    b, ctx, share, shares = begin(module, "seal")
    head = {name: read(b, ctx, i) for i, name in enumerate(DIGEST_HEAD)}
    b.call(module.globals["pack"], [b.inttoptr(head["pack"], POINTER), share, shares])
    word = ir.IntType(32)
    kind = ir.VectorType(word, math.width * math.precision.bits // 32)
    total = b.alloca(kind)
    b.store(ir.Constant(kind, [0] * kind.count), total)
    lanes = ir.Constant(kind, [LANE * i & 0xFFFFFFFF for i in range(kind.count)])

    def add(job: Value, source: Value, k: Value, rest: Value | None) -> None:
        """Every word is mixed with its place, so that the sum, in any order, depends on what stands where."""
        place = b.add(b.mul(b.trunc(k, word), word(STRIDE)), b.mul(b.trunc(job, word), word(JOB_STRIDE)))
        address = b.gep(source, [b.mul(k, I64(math.width))], source_etype=math.scalar)
        mixed = b.bitcast(load_masked(b, math, address, rest), kind)
        mixed = b.add(mixed, b.add(splat(b, place, kind.count), lanes))
        mixed = b.xor(mixed, b.lshr(mixed, ir.Constant(kind, [15] * kind.count)))
        mixed = b.mul(mixed, ir.Constant(kind, [FACTOR] * kind.count))
        mixed = b.xor(mixed, b.lshr(mixed, ir.Constant(kind, [13] * kind.count)))
        b.store(b.add(b.load(total, typ=kind), mixed), total)

    table = JobTable(b, at(b, ctx, len(DIGEST_HEAD)), DIGEST_JOB)
    with loop(b, I64(0), table.count) as number:
        job = table.read(b, number)
        source, whole = b.inttoptr(job["source"], POINTER), b.sdiv(job["size"], I64(math.width))
        with loop(b, *share_of(b, whole, share, shares)) as k:
            add(number, source, k, None)
        rest = b.sub(job["size"], b.mul(whole, I64(math.width)))
        last = b.icmp_signed("==", share, b.sub(shares, I64(1)))
        with b.if_then(b.and_(last, b.icmp_signed(">", rest, I64(0)))):
            add(number, source, whole, rest)
    digests, found = b.inttoptr(head["digests"], POINTER), b.load(total, typ=kind)
    part = word(0)
    for i in range(kind.count):
        part = b.add(b.mul(part, word(FACTOR)), b.extract_element(found, word(i)))
    # linear in the sums: the parts add up to the same number (of 32 bits) however many they are
    b.store(b.zext(part, I64), at(b, digests, b.mul(share, I64(TWO_LINES))))
    with b.if_then(b.icmp_signed("==", share, I64(0))), loop(b, shares, head["room"]) as k:
        b.store(I64(0), at(b, digests, b.mul(k, I64(TWO_LINES))))
    b.ret_void()
