"""The child process, in which their code runs: it answers requests until its input ends.

What they print goes nowhere, what they read is empty, what they raise is an answer; the memory is limited here, the
time by the parent, which ends this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gated.audit.foreign import manners, roles, wire
from gated.audit.foreign.find import find, others
from gated.audit.foreign.source import Source
from gated.audit.foreign.subject import Subject
from gated.audit.foreign.table import table
from gated.audit.foreign.trials import Given, Trials
from gated.errors import GatedError, shown

Array = np.ndarray[Any, Any]
Reply = tuple[dict[str, Any], dict[str, Array]]


def main() -> None:
    requests, replies = _private_pipes()
    warnings.simplefilter("ignore")
    held: dict[str, Any] = {}
    first = [json.loads(text) for text in sys.argv[1:]]  # what is asked as it starts
    del sys.argv[1:]
    while True:
        try:
            message, arrays = (first.pop(0), {}) if first else wire.read(requests)
        except EOFError:
            return
        try:
            answer, values = REQUESTS[message["do"]](held, message, arrays)
        except BaseException as error:  # noqa: BLE001 - SystemExit, KeyboardInterrupt and MemoryError are theirs too
            answer, values = {"error": one_line(error), "theirs": not isinstance(error, GatedError)}, {}
        wire.write(replies, answer, values)


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Our ends of the pipes; their standard input, output and error are nothing."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    return requests, replies


def limit_memory(size: int) -> None:
    try:
        import resource

        for kind in (resource.RLIMIT_DATA, resource.RLIMIT_CORE):
            resource.setrlimit(kind, (0, 0) if kind == resource.RLIMIT_CORE else (size, size))
    except (ImportError, ValueError, OSError):  # not on this system: the time is limited all the same
        pass


def one_line(error: BaseException) -> str:
    if isinstance(error, GatedError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"their code called sys.exit({shown(error.code, 40)})"
    if isinstance(error, MemoryError):
        return "their code asked for more memory than it may have"
    where, frame = "", error.__traceback__
    while frame is not None:
        if "audited_" in str(frame.tb_frame.f_globals.get("__name__", "")):
            where = f" (line {frame.tb_lineno})"
        frame = frame.tb_next
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg}" + (f" (line {error.lineno})" if error.lineno else "")
    return f"{type(error).__name__}: {shown(error, 160)}{where}"


def _double_precision(path: Path) -> None:
    """What PyTorch makes without being told a dtype is double, as the numbers are that their code is given."""
    if re.search(r"^\s*(import|from) torch", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE):
        with contextlib.suppress(ImportError):
            import torch

            torch.set_default_dtype(torch.float64)


def _open(held: dict[str, Any], message: Mapping[str, Any], arrays: Mapping[str, Array]) -> Reply:
    limit_memory(message["memory"])
    path = Path(message["path"]).resolve()
    home = Path(message.get("home") or path.parent)  # of a copy: the folder whose files it imports
    os.chdir(home)
    sys.path.insert(0, str(home))
    _double_precision(home / path.name)
    roles.call_states(message.get("states", {}))
    source = held["source"] = Source(str(path))
    subject = held["subject"] = find(source, message["name"])
    return {
        "style": subject.style,
        "where": list(subject.where),
        "states": list(subject.states),
        "names": subject.names,
        "one_sequence": subject.one_sequence,
        "last_only": subject.last_only,
        "equal_sizes": subject.equal_sizes,
        "one_step": subject.one_step,
        "others": others(source, subject) if message["name"] is None else [],
    }, {}


def _shapes(held: dict[str, Any], message: Mapping[str, Any], arrays: Mapping[str, Array]) -> Reply:
    subject: Subject = held["subject"]
    return {"shapes": {n: list(s) for n, s in subject.shapes(message["D"], message["H"]).items()}}, {}


def _run(held: dict[str, Any], message: Mapping[str, Any], arrays: Mapping[str, Array]) -> Reply:
    subject: Subject = held["subject"]
    if message["do"] == "forward":
        P = {n[2:]: v for n, v in arrays.items() if n.startswith("P/")}
        states = {n[2:]: v for n, v in arrays.items() if n.startswith("s/")}
        return {}, {"y": subject.forward(P, arrays["x"], states)}
    given = _given(arrays)
    found = subject.backward(given.P, given.x, given.states, given.dy)
    return {}, {n: np.asarray(v, float) for n, v in found.items()}


def _table(held: dict[str, Any], message: Mapping[str, Any], arrays: Mapping[str, Array]) -> Reply:
    return {"table": asdict(table(held["subject"], tuple(message["seeds"])))}, {}


def _manners(held: dict[str, Any], message: Mapping[str, Any], arrays: Mapping[str, Array]) -> Reply:
    return {"manners": [asdict(m) for m in manners.manners(held["subject"], held["source"])]}, {}


def _given(arrays: Mapping[str, Array], prefix: str = "") -> Given:
    held = {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}
    P = {n[2:]: v for n, v in held.items() if n.startswith("P/")}
    states = {n[2:]: v for n, v in held.items() if n.startswith("s/")}
    return Given(P, held["x"], states, held["dy"])


def _trials(held: dict[str, Any]) -> Trials:
    if "trials" not in held:
        held["trials"] = Trials(held["subject"])
    trials: Trials = held["trials"]
    return trials


def _backward_only(held: dict[str, Any], message: Mapping[str, Any], arrays: Mapping[str, Array]) -> Reply:
    return {"functions": [list(path) for path in _trials(held).backward_only(_given(arrays))]}, {}


def _worth(held: dict[str, Any], message: Mapping[str, Any], arrays: Mapping[str, Array]) -> Reply:
    quantities = {n[2:]: v for n, v in arrays.items() if n.startswith("q/")}
    found = _trials(held).worth(message["text"], message["statements"], quantities, _given(arrays))
    return {"worth": found}, {}


def _edits(held: dict[str, Any], message: Mapping[str, Any], arrays: Mapping[str, Array]) -> Reply:
    batch = _given(arrays, "batch/") if message["batch"] else None
    outcomes = _trials(held).run(message["text"], message["edits"], _given(arrays), batch, message["again"])
    shapes = {n: tuple(shape) for n, shape in message["shapes"]}
    if not shapes:
        shapes = next(({n: v.shape for n, v in o.gradients.items()} for o in outcomes if o.gradients), {})
    said = []
    for outcome in outcomes:
        whole = {n: v.shape for n, v in outcome.gradients.items()} == shapes and bool(shapes)
        said.append([whole, list(outcome.changed), list(outcome.uneven), outcome.stale])
    rows = [
        np.concatenate([o.gradients[n].ravel() for n in shapes])
        for o, (whole, *_) in zip(outcomes, said, strict=True)
        if whole
    ]
    about = {"shapes": [[n, list(s)] for n, s in shapes.items()], "outcomes": said}
    return about, {"gradients": np.stack(rows) if rows else np.zeros((0, 0))}


REQUESTS: dict[str, Callable[[dict[str, Any], Mapping[str, Any], Mapping[str, Array]], Reply]] = {
    "open": _open,
    "shapes": _shapes,
    "forward": _run,
    "backward": _run,
    "table": _table,
    "manners": _manners,
    "backward_only": _backward_only,
    "worth": _worth,
    "edits": _edits,
}
