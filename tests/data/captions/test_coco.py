"""COCO's file of captions and its folder of images; what is missing is counted, what is damaged is refused."""

from __future__ import annotations

import json

import pytest

from gated.data.captions import coco_captions
from gated.errors import ArgumentError, FileFormatError

from .makers import coco

CAPTIONS = {"b.png": ["A dog  runs.\n", "Dogs."], "a.jpg": ["A cat."], "c.png": ["One.", "Two.", "Three."]}


def test_images_with_their_captions(tmp_path):
    found = coco_captions(coco(tmp_path, CAPTIONS), tmp_path / "images", size=8)
    assert found.names == list(CAPTIONS) and found.left_out == {}
    assert found.captions == [["A dog runs.", "Dogs."], ["A cat."], ["One.", "Two.", "Three."]]
    assert found.pictures[:].shape == (3, 8, 8, 3) and (found.pictures[0] == (255, 0, 0)).all()
    assert repr(found) == "<CaptionSet: 3 pictures, 6 captions>"


def test_captions_alone(tmp_path):
    found = coco_captions(coco(tmp_path, CAPTIONS))
    assert found.pictures is None and found.pairs == 6
    assert [batch.pictures for batch in found.batches(4, 0)] == [None, None]


def test_what_is_missing_is_counted(tmp_path):
    path = coco(tmp_path, {**CAPTIONS, "d.png": ["Gone."]}, missing=("c.png", "d.png"))
    data = json.loads(path.read_text())
    data["images"].append({"id": 1000, "file_name": "silent.png"})
    data["annotations"] += [{"image_id": 999, "caption": "?"}, {"image_id": 7, "caption": " \n"}]
    path.write_text(json.dumps(data))
    found = coco_captions(path, tmp_path / "images")
    assert found.left_out == {
        "captions of images that are not listed": 1,
        "empty captions": 1,
        "images without captions": 1,
        "images whose file is missing": 2,
    }
    assert found.names == ["b.png", "a.jpg"] and "left out: 1 captions of images that are not listed" in repr(found)
    for file in (tmp_path / "images").iterdir():
        file.unlink()
    with pytest.raises(ArgumentError, match="in which none of 4 images lies, expected 'b.png'"):
        coco_captions(path, tmp_path / "images")
    with pytest.raises(ArgumentError, match="images: got '.*nowhere', expected the folder"):
        coco_captions(path, tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match="path: got '.*none.json', which does not exist"):
        coco_captions(tmp_path / "none.json")


IMAGE, CAPTION = {"id": 1, "file_name": "a.png"}, {"image_id": 1, "caption": "A."}


@pytest.mark.parametrize(
    "data, message",
    [
        ([], "got no list under 'images'"),
        ({"images": [IMAGE]}, "got no list under 'annotations'"),
        ({"images": {}, "annotations": []}, "got no list under 'images'"),
        ({"images": [IMAGE, 3], "annotations": []}, r"images\[1\]: got int 3, expected a whole number 'id'"),
        ({"images": [{"id": "1", "file_name": "a"}], "annotations": []}, r"images\[0\]: got dict"),
        ({"images": [{"id": True, "file_name": "a"}], "annotations": []}, r"images\[0\]: got dict"),
        ({"images": [IMAGE, IMAGE], "annotations": []}, r"images\[1\]: got the id 1 a second time"),
        ({"images": [IMAGE], "annotations": [CAPTION, {"image_id": 1}]}, r"annotations\[1\]: got dict"),
        ({"images": [IMAGE], "annotations": [{"image_id": 1, "caption": None}]}, r"annotations\[0\]: got dict"),
        ({"images": [IMAGE], "annotations": []}, "got no image with a caption"),
        ({"images": [{**IMAGE, "file_name": "../a.png"}], "annotations": []}, "expected one within the folder"),
        ({"images": [{**IMAGE, "file_name": "/a.png"}], "annotations": []}, "expected one within the folder"),
        ({"images": [{**IMAGE, "file_name": ""}], "annotations": []}, "expected one within the folder"),
        ({"images": [{**IMAGE, "file_name": "a\0"}], "annotations": []}, "expected one within the folder"),
    ],
)
def test_other_json_is_refused(tmp_path, data, message):
    path = tmp_path / "captions.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(FileFormatError, match=message) as error:
        coco_captions(path)
    assert "captions.json'" in str(error.value) and "\n" not in str(error.value)


def test_damaged_json_is_refused(tmp_path):
    path = coco(tmp_path, CAPTIONS)
    whole = path.read_bytes()
    for content in (whole[:-20], whole[:1], b"[" * 100_000, b'{"images": NaN}', b"\xff\xfe\x00", b""):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"captions_tiny.json'[^\n]*: got [^\n]+\Z"):
            coco_captions(path)
