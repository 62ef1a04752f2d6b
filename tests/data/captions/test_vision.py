"""What an ONNX model sees is what NumPy says by hand, for every form in which models take pictures; errors are told."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gated.data import IMAGENET_MEAN, IMAGENET_STD, Pictures, onnx_features
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, MissingExtraError

from .makers import png

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from .makers_onnx import SIDE, convolutional, onnx_file, seen  # noqa: E402

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.5)


def pictures(count=5, side=SIDE, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@pytest.fixture
def model(tmp_path):
    return convolutional(tmp_path / "model.onnx")


@pytest.mark.parametrize("kind", ["FLOAT", "FLOAT16", "DOUBLE", "UINT8"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("colours", ["RGB", "BGR"])
def test_every_form_of_input(tmp_path, kind, layout, colours):
    model = convolutional(tmp_path / "model.onnx", kind=kind, layout=layout)
    given = pictures()
    expected = seen(given, MEAN, STD, colours=colours, kind=kind)
    tolerance = 2e-2 if kind == "FLOAT16" else 2e-5
    for output in ("vector", "places", "middle", "sequence"):
        found = onnx_features(model, given, mean=MEAN, std=STD, colours=colours, output=output)
        assert found.dtype == np.float32 and found.shape == expected[output].shape
        scale = np.abs(expected[output]).max()
        np.testing.assert_allclose(found, expected[output], rtol=0, atol=tolerance * scale, err_msg=output)


def test_the_usual_mean_and_deviation_are_imagenets(model):
    given = pictures()
    np.testing.assert_allclose(
        onnx_features(model, given), seen(given, IMAGENET_MEAN, IMAGENET_STD)["vector"], rtol=1e-4, atol=1e-4
    )
    one = onnx_features(model, given, mean=0, std=1 / 255)
    np.testing.assert_allclose(one, seen(given, (0, 0, 0), (1 / 255,) * 3)["vector"], rtol=1e-4, atol=1e-2)
    assert (onnx_features(model, given, mean=np.float64(0.25), std=[0.5] * 3) != one).any()


def test_outputs_by_name_and_number(model):
    given = pictures()
    by_name = {name: onnx_features(model, given, output=name) for name in ("vector", "places", "middle", "flat")}
    for number, name in ((0, "vector"), (1, "places"), (np.int64(2), "middle"), (-1, "middle"), (None, "vector")):
        assert (onnx_features(model, given, output=number) == by_name[name]).all()
    assert (by_name["flat"] == by_name["middle"]).all(), "a value inside the model, which it does not give out"


def test_a_value_inside_a_model_whose_numbers_lie_in_another_file(tmp_path, model):
    given = pictures()
    folder = tmp_path / "apart"
    folder.mkdir()
    onnx.save_model(
        onnx.load(model),
        folder / "model.onnx",
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="numbers.bin",
        size_threshold=60,  # what says a shape lies in the model,
    )
    for output in (None, "flat"):
        found = onnx_features(folder / "model.onnx", given, output=output)
        assert (found == onnx_features(model, given, output=output)).all()


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 32])
@pytest.mark.parametrize("count", [1, 5, 6])
def test_pictures_at_a_time_make_no_difference(tmp_path, batch, count):
    given = pictures(count)
    expected = seen(given, MEAN, STD)["vector"]
    for own in ("N", batch):  # a model that takes any number, one that takes this one
        model = convolutional(tmp_path / f"{own}.onnx", batch=own)
        found = onnx_features(model, given, mean=MEAN, std=STD, batch=batch)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_fixed_number_of_pictures_stands_above_batch(tmp_path):
    model = convolutional(tmp_path / "four.onnx", batch=4)
    heard = []
    onnx_features(model, pictures(7), batch=3, progress=lambda *told: heard.append(told))
    assert heard == [(4, 7), (7, 7)]


def test_progress(model):
    heard = []
    onnx_features(model, pictures(7), batch=3, threads=1, progress=lambda *told: heard.append(told))
    assert heard == [(3, 7), (6, 7), (7, 7)]


def test_what_pictures_may_be(tmp_path, model):
    paths = [png(tmp_path / f"{k}.png", (40 * k, 9, 200), size=(12, 8)) for k in range(3)]
    as_arrays = Pictures(paths, SIDE, fit="crop")[:]
    expected = onnx_features(model, as_arrays)
    assert (onnx_features(model, paths) == expected).all()
    assert (onnx_features(str(model), Pictures(paths, 40)) == expected).all()
    assert (onnx_features(model, as_arrays[0]) == onnx_features(model, as_arrays[:1])).all()
    padded = onnx_features(model, Pictures(paths, SIDE, fit="pad")[:])
    assert (onnx_features(model, paths, fit="pad") == padded).all() and (padded != expected).any()


def test_a_model_that_takes_any_size(tmp_path):
    model = convolutional(tmp_path / "any.onnx", side="S")
    given = pictures(2, side=8)
    found = onnx_features(model, given, size=8, output="places")
    assert found.shape == (2, 16, 4)
    np.testing.assert_allclose(found, seen(given, IMAGENET_MEAN, IMAGENET_STD)["places"], rtol=1e-4, atol=1e-4)
    assert onnx_features(model, given, output="places").shape == (2, 112 * 112, 4), "224 pixels of a side"


def test_a_model_whose_shape_does_not_tell_the_layout(tmp_path):
    for layout in ("NCHW", "NHWC"):
        model = convolutional(tmp_path / f"{layout}.onnx", layout=layout, declared=False)
        given = pictures(2)
        found = onnx_features(model, given, size=SIDE, layout=layout, output="places")
        np.testing.assert_allclose(found, seen(given, IMAGENET_MEAN, IMAGENET_STD)["places"], rtol=1e-4, atol=1e-4)
        with pytest.raises(
            ArgumentError,
            match=r"^layout: got None for an input \['a', 'b', 'c', 'd'\], expected 'NCHW' or 'NHWC': its shape does",
        ):
            onnx_features(model, given)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"fit": "zoom"}, ArgumentError, "fit: got 'zoom', expected 'pad', 'crop' or 'stretch'"),
        ({"colours": "rgb"}, ArgumentError, "colours: got 'rgb', expected 'RGB' or 'BGR'"),
        ({"layout": "HWC"}, ArgumentError, "layout: got 'HWC', expected 'NCHW' or 'NHWC'"),
        (
            {"layout": "NHWC"},
            ArgumentError,
            r"layout: got 'NHWC' for an input \['N', 3, 6, 6\], expected the one in which",
        ),
        ({"size": 7}, ArgumentError, "size: got 7, expected 6, what the model takes, or None"),
        ({"size": 0}, ArgumentError, "size: got 0, expected a whole number of at least 1"),
        ({"batch": 0}, ArgumentError, "batch: got 0, expected a whole number of at least 1"),
        ({"batch": 2.0}, ArgumentTypeError, "batch: got 2.0, expected a whole number"),
        ({"threads": 0}, ArgumentError, "threads: got 0, expected a whole number of at least 1"),
        (
            {"progress": 3},
            ArgumentTypeError,
            r"progress: got int 3, expected a function of \(pictures seen, all of them\)",
        ),
        ({"mean": (1, 2)}, ArgumentError, "mean: got tuple .*, expected three finite numbers, or one"),
        ({"mean": "red"}, ArgumentError, "mean: got str 'red', expected three finite numbers, or one"),
        ({"mean": (0, 0, np.nan)}, ArgumentError, "mean: got .*, expected three finite numbers, or one"),
        ({"std": (1, 2, np.inf)}, ArgumentError, "std: got .*, expected three finite numbers, or one"),
        ({"std": (1, 0, 1)}, ArgumentError, r"std: got tuple \(1, 0, 1\), expected numbers above 0"),
        ({"output": 3}, ArgumentError, "output: got 3, expected 0 to 2, the number of an output"),
        ({"output": -4}, ArgumentError, "output: got -4, expected 0 to 2, the number of an output"),
        ({"output": True}, ArgumentTypeError, "output: got bool True, expected the name or number of an output"),
        ({"output": 1.5}, ArgumentTypeError, "output: got float 1.5, expected the name or number of an output"),
        (
            {"output": "nothing"},
            ArgumentError,
            "output: got 'nothing', expected one of vector, places, middle, or the name of a value inside",
        ),
    ],
)
def test_arguments(model, options, error, message):
    with pytest.raises(error, match=f"^{message}") as raised:
        onnx_features(model, pictures(), **options)
    assert "\n" not in str(raised.value)


def test_pictures_that_are_none(model, tmp_path):
    with pytest.raises(ArgumentError, match="^pictures: got none, expected at least one$"):
        onnx_features(model, [])
    with pytest.raises(ArgumentError, match=r"^sources\[0\]: got an array of shape \(6, 6\)"):
        onnx_features(model, [np.zeros((6, 6), np.uint8)])
    (tmp_path / "text.png").write_bytes(b"no picture")
    with pytest.raises(FileFormatError, match="text.png': got no picture that can be read"):
        onnx_features(model, [tmp_path / "text.png"])


def test_files_that_are_no_model(tmp_path, model):
    for given, message in (
        (tmp_path / "gone.onnx", "^model: got '.*gone.onnx', expected the path of an ONNX file$"),
        (tmp_path, "^model: got '.*', expected the path of an ONNX file$"),
        (3, "^model: got int 3, expected the path of an ONNX file$"),
        (None, "^model: got None, expected the path of an ONNX file$"),
    ):
        with pytest.raises(ArgumentError, match=message):
            onnx_features(given, pictures())
    whole = model.read_bytes()
    for content in (b"", b"no model at all", whole[: len(whole) // 2], png(tmp_path / "a.png").read_bytes()):
        (tmp_path / "bad.onnx").write_bytes(content)
        with pytest.raises(FileFormatError, match=r"bad\.onnx': got no ONNX model that can be run \([^\n]*\)\Z"):
            onnx_features(tmp_path / "bad.onnx", pictures())


@pytest.mark.parametrize(
    "inputs, told",
    [
        ([("x", "INT64", ["N", 3, 6, 6])], r"x tensor\(int64\) \['N', 3, 6, 6\]"),
        ([("x", "FLOAT", ["N", 108])], r"x tensor\(float\) \['N', 108\]"),
        ([("x", "FLOAT", [1, 3, 6, 6]), ("more", "FLOAT", [1])], r"x tensor\(float\) .*, more tensor\(float\) \[1\]"),
        ([], "none"),
    ],
)
def test_models_that_take_no_pictures(tmp_path, inputs, told):
    nodes = [("Identity", name, f"of_{name}", {}) for name, _, _ in inputs] or [("Identity", "own", "of_own", {})]
    outputs = [(f"of_{name}", kind, None) for name, kind, _ in inputs] or [("of_own", "FLOAT", None)]
    model = onnx_file(tmp_path / "m.onnx", nodes, inputs, outputs, {"own": np.ones((1, 2), np.float32)})
    message = f"^model: got one with the inputs {told}, expected one input of four axes, floats or bytes: pictures$"
    with pytest.raises(ArgumentError, match=message):
        onnx_features(model, pictures())


def test_a_model_that_takes_no_squares(tmp_path):
    model = onnx_file(
        tmp_path / "m.onnx", [("Identity", "x", "y", {})], [("x", "FLOAT", [1, 3, 6, 8])], [("y", "FLOAT", None)]
    )
    with pytest.raises(
        ArgumentError, match="^model: got one that takes 6 x 8 pixels, expected one that takes squares$"
    ):
        onnx_features(model, pictures())


TWO = {"two": np.array([2]), "of_four": np.array([0, 3, 1, 6, -1]), "none": np.array([0, 0]), "minus": np.float32(-1)}


@pytest.mark.parametrize(
    "nodes, kind, told",
    [
        ([("Cast", "x", "y", {"to": 7})], "INT64", r"an array of shape \(2, 3, 6, 6\) and dtype int64"),
        ([("ReduceMean", "x", "y", {"axes": [1, 2, 3], "keepdims": 0})], "FLOAT", r"an array of shape \(2,\)"),
        ([("Reshape", "x of_four", "y", {})], "FLOAT", r"an array of shape \(2, 3, 1, 6, 6\)"),
        ([("ReduceMean", "x", "y", {"axes": [0], "keepdims": 0})], "FLOAT", r"an array of shape \(3, 6, 6\)"),
        ([("Flatten", "x", "f", {}), ("Slice", "f none none", "y", {})], "FLOAT", "an array of shape .*0"),
    ],
)
def test_outputs_that_are_no_features(tmp_path, nodes, kind, told):
    model = onnx_file(tmp_path / "m.onnx", nodes, [("x", "FLOAT", ["N", 3, 6, 6])], [("y", kind, None)], TWO)
    with pytest.raises(
        ArgumentError, match=rf"^output: got {told}.*, expected floats \(2, D\), or a map or sequence of such$"
    ):
        onnx_features(model, pictures(2))


def test_numbers_that_are_not_finite(tmp_path):
    nodes = [("Flatten", "x", "f", {}), ("Sqrt", "f", "y", {})]
    model = onnx_file(tmp_path / "m.onnx", nodes, [("x", "FLOAT", ["N", 3, 6, 6])], [("y", "FLOAT", None)])
    assert onnx_features(model, pictures(), mean=0, std=1).shape == (5, 108)
    with pytest.raises(FileFormatError, match=r"m\.onnx': got features that are not finite, expected numbers$"):
        onnx_features(model, pictures(), mean=1, std=1)


def test_an_output_that_changes_its_shape(tmp_path):
    """Its numbers stand for how many pictures came at a time."""
    nodes = [
        ("Flatten", "x", "f", {}),
        ("MatMul", "f turned", "y", {}),
        ("Transpose", "f", "turned", {"perm": [1, 0]}),
    ]
    model = onnx_file(
        tmp_path / "m.onnx",
        [nodes[0], nodes[2], nodes[1]],
        [("x", "FLOAT", ["N", 3, 6, 6])],
        [("y", "FLOAT", None)],
    )
    with pytest.raises(
        ArgumentError, match=r"^output: got shape \(1,\) after \(2,\), expected the same for every picture$"
    ):
        onnx_features(model, pictures(5), batch=2)


def test_what_fails_while_it_runs(tmp_path):
    model = onnx_file(
        tmp_path / "m.onnx",
        [("Reshape", "x shape", "y", {})],
        [("x", "FLOAT", ["N", 3, "S", "S"])],
        [("y", "FLOAT", None)],
        {"shape": np.array([7, -1])},
    )
    with pytest.raises(
        ArgumentError, match=r"^model: got an error for pictures of shape \(2, 3, 5, 5\) \([^\n]+\)\Z"
    ) as raised:
        onnx_features(model, pictures(2), size=5)
    assert len(str(raised.value)) < 250


def test_without_onnxruntime(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"onnxruntime is needed for this; .*pip install 'gated\[captions\]'"):
        onnx_features(model, pictures())
