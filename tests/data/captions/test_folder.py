"""Folders of pictures beside texts, plain and in Tux Paint's layout."""

from __future__ import annotations

import pytest

from gated.data.captions import captioned_folder
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError

from .makers import png

DOG = "A dog.\nde.utf8=Ein Hund.\nzh_CN.utf8=一只狗。\nzh_TW.utf8=一隻狗。\nsr@latin.utf8=Pas.\n"
SUM = "A calculator.  6x7=42\nde.utf8=Ein Taschenrechner. 6x7=42\nzh_TW.utf8=計算機。"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4" fill="#00f"/></svg>'


@pytest.fixture
def stamps(tmp_path):
    png(tmp_path / "animals" / "dog.png")
    (tmp_path / "animals" / "dog.txt").write_text(DOG, encoding="utf-8")
    png(tmp_path / "sum.png", (0, 255, 0))
    (tmp_path / "sum.txt").write_text(SUM, encoding="utf-8")
    (tmp_path / "drawn.svg").write_text(SVG, encoding="utf-8")
    (tmp_path / "drawn.txt").write_text("\ufeffA square.\r\nzh_CN.utf8=正方形。\r\n", encoding="utf-8")
    return tmp_path


def test_english_is_what_has_no_language(stamps):
    found = captioned_folder(stamps, size=8)
    assert dict(zip(found.names, found.captions, strict=True)) == {
        "animals/dog.png": ["A dog."],
        "sum.png": ["A calculator. 6x7=42"],
        "drawn.svg": ["A square."],
    }
    assert found.languages == {"en": 3} and not found.left_out
    assert {tuple(found.pictures[k][4, 4]) for k in range(3)} == {(255, 0, 0), (0, 255, 0), (0, 0, 255)}


@pytest.mark.parametrize(
    "lang, fallbacks, texts, languages",
    [
        ("zh_CN", (), {"一只狗。", "正方形。"}, {"zh_CN": 2}),
        ("zh", (), {"一只狗。", "正方形。", "計算機。"}, {"zh_CN": 2, "zh_TW": 1}),
        ("zh_TW", ("zh_CN",), {"一隻狗。", "正方形。", "計算機。"}, {"zh_TW": 2, "zh_CN": 1}),
        ("de", ("en",), {"Ein Hund.", "Ein Taschenrechner. 6x7=42", "A square."}, {"de": 2, "en": 1}),
        ("sr@latin", ("fr", "de"), {"Pas.", "Ein Taschenrechner. 6x7=42"}, {"sr@latin": 1, "de": 1}),
    ],
)
def test_languages_and_what_stands_in(stamps, lang, fallbacks, texts, languages):
    found = captioned_folder(stamps, lang, fallbacks=fallbacks)
    assert set(found.texts) == texts and found.languages == languages
    wanted = " or ".join([lang, *fallbacks])
    assert found.left_out == ({f"without a caption in {wanted}": 3 - len(texts)} if len(texts) < 3 else {})


def test_what_is_left_out_is_counted(stamps, monkeypatch):
    png(stamps / "alone.png")
    (stamps / "words.txt").write_text("Words.", encoding="utf-8")
    (stamps / "empty.txt").write_bytes(b"")
    png(stamps / "empty.png")
    png(stamps / ".hidden.png")
    (stamps / "sound.ogg").write_bytes(b"")
    monkeypatch.setattr("gated.data.captions.folder.draws_svg", lambda: False)
    found = captioned_folder(stamps)
    assert found.left_out == {
        "without a caption in en": 1,
        "pictures without a text file": 1,
        "text files without a picture": 1,
        "drawings in SVG (cairosvg is not installed)": 1,
    }
    assert len(found) == 2


def test_pixels_are_taken_before_a_drawing(stamps):
    png(stamps / "drawn.png", (9, 9, 9))
    assert "drawn.png" in captioned_folder(stamps).names and len(captioned_folder(stamps)) == 3


def test_every_line_is_a_caption(tmp_path):
    png(tmp_path / "a.JPG")
    (tmp_path / "a.txt").write_text("A dog.\n\n  A brown   dog.\n", encoding="utf-8")
    assert captioned_folder(tmp_path).captions == [["A dog.", "A brown dog."]]


def test_refusals(stamps):
    for lang in ("", "ZH", "english", "zh_cn", 3, None):
        with pytest.raises(ArgumentError, match="lang: got"):
            captioned_folder(stamps, lang)
    with pytest.raises(ArgumentTypeError, match="fallbacks: got str 'en', expected several languages"):
        captioned_folder(stamps, "zh", fallbacks="en")
    with pytest.raises(ArgumentError, match=r"fallbacks\[1\]: got"):
        captioned_folder(stamps, "zh", fallbacks=("en", "x"))
    with pytest.raises(
        ArgumentError, match="lang: got fr, in which no picture of .* has a caption, expected one of en"
    ):
        captioned_folder(stamps, "fr")
    with pytest.raises(ArgumentError, match="folder: got '.*nowhere', expected a folder"):
        captioned_folder(stamps / "nowhere")
    (stamps / "empty").mkdir()
    with pytest.raises(ArgumentError, match="with no picture, expected"):
        captioned_folder(stamps / "empty")
    (stamps / "sum.txt").write_bytes("Un éléphant.".encode("latin-1"))
    with pytest.raises(FileFormatError, match="sum.txt': got byte 0xe9 at offset 3"):
        captioned_folder(stamps)
