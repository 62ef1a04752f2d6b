"""A folder of pictures, each beside a text file of its name: `dog.png`, `dog.txt`.

Tux Paint's stamps (https://tuxpaint.org, Debian's package tuxpaint-stamps-default) are kept so, in many languages:

    A dog.
    de.utf8=Ein Hund.
    zh_CN.utf8=一只狗。
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gated.data.captions.caption_set import CaptionSet
from gated.data.corpora import read_text
from gated.data.pictures import SVG, Pictures, draws_svg
from gated.errors import ArgumentError, describe, shown, wrong, wrong_type

SUFFIXES = ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", SVG  # the first that is there is taken
FIRST = "en"  # the language of lines without one
LANGUAGE = re.compile(r"[a-z]{2,3}(?:_[A-Z]{2})?(?:@[a-z]+)?\Z")
LINE = re.compile(r"([a-z]{2,3}(?:_[A-Z]{2})?(?:@[a-z]+)?)\.(?:utf|UTF)-?8=(.*)\Z")


def captioned_folder(
    folder: str | os.PathLike[str],
    lang: str = FIRST,
    *,
    fallbacks: Sequence[str] = (),
    size: int = 64,
    fit: str = "pad",
) -> CaptionSet:
    """The pictures of a folder and of those in it that have a text file of the same name.

    Every line of a text file is a caption: in English (or whatever language all are in), or in the one that it begins
    with, as in `zh_CN.utf8=`. A drawing in SVG counts if cairosvg can read it here and there is no picture of pixels.

    Counted in `left_out` and passed over are pictures without a text file, text files without a picture, drawings that
    cannot be read here, and pictures without a caption in any of the languages that were asked for. `languages` counts
    in which the others have theirs.

    Args:
        folder: where they lie.
        lang: the language of the captions, such as "zh_CN"; "zh" is any Chinese; "en": lines without a language.
        fallbacks: languages that are tried in their order where there is no caption in `lang`.
        size: pixels of a side of the pictures.
        fit: see `gated.data.Pictures`.

    Returns:
        the pictures in the order of their names; `names` are their paths in the folder.

    Raises:
        ArgumentError, ArgumentTypeError: no such folder, no language, nothing in the folder.
        FileFormatError: a text file is not in UTF-8.
    """
    wanted = _languages(lang, fallbacks)
    root = Path(folder)
    if not root.is_dir():
        raise ArgumentError(f"folder: got '{shown(folder, 150)}', expected a folder of pictures and texts")
    left_out: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    known: Counter[str] = Counter()
    paths: list[Path] = []
    captions: list[list[str]] = []
    for picture, text in _beside_each_other(root, left_out):
        own = _captions(text)
        known.update(own.keys())
        language = next((found for want in wanted for found in _answers(want, own)), None)
        if language is None:
            left_out[f"without a caption in {' or '.join(wanted)}"] += 1
            continue
        languages[language] += 1
        paths.append(picture)
        captions.append(own[language])
    if not paths and known:
        most = ", ".join(language for language, _ in known.most_common(12))
        raise wrong("lang", f"{' or '.join(wanted)}, in which no picture of '{shown(folder, 100)}' has a caption",
                    f"one of {most}{' ...' if len(known) > 12 else ''}")  # fmt: skip
    if not paths:
        came = ", ".join(f"{n:,} {reason}" for reason, n in left_out.items()) or "no picture"
        raise ArgumentError(f"folder: got '{shown(folder, 150)}' with {came}, expected name.png beside name.txt")
    names = [path.relative_to(root).as_posix() for path in paths]
    pictures = Pictures(paths, size, fit=fit)
    return CaptionSet(pictures, captions, names=names, left_out=left_out, languages=dict(languages.most_common()))


def _languages(lang: Any, fallbacks: Any) -> list[str]:
    if isinstance(fallbacks, str) or not isinstance(fallbacks, Sequence):
        raise wrong_type("fallbacks", describe(fallbacks), "several languages, such as ('zh_TW', 'en')")
    for name, value in (("lang", lang), *((f"fallbacks[{k}]", value) for k, value in enumerate(fallbacks))):
        check_language(name, value)
    return list(dict.fromkeys([lang, *fallbacks]))


def check_language(name: str, value: Any) -> str:
    """`value`. Raises ArgumentError if no language could be called so."""
    if not isinstance(value, str) or not LANGUAGE.match(value):
        raise wrong(name, describe(value), "a language such as en, zh, zh_CN, sr@latin")
    return value


def _beside_each_other(root: Path, left_out: Counter[str]) -> Iterator[tuple[Path, Path]]:
    """Every picture with its text."""
    drawable = draws_svg()
    for folder, inner, files in os.walk(root):
        inner.sort()
        found: dict[str, dict[str, Path]] = {}
        for file in sorted(files):
            if not file.startswith("."):
                path = Path(folder, file)
                found.setdefault(path.stem, {}).setdefault(path.suffix.lower(), path)
        for own in found.values():
            kinds = [suffix for suffix in SUFFIXES if suffix in own]
            if not kinds and ".txt" not in own:
                continue
            if kinds == [SVG] and not drawable:
                left_out["drawings in SVG (cairosvg is not installed)"] += 1
            elif not kinds:
                left_out["text files without a picture"] += 1
            elif ".txt" not in own:
                left_out["pictures without a text file"] += 1
            else:
                yield own[kinds[0]], own[".txt"]


def _captions(path: Path) -> dict[str, list[str]]:
    """Language -> captions."""
    found: dict[str, list[str]] = {}
    for line in read_text(path).split("\n") if path.stat().st_size else ():
        match = LINE.match(line.strip())
        language, caption = (match[1], match[2]) if match else (FIRST, line)
        if caption.strip():
            found.setdefault(language, []).append(" ".join(caption.split()))
    return found


def _answers(wanted: str, own: dict[str, list[str]]) -> list[str]:
    """The languages of a picture that are the one wanted: itself, or where no country is named, that of any."""
    if wanted in own:
        return [wanted]
    return sorted(language for language in own if re.split("[_@]", language)[0] == wanted)
