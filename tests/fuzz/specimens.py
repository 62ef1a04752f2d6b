"""Whole files of every kind that gated reads, and how each is read: as a user's program or command would."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import gated
from gated.data import Vocabulary
from gated.experiments import ReportFolder
from gated.experiments.contest import Settings as ContestSettings
from gated.experiments.contest import Trial, from_document, to_document
from gated.interop.model_file import load_model, save_model
from gated.learning import Adam, Online
from gated.losses import SquaredError
from gated.models import CharacterLanguageModel, LanguageModel
from gated.models.language_run import LanguageRun
from gated.models.language_settings import Settings
from gated.nn import network_from_config

KIND = "test network"
TEXT = "the cat sat on the mat.\n" * 12


@gated.cell
def bare(x, h):
    """A cell without parameters."""
    h = 0.5 * h + 0.5 * x
    return h


class Specimens:
    """Makes the files in a folder; :meth:`read` reads a mutant of one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.run = folder, folder / "run"
        folder.mkdir(parents=True, exist_ok=True)
        text = folder / "corpus.txt"
        text.write_text(TEXT)
        settings = Settings(corpus=str(text), hidden=3, embed=2, batch=2, window=8, steps=6, log_every=1)
        run = LanguageRun.start(str(self.run), settings)
        run.draw = lambda: None  # type: ignore[method-assign]
        run.run()
        self.learner = Online(_online(), "online", Adam(0.01), SquaredError())
        self.learner.step(np.ones(2), np.ones(1))
        self.learner.save(folder / "online")
        CharacterLanguageModel.build(Vocabulary(TEXT), hidden_size=3, embedding_size=2).save(folder / "model")
        LanguageModel.build(TEXT, units="words", hidden_size=3, embedding_size=2).save(folder / "words")
        save_model(folder / "network", KIND, _network(), {"note": {"a": [1, 2.5, None, "x"]}})
        (folder / "cell").write_text(json.dumps(gated.cells.peephole_lstm.to_json()))
        (folder / "description").write_text(json.dumps(_network().config()))
        results = ReportFolder(folder / "report")
        results.start()
        results.write_results(to_document(*_contest()))
        self.whole = {
            kind: path.read_bytes()
            for kind, path in {
                **{kind: folder / kind for kind in ("model", "words", "network", "online", "cell", "description")},
                "checkpoint": self.run / "checkpoint.safetensors",
                "config": self.run / "config.json",
                "metrics": self.run / "metrics.jsonl",
                "results": folder / "report" / "results.json",
            }.items()
        }
        self._places = {"config": "config.json", "metrics": "metrics.jsonl", "checkpoint": "checkpoint.safetensors"}
        self._readers: dict[str, Callable[[Path], Any]] = {
            "model": lambda path: self._model(path, CharacterLanguageModel),
            "words": lambda path: self._model(path, LanguageModel),
            "network": self._saved_network,
            "online": self._online,
            "cell": lambda path: use(gated.Cell.from_json(parsed(path))),
            "description": self._description,
            "results": self._results,
            **dict.fromkeys(self._places, self._resume),
        }

    def place(self, kind: str) -> Path:
        """Where a mutant of this kind is to lie."""
        if kind == "results":
            return self.folder / "report" / "results.json"
        return self.run / self._places[kind] if kind in self._places else self.folder / f"mutant-{kind}"

    def read(self, kind: str) -> None:
        """Read the mutant, and use what was read; one in eight is compiled besides, which takes longest."""
        self._compiles = zlib.crc32(self.place(kind).read_bytes()) % 8 == 0
        self._readers[kind](self.place(kind))

    def restore(self, kind: str) -> None:
        """Put the whole files of the run back."""
        for other, name in self._places.items():
            (self.run / name).write_bytes(self.whole[other])

    def _model(self, path: Path, kind: type[LanguageModel]) -> None:
        model = kind.load(path)
        model.vocabulary.decode(model.vocabulary.encode_all(TEXT)[0])
        use_network(model.network, self._compiles)
        model.save(path.with_name("again"))  # what could be read can be written, and read again
        kind.load(path.with_name("again"))

    def _saved_network(self, path: Path) -> None:
        network, documents = load_model(path, KIND, ("note",))
        use_network(network, self._compiles)
        save_model(path.with_name("again"), KIND, network, documents)
        assert load_model(path.with_name("again"), KIND, ("note",))[1] == documents

    def _online(self, path: Path) -> None:
        self.learner.load(path)
        self.learner.save(path.with_name("again"))
        self.learner.load(path.with_name("again"))

    def _description(self, path: Path) -> None:
        # There is no file whose numbers bound the lengths: one that holds as many as the specimen is meant.
        left = [1000]

        def claimed(name: str, shape: tuple[int, ...], dtype: str) -> None:
            left[0] -= int(np.prod(shape, dtype=object))
            if left[0] < 0:
                raise gated.errors.FileFormatError("network: more numbers than there are")

        use_network(network_from_config(parsed(path), claimed), self._compiles)

    def _resume(self, path: Path) -> None:
        run = LanguageRun.resume(str(self.run))
        run.folder.read_metrics()
        run.checkpoint()
        run.folder.lock.give()

    def _results(self, path: Path) -> None:
        from_document(ReportFolder(path.parent).read_results())


def parsed(path: Path) -> Any:
    """The JSON in a file; where that is none, the mutant is of no use here."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise gated.errors.FileFormatError("no JSON") from None


def use_network(network: Any, compiles: bool) -> None:
    """What people do first with a network from a file: look at it, and let it make a step."""
    assert len(repr(network)) < 100_000
    for layer in network.layers.values():
        if hasattr(layer, "cell"):
            use(layer.cell)
    if compiles:
        first = next(network.parts())[1]
        ids = isinstance(first, gated.Embedding)
        network.infer(np.zeros((1, 1), np.int64) if ids else np.zeros((1, 1, first.input_size), network.dtype))


def use(cell: Any) -> None:
    """The same for a cell."""
    assert len(str(cell)) < 1_000_000
    assert len(cell.derive()) < 10_000_000
    assert gated.Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell


def _online() -> Any:
    return gated.Network({"rnn": gated.LSTM(2, 2, dtype="float64"), "head": gated.Dense(2, 1, dtype="float64")})


def _network() -> Any:
    tied = gated.RNN(2, 2)
    return gated.Network({
        "inner": gated.Network({"first": gated.GRU(2, 2, bidirectional=True), "second": gated.Dense(4, 2, "tanh")}),
        "bare": gated.Recurrent(bare, 2, 2, 3),
        "third": tied,
        "fourth": tied,
        "fifth": gated.LSTM(2, 3, 2, bias=False, proj_size=2),
        "head": gated.Dense(2, 2, bias=False),
    })  # fmt: skip


def _contest() -> tuple[ContestSettings, list[Trial]]:
    settings = ContestSettings("reber", {}, ("online",), ("lstm",), 1, 4, 1, 4, 100, 50, 1, {"online": 0.1})
    return settings, [Trial("online", "lstm", 0, 9, [50, 100], {"hard": [0.5, 1.0]}, [False, True])]
