"""`gated caption train DATA | show | report` from end to end."""

import shutil

import pytest
from tests.data.captions.makers import coco, course
from tests.data.captions.makers_onnx import brightness_model
from typer.testing import CliRunner

from gated.cli.app import app
from gated.data import Pictures
from gated.models.captioner import Captioner

from .own_pictures import drawing, folder

SMALL = ["--hidden", 12, "--read", 6, "--embed", 8, "--passes", 3, "--batch", 4, "--held-out", 6]


@pytest.fixture(autouse=True, scope="module")
def kept_here(tmp_path_factory):
    """What is seen is kept in a place of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATED_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def said(*words):
    found = run(*words)
    assert found.exit_code == 0, found.output + str(found.exception)
    return found.output


@pytest.mark.parametrize("lang", ["en", "zh_CN"])
def test_a_folder_from_end_to_end(tmp_path, lang):
    folder(tmp_path / "pictures")
    (tmp_path / "pictures" / "red-box-0.png").write_bytes(b"no picture")
    trained = said("caption", "train", "pictures", *SMALL, "--lang", lang)
    assert "17 pictures, and 6 held out" in trained and "left out: damaged pictures: 1" in trained
    assert "x 149 numbers (filters)" in trained or "numbers (filters)" in trained
    assert all(f"\n{name} " in trained for name in ("BLEU-1", "BLEU-4", "chrF", "CIDEr-D", "nats per word"))
    assert "gru  nearest neighbour" in trained
    out = tmp_path / "runs" / f"caption-pictures-{lang}"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == 12 and ("最近邻" in page) == (lang == "zh_CN")
    assert ("一个" in page) == (lang == "zh_CN") and ("A " in page) == (lang == "en")
    drawing("green", "ball", 1).save("new.png")
    shown = said("caption", "show", "new.png", "--run", out, "--gates")
    assert {"r", "z"} <= set(shown.split())
    own = Captioner.load(out / "model.safetensors")
    assert shown.splitlines()[0] == own.predict(Pictures(["new.png"], 64)[:])[0]
    assert said("caption", "show", "new.png", "--run", out, "--beams", 2)
    other = said("caption", "train", "pictures", *SMALL, "--lang", lang, "--cell", "rnn", "--out", "runs/rnn")
    assert "rnn  nearest neighbour" in other
    reported = said("caption", "report", "--run", out, "--beside", "runs/rnn", "-o", "page.html", "--count", 2)
    assert "gru      rnn  nearest neighbour" in reported
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("<img") == 4
    resumed = said("caption", "train", "--resume", "--out", out, "--passes", 4, "--lang", lang)
    assert "from update 15 to 20" in resumed
    assert "from update 20 to 25" in said("caption", "train", "pictures", "--resume", "--passes", 5, "--lang", lang)


def test_transparent_and_long_pictures_are_shown_as_they_were_learned(tmp_path):
    from PIL import Image

    folder(tmp_path / "pictures")
    said("caption", "train", "pictures", *SMALL, "--out", "run")
    picture = Image.new("RGBA", (90, 30), (0, 0, 0, 0))
    picture.paste((220, 30, 40, 255), (10, 5, 40, 25))
    picture.save("clear.png")
    own = Captioner.load("run/model.safetensors")
    wanted = own.predict(Pictures(["clear.png"], 64)[:])[0]
    assert said("caption", "show", "clear.png", "--run", "run").strip() == wanted


def test_coco_with_a_vision_model(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    coco(tmp_path, {f"{k}.png": [f"picture number {k}", f"this one is {k}"] for k in range(9)}, missing=("4.png",))
    brightness_model(tmp_path / "model.onnx")
    words = ["captions_tiny.json", "--images", "images", "--vision", "model.onnx", *SMALL[:-1], 2]
    trained = said("caption", "train", *words, "--out", "run")
    assert "6 pictures, and 2 held out" in trained and "left out: images whose file is missing: 1" in trained
    assert f"sees 3 numbers ({tmp_path}/model.onnx)" in trained
    picture = "images/3.png"
    shown = said("caption", "show", picture, "--run", "run")
    shutil.move("model.onnx", "moved.onnx")
    assert said("caption", "show", picture, "--run", "run", "--vision", "moved.onnx") == shown
    gone = run("caption", "show", picture, "--run", "run")
    assert "vision: got no file at " in str(gone.exception) and "expected the model that it learned with" in str(
        gone.exception
    )
    brightness_model(tmp_path / "other.onnx", shape=("N", 3, 8, 8))
    other = run("caption", "show", picture, "--run", "run", "--vision", "other.onnx")
    assert "vision: got 'other.onnx' (SHA-256 " in str(other.exception) and "\n" not in str(other.exception)


def test_the_course_from_end_to_end(tmp_path):
    pytest.importorskip("h5py")
    course(tmp_path / "course", images=12, captions=40)
    trained = said("caption", "train", "course", *SMALL[:-1], 3, "--out", "run")
    assert "12 pictures, and 3 held out" in trained and "sees 5 numbers (features)" in trained
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "http://example.org/val/" in page and "<img" not in page
    drawing("red", "box").save("new.png")
    shown = run("caption", "show", "new.png", "--run", "run")
    assert "run: got a captioner that learned from features, expected one that sees pictures" in str(shown.exception)


@pytest.mark.parametrize(
    "words, message",
    [
        (["train", "pictures", "--pictures", 9], "pictures: got it together with DATA, expected it for drawn scenes"),
        (["train", "pictures", "--captions", 9], "captions: got it together with DATA, expected it for drawn scenes"),
        (["train", "--images", "x"], "images: got it without DATA, expected it for pictures of your own alone"),
        (["train", "--vision", "x"], "vision: got it without DATA, expected it for pictures of your own alone"),
        (["train", "--minimum-count", 2], "minimum_count: got it without DATA"),
        (["train", "pictures", "--lang", "fr"], "lang: got fr, in which no picture of "),
        (["train", "nothing"], "expected a folder of pictures with texts, a captions_*.json of COCO, or the course's"),
        (["train", "pictures", "--cell", "lstn"], "expected FILE.py:NAME or the name of a cell"),
        (["train", "pictures", "--out", "run"], "which is not empty"),
        (["train", "pictures", "--resume", "--out", "nowhere"], "expected the folder of a run"),
        (["train", "--resume", "--out", "run", "--hidden", 13], "hidden: got 13, expected 12, as the run began"),
        (["show", "--run", "run"], "picture: got None, expected one: the captioner learned from pictures, not from"),
        (["show", "no.png", "--run", "run"], "picture: got 'no.png', which is no file"),
        (["show", "text.png", "--run", "run"], "text.png': got no picture that can be read"),
        (
            ["show", "pictures/red-box-0.png", "--run", "run", "--vision", "x"],
            "vision: got 'x', but the bank of",
        ),
        (["report", "--run", "run", "--beside", "other"], "beside: got 'other', expected a run on the same pictures"),
        (["report", "--run", "run", "--count", 0], "count: got 0"),
    ],
)
def test_errors_are_one_line(ready, monkeypatch, words, message):
    monkeypatch.chdir(ready)
    found = run("caption", *words)
    text = found.output + str(found.exception or "")
    assert found.exit_code != 0 and message in text and "\n" not in str(found.exception), text
    assert sorted(path.name for path in ready.iterdir()) == ["other", "pictures", "run", "text.png"]


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A place with pictures and two runs on them, in which nothing but errors happens."""
    place = tmp_path_factory.mktemp("ready")
    folder(place / "pictures")
    (place / "text.png").write_text("no picture")
    for seed, name in enumerate(("run", "other")):
        said("caption", "train", place / "pictures", *SMALL, "--out", place / name, "--seed", seed)
    return place
