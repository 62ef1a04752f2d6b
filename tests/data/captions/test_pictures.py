"""Pictures from files: what is in them arrives, in the size that was asked for, and what is damaged is named."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from gated.data import Pictures
from gated.data.filter_bank import filter_bank
from gated.data.pictures import draws_svg, read_svg
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, MissingExtraError

from .makers import png


def halves(path, size=(8, 4)):
    """Red at the left, blue at the right."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2, 0] = pixels[:, size[0] // 2 :, 2] = 255
    Image.fromarray(pixels).save(path)
    return pixels


def test_pad_crop_and_stretch(tmp_path):
    pixels = halves(tmp_path / "a.png")
    pad, crop, stretch = (
        Pictures([tmp_path / "a.png"], 8, fit=fit, ground=(0, 9, 0))[0] for fit in ("pad", "crop", "stretch")
    )
    assert (pad[2:6] == pixels).all() and (pad[[0, 1, 6, 7]] == (0, 9, 0)).all()
    for picture in (crop, stretch):
        assert (
            picture.shape == (8, 8, 3) and (picture[:, 0] == (255, 0, 0)).all() and (picture[:, 7] == (0, 0, 255)).all()
        )
    assert (stretch[3, 2] == stretch[3, 0]).all() and (Pictures([pixels], 4, fit="crop")[0] == pixels[:, 2:6]).all()


def test_what_brackets_give(tmp_path):
    colours = [(k, 2 * k, 3 * k) for k in range(7)]
    found = Pictures([png(tmp_path / f"{k}.png", colour) for k, colour in enumerate(colours)], 5, fit="crop")
    assert (found[-1] == colours[6]).all() and found[2].shape == (5, 5, 3)
    assert [tuple(p[0, 0]) for p in found[[4, 0, 4]]] == [colours[4], colours[0], colours[4]]
    assert [tuple(p[0, 0]) for p in found[1::3]] == colours[1::3]
    assert [tuple(p[0, 0]) for p in found[np.arange(7) == 3]] == [colours[3]]
    assert (np.asarray(found) == found[:]).all() and len(found.select([6, 5])) == 2
    assert (found.select([6, 5])[:] == found[[6, 5]]).all() and found[[]].shape == (0, 5, 5, 3)
    assert [tuple(p[0, 0]) for p in found] == colours
    assert filter_bank(found.sized(16), size=16, grid=1).shape[0] == 7
    for which, error in (([7], ArgumentError), ([0.5], ArgumentTypeError), ([True], ArgumentError), (7, IndexError)):
        with pytest.raises(error, match="which: got"):
            found[which]


def test_kinds_of_pixels(tmp_path):
    clear = np.zeros((4, 4, 4), np.uint8)
    clear[:2] = (10, 20, 30, 255)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    Image.fromarray(np.full((4, 4), 200, np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(np.full((4, 4), 200 << 8, np.uint16)).save(tmp_path / "deep.png")
    Image.new("P", (4, 4), 3).save(tmp_path / "table.gif")
    Image.new("CMYK", (4, 4), (0, 0, 0, 255)).save(tmp_path / "print.jpg")
    found = Pictures([tmp_path / n for n in ("clear.png", "grey.png", "deep.png", "table.gif", "print.jpg")], 4)
    assert (found[0][:2] == (10, 20, 30)).all() and (found[0][2:] == 255).all()
    assert (found[1] == 200).all() and (found[2] == 200).all() and (found[4] < 40).all()
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright
    Image.new("RGB", (8, 4)).save(tmp_path / "turned.jpg", exif=turned)
    picture = Pictures([tmp_path / "turned.jpg"], 8)[0]
    assert (picture[:, :2] == 255).all() and (picture[:, 2:6] < 9).all()


def test_a_drawing(tmp_path):
    pytest.importorskip("cairosvg")
    (tmp_path / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 2"><rect width="2" height="2" fill="#f00"/></svg>',
        encoding="utf-8",
    )
    picture = Pictures([tmp_path / "a.svg"], 16)[0]
    assert (picture[5:11, 1:7] == (255, 0, 0)).all() and (picture[:, 9:] == 255).all() and (picture[:3] == 255).all()


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        "<svg",
        "",
        '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="9999999"/>',
    ],
)
def test_drawings_that_are_refused(tmp_path, body):
    pytest.importorskip("cairosvg")
    (tmp_path / "bad.svg").write_text(body, encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"bad\.svg': got no picture that can be read \([^\n]+\)\Z"):
        Pictures([tmp_path / "bad.svg"], 16)[0]


def test_damaged_files_are_named(tmp_path):
    whole = png(tmp_path / "a.png", size=(64, 64)).read_bytes()
    png(tmp_path / "b.jpg", size=(64, 64))
    for name, content in (
        ("cut.png", whole[: len(whole) // 2]),
        ("cut.jpg", (tmp_path / "b.jpg").read_bytes()[:300]),
        ("empty.png", b""),
        ("text.png", b"no picture at all"),
        ("flipped.png", whole[:40] + b"\xff\xff\xff" + whole[43:]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileFormatError, match=rf"{name}': got no picture that can be read \([^\n]+\)\Z"):
            Pictures([tmp_path / name])[0]
    with pytest.raises(ArgumentError, match=r"pictures: got '.*gone.png' \(No such file or directory\)"):
        Pictures([tmp_path / "gone.png"])[0]
    with pytest.raises(ArgumentError, match="pictures: got"):
        Pictures(["a\0b"])[0]


def test_a_picture_that_claims_to_be_huge_is_not_decoded(tmp_path):
    content = bytearray(png(tmp_path / "a.bmp").read_bytes())
    content[18:26] = (60_000).to_bytes(4, "little") * 2
    (tmp_path / "huge.bmp").write_bytes(content)
    with pytest.raises(FileFormatError, match="huge.bmp': got no picture that can be read"):
        Pictures([tmp_path / "huge.bmp"])[0]
    content[18:26] = (12_000).to_bytes(4, "little") * 2
    (tmp_path / "large.bmp").write_bytes(content)
    with pytest.raises(FileFormatError, match="12,000 x 12,000 pixels"):
        Pictures([tmp_path / "large.bmp"])[0]


def test_a_digest_is_that_of_content_and_size(tmp_path):
    one, same = png(tmp_path / "a.png"), png(tmp_path / "b.png")
    other = png(tmp_path / "c.png", (255, 0, 1))
    found = Pictures([one, same, other], 8)
    assert found.digest(0) == found.digest(1) != found.digest(2)
    assert found.digest(0) not in {found.sized(9).digest(0), found.sized(8, "crop").digest(0)}
    flat = np.zeros((2, 8, 3), np.uint8)
    assert Pictures([flat]).digest(0) != Pictures([flat.reshape(8, 2, 3)]).digest(0), "the same bytes, another shape"


def test_arguments():
    for sources in ("a.png", b"a", 3, None):
        with pytest.raises(ArgumentTypeError, match="sources: got"):
            Pictures(sources)
    for source in (np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ArgumentError, match=r"sources\[1\]: got an array"):
            Pictures(["a.png", source])
    for options in ({"size": 0}, {"fit": "zoom"}, {"ground": (0, 0)}, {"ground": (0, 0, 256)}, {"ground": 3}):
        with pytest.raises(ArgumentError, match=f"{next(iter(options))}: got"):
            Pictures([], **options)
    own = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Pictures([own], 4)[0][:] = 0
    assert own.any(), "what is read is the caller's own"


def test_what_is_not_installed(tmp_path, monkeypatch):
    drawing, picture = tmp_path / "a.svg", png(tmp_path / "b.png")
    drawing.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>', encoding="utf-8")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "cairosvg", None)
        assert not draws_svg()
        with pytest.raises(MissingExtraError, match=r"pip install 'gated\[svg\]'"):
            Pictures([drawing])[0]
    with monkeypatch.context() as without:

        def no_library(module, extra):
            raise OSError("no library called cairo")

        without.setattr("gated.data.pictures.require_extra", no_library)
        assert not draws_svg()
        with pytest.raises(MissingExtraError, match="the library cairo is needed"):
            read_svg(b"", 4)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'gated\[pictures\]'"):
        Pictures([picture])[0]
