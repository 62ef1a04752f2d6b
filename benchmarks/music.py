"""The polyphonic task of the papers: how well recurrent networks foretell Bach's chorales, a quarter note at a time.

    python -m benchmarks.music                      a quarter of an hour; writes results/music.json and prints the table
    python -m benchmarks.music --show               prints the table again
    python -m benchmarks.music --theirs FILE.mat    the papers' own rolls too, of somebody's copy that has traindata,
                                                    validdata and testdata (needs scipy)

Negative log-likelihood per step, in nats, summed over the 88 keys, averaged over all steps of all held-out pieces, the
first steps among them. Sizes, layers, dropout, rates and when to stop are chosen on the validation pieces alone, with
seed 0; then three seeds are trained and judged by the test pieces, once.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import gated
from benchmarks import music_table
from gated.data.music import LOWEST, MusicSplit, bach_chorales, check_roll, split_pieces, texture
from gated.data.music.splitting import passages
from gated.learning import Callback
from gated.models.music import PianoRollModel

RESULTS = Path(__file__).parent / "results" / "music.json"
CELLS = {"rnn": gated.cells.rnn, "gru": gated.cells.gru, "lstm": gated.cells.lstm}
SEEDS = range(3)
PASSES, PATIENCE, CLIP = 60, 10, 1.0
SMALL = 20_000  # parameters, about as many as the networks of Chung et al. had
MOVED = 5  # semitones
COMPOSED, STEPS = 20, 64  # rolls by which what is composed is measured


class How(NamedTuple):
    """Of a model and its training."""

    hidden: int
    layers: int
    dropout: float
    batch: int
    lr: float


GRID = tuple(
    How(*size, *rate) for size in ((64, 1, 0.0), (128, 1, 0.0), (128, 2, 0.5)) for rate in ((8, 1e-2), (4, 3e-3))
)


class Counted(Callback):
    """Which pass was the best."""

    def on_evaluation(self, run: Any, line: Any) -> None:
        self.best = run.records.best_step // run.per_epoch


def trained(cell: str, how: How, pieces: MusicSplit, seed: int, transpose: int = 0) -> tuple[PianoRollModel, Any]:
    """(the model with the parameters that are best on the validation pieces, what is told of it, without the test)."""
    counted, began = Counted(), time.perf_counter()
    model = PianoRollModel.build(
        CELLS[cell],
        pieces=pieces.train,
        hidden_size=how.hidden,
        num_layers=how.layers,
        dropout=how.dropout,
        seed=seed,
    )
    options: dict[str, Any] = {"batch": how.batch, "lr": how.lr, "clip": CLIP, "seed": seed, "transpose": transpose}
    model.fit(pieces.train, pieces.valid, epochs=PASSES, patience=PATIENCE, callbacks=[counted], **options)
    seconds = time.perf_counter() - began
    facts = {"pass": counted.best, "train": model.evaluate(pieces.train), "valid": model.evaluate(pieces.valid)}
    return model, {"cell": cell, **how._asdict(), **facts, "seconds": round(seconds, 1), "seed": seed}


def chosen(cell: str, grid: Sequence[How], pieces: MusicSplit) -> How:
    """The one that is best on the validation pieces."""
    found = {}
    for how in grid:
        found[how] = trained(cell, how, pieces, 0)[1]["valid"]
        print(f"  {cell} {how}: {found[how]:.3f} on the validation pieces", flush=True)
    return min(found, key=lambda how: found[how])


def small(cell: str) -> int:
    """Units of one layer with about SMALL parameters in all."""

    def parameters(hidden: int) -> int:
        return PianoRollModel.build(CELLS[cell], hidden_size=hidden).network.theta.size

    return min(range(20, 120), key=lambda hidden: abs(parameters(hidden) - SMALL))


def row(name: str, cell: str, how: How, pieces: MusicSplit, transpose: int = 0) -> dict[str, Any]:
    """Three seeds, judged by the test pieces."""
    runs = []
    for seed in SEEDS:
        model, facts = trained(cell, how, pieces, seed, transpose)
        runs.append({**facts, "test": model.evaluate(pieces.test)})
    found = {"name": name, "cell": cell, "how": how._asdict(), "parameters": model.network.theta.size, "runs": runs}
    tests = [run["test"] for run in runs]
    print(f"{name} {cell}: {np.mean(tests):.3f} ± {np.std(tests, ddof=1):.3f}", flush=True)
    return found


def textures(how: How, pieces: MusicSplit) -> dict[str, Any]:
    """What an LSTM composes, beside what it was judged by."""
    model, _ = trained("lstm", how, pieces, 0)
    found = {"Bach": texture(piece.roll for piece in pieces.test)._asdict()}
    for voices in (None, 4):
        for temperature in (1.0, 0.7, 0.4):
            rolls = [model.sample(STEPS, temperature=temperature, voices=voices, seed=seed) for seed in range(COMPOSED)]
            found[f"{temperature:g} {voices or 'free'}"] = texture(rolls)._asdict()
    return found


def theirs(path: str) -> MusicSplit:
    """The rolls of the papers, from a file of MATLAB."""
    from scipy.io import loadmat

    file = loadmat(path)
    return MusicSplit(*([np.asarray(roll) for roll in file[f"{name}data"][0]] for name in MusicSplit._fields))


def facts_of(pieces: MusicSplit) -> dict[str, int]:
    """What a split is made of, and what its test pieces have in common with those that are learned from."""
    rolls = [[check_roll("roll", getattr(piece, "roll", piece)) for piece in part] for part in pieces]
    whole = [roll for part in rolls for roll in part]
    learned = {passage for roll in rolls[0] for passage in passages(roll)}
    return {
        "pieces": len(whole),
        "steps": sum(map(len, whole)),
        "ending": sum((int(np.flatnonzero(roll[-1])[0]) + LOWEST) % 12 == 0 for roll in whole if roll[-1].any()),
        "test": len(rolls[2]),
        "shared": sum(not learned.isdisjoint(passages(roll)) for roll in rolls[2]),
    }


def measured(their_file: str | None) -> dict[str, Any]:
    """All figures."""
    written = split_pieces(bach_chorales())
    pieces = MusicSplit(*([piece.in_c() for piece in part] for part in written))
    best = {}
    rows = []
    for cell in CELLS:
        grid = [How(small(cell), 1, 0.0, batch, lr) for batch, lr in ((8, 1e-2), (8, 3e-3), (4, 3e-3))]
        rows.append(row("small", cell, chosen(cell, grid, pieces), pieces))
    for cell in CELLS:
        best[cell] = chosen(cell, GRID, pieces)
        rows.append(row("chosen", cell, best[cell], pieces))
    rows.append(row("written", "lstm", best["lstm"], written))
    rows.append(row("moved", "lstm", best["lstm"], written, MOVED))
    data = {"ours": facts_of(pieces)}
    if their_file is not None:
        data["theirs"] = facts_of(theirs(their_file))
        rows += [row("theirs", cell, best[cell], theirs(their_file)) for cell in CELLS]
    counts = {
        name: {"pieces": len(part), "steps": sum(len(p.roll) for p in part)} for name, part in pieces._asdict().items()
    }
    import music21

    conditions = {"gated": gated.__version__, "music21": music21.__version__, "date": time.strftime("%Y-%m-%d")}
    found = {"conditions": conditions, "pieces": counts, "rows": rows, "data": data}
    return {**found, "textures": textures(best["lstm"], pieces)}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--show", action="store_true")
    words.add_argument("--theirs", metavar="FILE.mat")
    given = words.parse_args()
    if not given.show:
        RESULTS.write_text(json.dumps(measured(given.theirs), indent=1) + "\n", encoding="utf-8")
    print(music_table.text(json.loads(RESULTS.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
