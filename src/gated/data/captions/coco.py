"""COCO's files of captions (https://cocodataset.org/#format-data): `captions_train2014.json` and the like."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from gated.data.captions.caption_set import CaptionSet
from gated.data.corpora import read_text
from gated.data.pictures import Pictures
from gated.errors import ArgumentError, FileFormatError, describe, shown
from gated.files.json_text import from_text


def coco_captions(
    annotations: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    *,
    size: int = 224,
    fit: str = "crop",
) -> CaptionSet:
    """Images and captions that a file in COCO's format names.

    Counted in `left_out` and passed over are images whose file is not in the folder, images without captions, captions
    of images that are not listed, and captions without a letter.

    Args:
        annotations: of the JSON file, with `images` (`id`, `file_name`) and `annotations` (`image_id`, `caption`).
        images: the folder of the images; None: captions alone, for features that are known.
        size: pixels of a side of the pictures.
        fit: see `gated.data.Pictures`.

    Returns:
        the images in the order of the file; `names` are their file names.

    Raises:
        ArgumentError: no such file or folder, or none of the images is in it.
        FileFormatError: the file is no JSON, or not of this format; the message tells where.
    """
    name = f"'{shown(annotations, 150)}'"
    try:
        data = from_text(read_text(annotations))
    except FileFormatError:
        raise
    except ValueError as error:
        if isinstance(error, ArgumentError):  # there is no such file
            raise
        raise FileFormatError(f"{name}: got bad JSON ({shown(error, 80)}), expected COCO's captions") from None
    listed = _listed(name, data)
    left_out: Counter[str] = Counter()
    captions: dict[Any, list[str]] = {number: [] for number in listed}
    for k, entry in enumerate(_list(name, data, "annotations")):
        number, caption = _pair(f"{name}: annotations[{k}]", entry, "image_id", "caption")
        text = " ".join(caption.split())
        if number not in captions:
            left_out["captions of images that are not listed"] += 1
        elif not text:
            left_out["empty captions"] += 1
        else:
            captions[number].append(text)
    found = {number: file for number, file in listed.items() if captions[number]}
    left_out["images without captions"] = len(listed) - len(found)
    if not found:
        raise FileFormatError(f"{name}: got no image with a caption, expected at least one")
    if images is not None:
        found, missing = _present(Path(images), found)
        left_out["images whose file is missing"] = missing
    files = list(found.values())
    pictures = None if images is None else Pictures([Path(images, file) for file in files], size, fit=fit)
    return CaptionSet(pictures, [captions[number] for number in found], names=files, left_out=left_out)


def _present(folder: Path, listed: dict[Any, str]) -> tuple[dict[Any, str], int]:
    if not folder.is_dir():
        raise ArgumentError(f"images: got '{shown(folder, 150)}', expected the folder of the images")
    found = {number: file for number, file in listed.items() if (folder / file).is_file()}
    if not found:
        first = shown(next(iter(listed.values())), 80)
        raise ArgumentError(
            f"images: got '{shown(folder, 150)}', in which none of {len(listed):,} images lies, expected '{first}' ..."
        )
    return found, len(listed) - len(found)


def _listed(name: str, data: Any) -> dict[Any, str]:
    """The file name of every image, by its number."""
    found: dict[Any, str] = {}
    for k, entry in enumerate(_list(name, data, "images")):
        place = f"{name}: images[{k}]"
        number, file = _pair(place, entry, "id", "file_name")
        path = PurePosixPath(file)
        if not file or path.is_absolute() or ".." in path.parts or "\0" in file or "\\" in file:
            raise FileFormatError(f"{place}: got the file name '{shown(file, 60)}', expected one within the folder")
        if number in found:
            raise FileFormatError(f"{place}: got the id {number} a second time, expected different ones")
        found[number] = file
    return found


def _list(name: str, data: Any, key: str) -> list[Any]:
    value = data.get(key) if isinstance(data, dict) else None
    if not isinstance(value, list):
        raise FileFormatError(f"{name}: got no list under '{key}', expected COCO's images and annotations")
    return value


def _pair(place: str, entry: Any, number: str, text: str) -> tuple[int, str]:
    """The whole number and the text of an entry."""
    if not isinstance(entry, dict) or type(entry.get(number)) is not int or not isinstance(entry.get(text), str):
        came = shown(describe(entry), 60)
        raise FileFormatError(f"{place}: got {came}, expected a whole number '{number}' and a text '{text}'")
    return entry[number], entry[text]
