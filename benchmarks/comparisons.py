"""What is compared with whom. To add a comparison is to add a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.points import (
    BIDIRECTIONAL,
    CAPTIONS,
    GRID,
    GRU_INFERENCE,
    LARGE,
    ONLINE,
    QUICK,
    RAGGED,
    SAMPLE,
    STREAM,
    UPDATE,
    UPDATE_GRU,
    UPDATE_PEEPHOLE,
    UPDATE_WORDS,
    Point,
    UsageError,
)

LARGE_POINTS = tuple(point for point in GRID if point.hidden >= LARGE)


@dataclass(frozen=True)
class Comparison:
    """One row per point and peer in the tables.

    Attributes:
        key: its name; `--only` takes the part before the first dot.
        title: the heading of its table.
        cell, task: what is computed (`problem.GATES`, `problem.TASKS`), or measured (`memory`, `start`).
        peer: a key of `sides.SIDES`; None where a time of our own is measured against a fixed limit.
        points: where, unless --points says otherwise.
        peer_cell: what the peer computes, if that is not the same.
        rate: compare floating point operations per second, not seconds.
        slow: takes so long to prepare that --quick does it at one point alone.
        vocabulary: of the language model that is trained, or writes.
        step: the task whose memory is measured, or the call whose Python part is.
    """

    key: str
    title: str
    cell: str
    task: str
    peer: str | None
    points: tuple[Point, ...] = GRID
    peer_cell: str = ""
    rate: bool = False
    slow: bool = False
    vocabulary: int = 0
    step: str = "train"

    @property
    def group(self) -> str:
        return self.key.partition(".")[0]

    @property
    def same_numbers(self) -> bool:
        """Whether both sides compute the same thing, which is checked before they are timed."""
        return not self.rate and self.peer_cell in ("", self.cell, "peephole" if self.cell == "user" else "")


def _update_memory() -> list[Comparison]:
    """Of whole updates of a language model with an LSTM; `update.lstm` and `update.words` are the same ones."""
    rows = (("memory.update", UPDATE, 103), ("memory.words", (UPDATE_WORDS,), 10_000))
    return [
        Comparison(
            key=key,
            title=f"Whole update of a language model, LSTM, {vocabulary} symbols, peak memory, PyTorch nn.LSTM",
            cell="lstm",
            task="memory",
            peer="torch",
            points=points,
            vocabulary=vocabulary,
            step="update",
        )
        for key, points, vocabulary in rows
    ]


def _rates() -> list[Comparison]:
    names = {"lstm": "LSTM", "gru": "GRU", "peephole": "peephole LSTM"}
    kinds = (("", "train", "training step"), (".scan", "scan", "time loops alone"))
    return [
        Comparison(
            key=f"rate.{cell}{suffix}",
            title=f"{name}: {what}, share of sgemm's rate",
            cell=cell,
            task=task,
            peer="sgemm",
            points=LARGE_POINTS,
            rate=True,
        )
        for suffix, task, what in kinds
        for cell, name in names.items()
    ]


def _updates() -> list[Comparison]:
    """Of a language model, whole, from ids to new parameters."""
    rows = (
        ("update.lstm", "lstm", "LSTM", "torch", "PyTorch nn.LSTM", UPDATE, 103),
        ("update.gru", "gru", "GRU", "torch", "PyTorch nn.GRU", (UPDATE_GRU,), 103),
        ("update.peephole", "peephole", "peephole LSTM", "jax", "JAX under jit", (UPDATE_PEEPHOLE,), 103),
        ("update.words", "lstm", "LSTM", "torch", "PyTorch nn.LSTM", (UPDATE_WORDS,), 10_000),
    )
    return [
        Comparison(
            key=key,
            title=f"Whole update of a language model, {name}, {vocabulary} symbols, {theirs}",
            cell=cell,
            task="update",
            peer=peer,
            points=points,
            vocabulary=vocabulary,
        )
        for key, cell, name, peer, theirs, points, vocabulary in rows
    ]


def _captions() -> list[Comparison]:
    """Of captioners, whole, from features and words to new parameters."""
    rows = (
        ("caption.lstm", "lstm", 120, "LSTM, 120 words"),
        ("caption.assignment", "lstm", 1004, "LSTM, the course assignment's, 1,004 words"),
        ("caption.scenes", "gru", 127, "GRU, that of `gated caption train`, 127 words"),
    )
    return [
        Comparison(
            key=key,
            title=f"Whole update of a captioner, {name}, PyTorch",
            cell=cell,
            task="caption",
            peer="torch",
            points=(CAPTIONS[words],),
            vocabulary=words,
        )
        for key, cell, words, name in rows
    ]


def _samples() -> list[Comparison]:
    """A text written by a language model, symbol after symbol."""
    rows = (
        ("sample.torch", "sample", "torch", "PyTorch"),
        ("sample.onnx", "sample", "onnx", "ONNX Runtime"),
        ("sample.model", "sample_model", "torch", "by `CharacterLanguageModel.sample`, PyTorch"),
    )
    return [
        Comparison(key, f"Sampling, LSTM, 103 symbols, {theirs}", "lstm", task, peer, (SAMPLE,), vocabulary=103)
        for key, task, peer, theirs in rows
    ]


COMPARISONS = (
    *_updates(),
    *_captions(),
    Comparison("lstm", "LSTM training, PyTorch nn.LSTM", "lstm", "train", "torch"),
    Comparison("gru", "GRU (reset after) training, PyTorch nn.GRU", "gru", "train", "torch"),
    Comparison("peephole", "Peephole LSTM training, JAX lax.scan under jit", "peephole", "train", "jax"),
    Comparison("eager", "Peephole LSTM training, PyTorch eager", "peephole", "train", "eager"),
    Comparison("compile", "Peephole LSTM training, torch.compile", "peephole", "train", "compile", QUICK, slow=True),
    Comparison("infer.torch", "LSTM inference, PyTorch nn.LSTM", "lstm", "infer", "torch"),
    Comparison("infer.onnx", "LSTM inference, ONNX Runtime", "lstm", "infer", "onnx"),
    Comparison("infer.gru", "GRU (reset after) inference, PyTorch nn.GRU", "gru", "infer", "torch", GRU_INFERENCE),
    Comparison("infer.rate", "LSTM inference, share of sgemm's rate", "lstm", "infer", "sgemm", rate=True),
    *(
        Comparison(
            f"infer.bidirectional.{peer}",
            f"Two bidirectional LSTM layers, inference, {title}",
            "lstm",
            "bidirectional",
            peer,
            BIDIRECTIONAL,
        )
        for peer, title in (("torch", "PyTorch nn.LSTM"), ("onnx", "ONNX Runtime"))
    ),
    Comparison("stream", "LSTM, one step from Python, ONNX Runtime", "lstm", "stream", "onnx", (STREAM,)),
    *_samples(),
    Comparison(
        "online.steps", "LSTM learning online, 100 steps a call, our rule in NumPy", "lstm", "online", "numpy", ONLINE
    ),
    Comparison(
        "online.step",
        "LSTM learning online, one step a call, our rule in NumPy",
        "lstm",
        "online_step",
        "numpy",
        ONLINE,
    ),
    Comparison("user.same", "A user's peephole LSTM, our built-in one", "user", "train", "gated", peer_cell="peephole"),
    Comparison("user.lstm", "A user's peephole LSTM, our built-in LSTM", "user", "train", "gated", peer_cell="lstm"),
    *_rates(),
    Comparison("memory.lstm", "LSTM training, peak memory, PyTorch nn.LSTM", "lstm", "memory", "torch"),
    Comparison("memory.gru", "GRU training, peak memory, PyTorch nn.GRU", "gru", "memory", "torch"),
    *_update_memory(),
    Comparison(
        "overhead.call", "LSTM training step, what is no machine code", "lstm", "overhead", None, (STREAM,), step="call"
    ),
    Comparison(
        "overhead.infer", "LSTM inference, what is no machine code", "lstm", "overhead", None, (STREAM,), step="infer"
    ),
    Comparison("overhead.shape", "LSTM training step, a new shape", "lstm", "overhead", None, (RAGGED,), step="passes"),
    Comparison(
        "overhead.update",
        "Whole update, LSTM, 50 symbols, a new shape",
        "lstm",
        "overhead",
        None,
        (RAGGED,),
        step="update",
    ),
    Comparison("start.cold", "Peephole LSTM, compilation, nothing in the cache", "peephole", "start", None, (STREAM,)),
    Comparison("start.cached", "Peephole LSTM, compilation, code from the cache", "peephole", "start", None, (STREAM,)),
)
GROUPS = tuple(dict.fromkeys(comparison.group for comparison in COMPARISONS))


def select(only: str | None = None, points: Sequence[Point] | None = None, quick: bool = False) -> list[Comparison]:
    """The comparisons of some groups (all if None), at their own points, those given, or a few (quick).

    Raises:
        UsageError: there is no such group.
    """
    wanted = GROUPS if only is None else tuple(word.strip() for word in only.split(","))
    for word in wanted:
        if word not in GROUPS:
            raise UsageError(f"--only: got {word!r}, expected some of {', '.join(GROUPS)}, with commas between")
    chosen = [comparison for comparison in COMPARISONS if comparison.group in wanted]
    if points is None and not quick:
        return chosen
    placed = [replace(comparison, points=_points(comparison, points, quick)) for comparison in chosen]
    return [comparison for comparison in placed if comparison.points]


def _points(comparison: Comparison, points: Sequence[Point] | None, quick: bool) -> tuple[Point, ...]:
    if comparison.points in ((STREAM,), (SAMPLE,), (RAGGED,)):
        return comparison.points
    if points is None and comparison.points not in (GRID, LARGE_POINTS, QUICK):
        return comparison.points[:2]  # of its own
    if points is None:
        points = QUICK[:1] if comparison.slow else QUICK
    return tuple(point for point in points if comparison.group != "rate" or point.hidden >= LARGE)
