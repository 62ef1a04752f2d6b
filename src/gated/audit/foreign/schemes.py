"""How their parameters may be shaped, where no function of theirs makes them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gated.audit.foreign import roles, subject

SWAPPED = {"W": "U", "U": "W"}


@dataclass(frozen=True)
class Scheme(subject.Scheme):
    """apart: gates stand along an axis of their own, (4, H, D). one_block: parameters that are those of the candidate
    alone, where the others are those of both gates of a GRU."""

    apart: bool = False
    one_block: frozenset[str] = frozenset()

    def shape(self, name: str, D: int, H: int) -> tuple[int, ...]:
        if self.families[name] == "1WU":
            units, inputs = self.blocks * H, D + H + 1
            return (units, inputs) if self.transposed else (inputs, units)
        if name in self.one_block:
            return subject.Scheme(1, self.in_one, self.transposed, self.bias, False, self.families).shape(name, D, H)
        return super().shape(name, D, H)

    def theirs(self, name: str, D: int, H: int) -> tuple[int, ...]:
        """The shape in which they have it."""
        shape = self.shape(name, D, H)
        if not self.apart or shape[0] != self.blocks * H:
            return shape
        return (self.blocks, H, *shape[1:])


def schemes(of: Any) -> Iterator[Scheme]:
    """Shapes that the parameters of a pair of functions may have, the likeliest first."""
    names = tuple(of.parameters)
    if of.elementwise:
        yield Scheme(elementwise=True, families=dict.fromkeys(names, "W"))
        return
    for families, in_one in _families(names):
        blocks, one_block = _blocks(of, names, families)
        columns = of.layout.startswith(("D", "TD|", "DT")) or "n" in of.layout or of.one_sequence
        has_vectors = any(family in "bp" for family in families.values())
        biases = ("flat", "column", "row") if has_vectors else ("flat",)
        for k, flipped, bias in itertools.product(blocks, (columns, not columns), biases):
            yield Scheme(k, in_one, flipped, bias, False, families)
        for flipped, bias in itertools.product((columns, not columns), biases if one_block else ()):
            yield Scheme(2, in_one, flipped, bias, False, families, one_block=one_block)
        for k in blocks:
            if k > 1:
                yield Scheme(k, in_one, True, "flat", False, families, apart=True)


def _families(names: tuple[str, ...]) -> Iterator[tuple[dict[str, str], bool]]:
    """(families, one matrix on [h, x])"""
    apart = {n: roles.family(n, names, False) for n in names}
    if not any(family == "U" for family in apart.values()):
        yield {n: roles.family(n, names, True) for n in names}, True
        if set(apart.values()) == {"W"}:  # and a row for the bias
            yield dict.fromkeys(names, "1WU"), True
    yield apart, False
    matrices = [n for n, family in apart.items() if family in ("U", "W")]
    if 0 < sum(apart[n] == "U" for n in matrices) * 2 < len(matrices):  # Wz, Wr, Wh on [h, x]: that h is the candidate
        yield {n: "WU" if n in matrices else family for n, family in apart.items()}, True
    if {"U", "W"} <= set(apart.values()):  # W for the recurrent matrix, as one well-known text has it
        yield {n: SWAPPED.get(family, family) for n, family in apart.items()}, False
    if "p" in apart.values():  # peepholes that are whole matrices
        yield {n: "U" if family == "p" else family for n, family in apart.items()}, False
    yield from _by_words(apart)
    if len(names) == 3 and not all(n[:1].isupper() for n in names):  # in words of another language
        yield from ((dict(zip(names, kinds, strict=True)), False) for kinds in itertools.permutations("WUb"))


def _by_words(apart: dict[str, str]) -> Iterator[tuple[dict[str, str], bool]]:
    """Where names do not say which matrices are recurrent: those of one of two kinds that share a word or a letter."""
    matrices = [n for n, family in apart.items() if family in ("W", "U")]
    for key in (lambda n: n[-1], lambda n: n[0], lambda n: n.rpartition("_")[2], lambda n: n.partition("_")[0]):
        kinds = list(dict.fromkeys(map(key, matrices)))
        counts = {kind: sum(key(n) == kind for n in matrices) for kind in kinds}
        if len(kinds) != 2 or len(set(counts.values())) != 1:
            continue
        for recurrent in reversed(kinds):
            found = {n: "U" if key(n) == recurrent else "W" for n in matrices}
            if found != {n: apart[n] for n in matrices}:
                yield {**apart, **found}, False


def _blocks(of: Any, names: tuple[str, ...], families: dict[str, str]) -> tuple[list[int], frozenset[str]]:
    """How many gates may be stacked in one array; the parameters of the candidate of a GRU, if it is apart."""
    matrices = [n for n in names if families[n] in ("W", "U", "WU")]
    words = {roles.gate_word(n) for n in matrices} - {"", "h", "y"}
    text = "_".join([*of.where, of.source.path.stem]).lower()
    gated = {4: "lstm", 3: "gru", 1: "rnn"}
    likely = sorted(gated, key=lambda k: gated[k] not in text)
    many = len(matrices) > 3
    candidates = frozenset(n for n in names if roles.gate_word(n) in roles.HINTS["n"] | {"hat", "cand"})
    pair = frozenset() if not many or len(candidates) == len(names) else candidates
    return ([1] if many and words else likely), pair
