"""`gated classify`: data from files, a classifier that learns or one that has learned, what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from gated.cli.classify_folder import ClassificationFolder, predictions_text
from gated.cli.load_cell import load_cell
from gated.data.series import SequenceSet, read_sequences
from gated.errors import ArgumentError, require_extra, shown, wrong
from gated.files.atomic import write_atomically
from gated.models.classification.outcome import Outcome
from gated.models.classification.page import classifier_report, too_few
from gated.models.classification.scores import Scores
from gated.models.classification.trial import Trial, with_folds, with_held_out, with_model, with_test
from gated.models.classification.words import WORDS
from gated.number_checks import one_of

COLUMNS = ("label", "sequence", "time", "group", "drop")
ARGUMENTS = {
    "cell": "cell",
    "hidden": "hidden_size",
    "layers": "num_layers",
    "bidirectional": "bidirectional",
    "pooling": "pooling",
    "dropout": "dropout",
    "epochs": "epochs",
    "batch": "batch_size",
    "lr": "learning_rate",
    "early_stopping": "early_stopping",
}  # option -> argument of SequenceClassifier
LEARNING = (*ARGUMENTS, "balanced", "test", "folds", "held_out", "verbose")
CORNER = "true \\ said"
MOST_SHOWN = 12  # classes of a table on the screen, and predictions


def run_classification(values: Mapping[str, Any], given: Sequence[str]) -> None:
    """`values`: all options by name; `given`: names of those that the user wrote."""
    one_of("lang", values["lang"], "en", "zh")
    require_extra("sklearn", "sklearn")
    folder = ClassificationFolder(values["out"] or f"runs/classify-{Path(values['data']).stem}")
    if values["model"] is not None:
        _with_saved(values, given, folder)
        return
    if sum(name in given for name in ("test", "folds", "held_out")) > 1:
        raise ArgumentError("folds: got two of --test, --folds and --held-out, expected one of them")
    folder.look(values["overwrite"])
    data = _read(values["data"], values, given)
    typer.echo(f"data    {data.name}: {data.told()}")
    make, seed, begun = _maker(values), values["seed"], time.monotonic()
    test = None if values["test"] is None else _read(values["test"], values, given)
    try:
        if test is not None:
            trial = with_test(make, data, test)
        elif values["folds"] is not None:
            trial = with_folds(make, data, values["folds"], seed)
        else:
            trial = with_held_out(make, data, values["held_out"], seed)
    except KeyboardInterrupt:
        typer.echo("stopped: nothing is written; --epochs makes it shorter, --verbose tells how far it is", err=True)
        raise
    found = replace(trial.outcome, about=_about(trial, values, time.monotonic() - begun))
    _tell(found, trial.classifier)
    folder.prepare(values["overwrite"])
    trial.classifier.save(folder.model_file)
    _write(folder, found, values["lang"])
    typer.echo(f"the model: {folder.model_file}")


def _with_saved(values: Mapping[str, Any], given: Sequence[str], folder: ClassificationFolder) -> None:
    """What a saved model says; with labels, how often it is right."""
    from gated.models import SequenceClassifier

    for name in LEARNING:
        if name in given:
            raise ArgumentError(f"{name}: got it together with --model, which learns no more, expected one of the two")
    path = Path(values["model"])
    path = path / "model.safetensors" if path.is_dir() else path
    if path.exists() and folder.model_file.exists() and path.samefile(folder.model_file):
        raise wrong("out", f"{str(folder.path)!r}, where the model lies", "another one: what is there is removed first")
    classifier = SequenceClassifier.load(path)
    folder.look(values["overwrite"])
    data = _read(values["data"], values, given, optional=True)
    typer.echo(f"data    {data.name}: {data.told()}")
    if data.y is not None:
        found = replace(with_model(classifier, data), about={"model": str(path)})
        _tell(found, classifier)
        folder.prepare(values["overwrite"])
        _write(folder, found, values["lang"])
        return
    probabilities = classifier.predict_proba(data.x)
    text = predictions_text(data, classifier.classes_, probabilities)
    for row in text.splitlines()[: MOST_SHOWN + 1]:
        typer.echo(row)
    if len(data) > MOST_SHOWN:
        typer.echo(f"and {len(data) - MOST_SHOWN:,} more")
    folder.prepare(values["overwrite"])
    write_atomically(folder.predictions_file, text.encode())
    typer.echo(f"all of them: {folder.predictions_file}")


def _read(path: str, values: Mapping[str, Any], given: Sequence[str], optional: bool = False) -> SequenceSet:
    """`optional`: a table has labels only if the user names the column."""
    columns = {name: values[name] for name in COLUMNS if name in given}
    if Path(path).suffix.lower() == ".csv" and "label" not in given:
        columns["label"] = None if optional else values["label"]
    return read_sequences(path, **columns)


def _maker(values: Mapping[str, Any]) -> Callable[[], Any]:
    """Fresh classifiers with these options; what was not given is the classifier's own default."""
    from gated.models import SequenceClassifier

    options = {own: values[name] for name, own in ARGUMENTS.items() if values[name] is not None}
    if ".py" in str(options.get("cell", "")):
        options["cell"] = load_cell(options["cell"])
    if values["balanced"]:
        options["class_weight"] = "balanced"
    return lambda: SequenceClassifier(**options, random_state=values["seed"], verbose=values["verbose"])


def _about(trial: Trial, values: Mapping[str, Any], seconds: float) -> dict[str, str]:
    """How it was made, for the page."""
    from gated import __version__

    own = trial.classifier
    cell = own.cell if isinstance(own.cell, str) else own.cell.name
    return {
        "data": f"{values['data']}{' / ' + values['test'] if values['test'] else ''}",
        "cell": cell,
        "layers": f"{own.num_layers} x {own.hidden_size}{' x 2' if own.bidirectional else ''}",
        "parameters": f"{own.network_.theta.size:,}",
        "pooling": own.pooling,
        "dropout": f"{own.dropout:g}",
        "passes": f"{own.n_iter_}",
        "seconds": f"{seconds:.1f}",
        "seed": f"{values['seed']}",
        "gated": __version__,
    }


def _tell(found: Outcome, classifier: Any) -> None:
    """Scores and the confusion matrix, for a terminal."""
    if found.folds:
        typer.echo(f"split   {found.folds} parts, each judged by what learned from the others")
    elif found.learned:
        typer.echo(f"split   {found.learned:,} to learn from, {len(found.held_out):,} to judge by")
    name = type(classifier).__name__
    rows: dict[str, Scores] = {name: found.scores}
    words = {"nearest": "nearest neighbour", "commonest": "commonest class"}
    rows |= {words[key]: found.yardstick(key) for key in found.yardsticks}
    width = max(map(len, rows))
    typer.echo(f"\n{'':{width}}  accuracy  {'95% interval':>15}  mean over classes")
    for row, own in rows.items():
        low, high = own.interval
        between = f"{100 * low:.1f} to {high:.1%}"
        typer.echo(f"{row:{width}}  {own.accuracy:8.1%}  {between:>15}  {own.balanced:17.1%}")
    if found.scores.few:
        typer.echo(f"\n{too_few(found, WORDS['en'])}")
    typer.echo("\n" + matrix_text(found.scores) + "\n")


def matrix_text(scores: Scores) -> str:
    """The confusion matrix in columns; of many classes only the pairs that are confused most."""
    names = [shown(own, 16) for own in scores.classes]
    if len(names) > MOST_SHOWN:
        wrong = scores.confusion.copy()
        wrong[range(len(names)), range(len(names))] = 0
        order = (-wrong).ravel().argsort(kind="stable")[:5]
        pairs = [(int(k) // len(names), int(k) % len(names)) for k in order if wrong.ravel()[k]]
        found = [f"  {names[i]} taken for {names[j]}: {wrong[i, j]:,}" for i, j in pairs]
        return "\n".join(["confused most", *found]) if found else "none is confused"
    left = max(*map(len, names), len(CORNER))
    widths = [max(len(name), len(f"{scores.confusion[:, k].max():,}")) for k, name in enumerate(names)]
    head = f"{CORNER:{left}}" + "".join(f"  {name:>{w}}" for name, w in zip(names, widths, strict=True))
    lines = [
        f"{name:{left}}" + "".join(f"  {count:>{w},}" for count, w in zip(row, widths, strict=True))
        for name, row in zip(names, scores.confusion.tolist(), strict=True)
    ]
    return "\n".join([head, *lines])


def _write(folder: ClassificationFolder, found: Outcome, lang: str) -> None:
    folder.write_predictions(found.held_out, found.classes, found.probabilities)
    write_atomically(folder.report_file, classifier_report(found, lang).encode())
    typer.echo(f"the page with pictures and gates: {folder.report_file}")
