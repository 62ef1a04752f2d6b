"""`gated caption show` and `gated caption report`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer

from gated.cli.saved_model import saved_model
from gated.data.scenes import ATTRIBUTES, draw, random_scene, write_caption
from gated.errors import ArgumentError, FileFormatError, require_extra, shown
from gated.files.atomic import write_atomically
from gated.learning.training.run_folder import RunFolder
from gated.models.captioner import Captioner
from gated.models.captioner.report import Shown, movements, scene_report
from gated.models.captioner.scene_run import Scores, scores_of
from gated.models.captioner.scene_settings import SceneData, SceneSettings, settings_from
from gated.models.captioner.sight import Sight
from gated.models.pages import share
from gated.number_checks import not_negative, whole, whole_above_zero


def show_caption(
    picture: str | None,
    run: str,
    beams: int,
    temperature: float,
    count: int,
    seed: int,
    where: str,
    gates: bool,
    vision: str | None,
) -> None:
    """Print the caption of a picture, or of a scene that is drawn."""
    captioner = load_captioner(run)
    whole_above_zero("count", count)
    sight = Sight.of(captioner.about)
    if sight is not None:
        if picture is None:
            raise ArgumentError("picture: got None, expected one: the captioner learned from pictures, not from scenes")
        pixels: Any = sight.see(picture, vision)
    elif vision is not None:
        raise ArgumentError(f"vision: got {vision!r}, expected none: the captioner did not learn with such a model")
    elif captioner.eye.filters is None:
        raise ArgumentError("run: got a captioner that learned from features, expected one that sees pictures")
    elif picture is None:
        scene = random_scene(whole("seed", seed, 0))
        pixels = draw(scene)
        image = require_extra("PIL.Image", "pictures")
        image.fromarray(pixels).resize((256, 256), image.Resampling.NEAREST).save(where)
        typer.echo(f"drawn into {where}: {write_caption(scene, seed, _language(captioner))}")
    else:
        pixels = read_picture(picture)
    for k in range(count if not_negative("temperature", temperature) else 1):
        options: dict[str, Any] = {"temperature": temperature, "beams": beams, "seed": seed + k}
        if not gates:
            typer.echo(captioner.sample(pixels, **options)[0])
            continue
        found = captioner.explain(pixels, **options)
        typer.echo(found.caption)
        moved = movements(found)
        width = max(len(word) for word in found.words)
        typer.echo(f"{'':{width}}  " + "  ".join(f"{name:>5}" for name in moved))
        for t, word in enumerate(found.words):
            typer.echo(f"{word:{width}}  " + "  ".join(f"{own[t]:5.2f}" for own in moved.values()))


def _language(captioner: Captioner) -> str:
    """In which a run of scenes was made."""
    settings = captioner.about.get("settings")
    return "zh" if isinstance(settings, dict) and settings.get("lang") == "zh" else "en"


def read_picture(path: str) -> Any:
    """(S, S', 3) uint8.

    Raises:
        ArgumentError: there is no such file.
        FileFormatError: it is no picture.
    """
    image = require_extra("PIL.Image", "pictures")
    if not Path(path).is_file():
        raise ArgumentError(f"picture: got {path!r}, which is no file, expected a picture such as a PNG file")
    try:
        with image.open(path) as found:
            return np.asarray(found.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise FileFormatError(f"{path!r}: got no picture that can be read ({shown(error, 60)})") from None


def load_captioner(run: str) -> Captioner:
    """The captioner of a run's folder, or of a model file itself."""
    return Captioner.load(saved_model(run, "captioner", "gated caption train"))


def write_report(run: str, beside: Sequence[str], count: int, beams: int, output: str | None) -> None:
    """Write the page of a run, with others in the table."""
    whole_above_zero("count", count)
    folder = RunFolder(run)
    found: dict[str, Scores] = {}
    data: dict[SceneSettings, SceneData] = {}
    lang = "en"
    for path in [run, *beside]:
        own = RunFolder(path)
        settings = _settings(own)
        lang = settings.lang if path == run else lang
        if settings.lang != lang:
            raise ArgumentError(f"beside: got {path!r} in {settings.lang}, expected a run in {lang}")
        name = settings.cell if settings.cell not in found else f"{settings.cell} ({Path(path).name})"
        if settings not in data:
            data[settings] = _held_out(settings)
        found[name] = scores_of(load_captioner(path), data[settings], lang, beams)
    page = report_of(folder, found, next(iter(data.values())), count)
    where = folder.report_file if output is None else Path(output)
    write_atomically(where, page.encode())
    typer.echo(score_table(found))
    typer.echo(f"the page: {where}")


def report_of(folder: RunFolder, scores: Mapping[str, Scores], data: SceneData, count: int = 12) -> str:
    """The page of a run with these pictures."""
    settings = _settings(folder)
    columns = [Shown(name, own.seen, own.unseen) for name, own in scores.items()]
    captioner = load_captioner(str(folder.path))
    return scene_report(
        captioner, data.seen, data.unseen, columns, lang=settings.lang, count=count, pairs=data.unseen_pairs
    )


def score_table(scores: Mapping[str, Scores]) -> str:
    """How many captions are right, for a terminal."""
    names = list(scores)
    width = max(12, *(len(name) for name in names))
    head = f"{'':24}" + "".join(f"{name:>{width}} seen  unseen" for name in names)
    rows = [head]

    def row(name: str, of: Any) -> str:
        cells = "".join(f"{share(of(own.seen)):>{width + 5}}  {share(of(own.unseen)):>6}" for own in scores.values())
        return f"{name:24}{cells}"

    rows.append(row("captions wholly right", lambda score: score.right))
    rows.append(row("of the grammar", lambda score: score.parsed))
    rows += [row(f"  {name}", lambda score, name=name: score.attributes[name]) for name in ATTRIBUTES]
    return "\n".join(rows)


def _settings(folder: RunFolder) -> SceneSettings:
    return settings_from(str(folder.config_file), folder.read_config().get("settings"), {})


def _held_out(settings: SceneSettings) -> SceneData:
    """The pictures of a run again: one caption each is enough."""
    return SceneData.of(SceneSettings(**{**vars(settings), "captions": 1}))
