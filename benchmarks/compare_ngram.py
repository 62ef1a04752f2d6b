"""Held-out bits per character of a trained character model and of Kneser-Ney n-grams, on the same split.

    gated train --out runs/lstm
    python benchmarks/compare_ngram.py runs/lstm

Without a run it trains one first, with the defaults of ``gated train``, in a temporary folder. Every
model predicts each held-out character but the first; the network reads the held-out text as one
stream, its state carried from the first character to the last. The n-grams count the same training
text and know the same vocabulary.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time

from gated.errors import GatedError
from gated.learning.training.run_folder import RunFolder
from gated.models import CharacterLanguageModel, KneserNey
from gated.models.language_run import LanguageRun
from gated.models.language_settings import Corpus, Settings

Row = tuple[str, float, float]  # name, bits per character, seconds of fitting


def ngram_rows(corpus: Corpus, orders: range) -> list[Row]:
    """A Kneser-Ney model of each order."""
    rows = []
    for order in orders:
        started = time.monotonic()
        model = KneserNey(order).fit(corpus.train, len(corpus.vocabulary))
        bits = -float(model.log2_probabilities(corpus.held_out)[1:].mean())
        rows.append((f"Kneser-Ney {order}-gram", bits, time.monotonic() - started))
    return rows


def network_row(path: str, corpus: Corpus) -> Row:
    """The model of a run, and how long it was trained."""
    folder = RunFolder(path)
    model = CharacterLanguageModel.load(folder.model_file)
    if model.vocabulary != corpus.vocabulary:
        raise GatedError(f"run: got a model of other characters than those of {path}'s corpus, expected the same")
    settings = model.about["settings"]
    name = f"{settings['cell']} {settings['layers']} x {settings['hidden']}"
    seconds = max((line["seconds"] for line in folder.read_metrics()), default=0.0)
    return name, model.evaluate(corpus.held_out), seconds


def train(path: str) -> None:
    """A run with the defaults; its evaluations go to stderr."""

    def watch(update: object, run: LanguageRun, evaluated: bool) -> None:
        if evaluated:
            print(f"update {run.step} of {run.total}: {run.records.latest:.4f} bits per character", file=sys.stderr)

    LanguageRun.start(path, Settings()).run(on_update=watch)


def corpus_of(path: str) -> Corpus:
    """The text of a run, cut as the run cut it."""
    config = RunFolder(path).read_config()
    corpus = Corpus.of(Settings(**config["settings"]))
    if corpus.sha256 != config["corpus_sha256"]:
        raise GatedError(f"corpus: got another text than the run {path} learned from, expected the same")
    return corpus


def compare(path: str) -> None:
    """Print the table."""
    corpus = corpus_of(path)
    rows = [*ngram_rows(corpus, range(2, 7)), network_row(path, corpus)]
    trigram = rows[1][1]
    print(f"{len(corpus.train):,} characters to learn from, {len(corpus.held_out):,} held out")
    print(f"{'model':24} {'bits per character':>18} {'of the trigram':>15} {'seconds':>9}")
    for name, bits, seconds in rows:
        print(f"{name:24} {bits:18.4f} {bits / trigram:15.3f} {seconds:9.1f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", help="the folder of a run of gated train; without it one is trained")
    arguments = parser.parse_args()
    try:
        if arguments.run is not None:
            compare(arguments.run)
        else:
            with tempfile.TemporaryDirectory() as folder:
                train(f"{folder}/run")
                compare(f"{folder}/run")
    except GatedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
