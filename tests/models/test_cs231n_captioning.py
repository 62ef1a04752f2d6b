"""The assignment's class: the notebooks' losses, all gradients against PyTorch autograd, greedy captions, bad input."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from gated.errors import ArgumentError, ArgumentTypeError
from gated.models.cs231n import CaptioningRNN
from gated.models.cs231n.captioning import NAMES

WORDS = {
    word: k for k, word in enumerate(["<NULL>", "<START>", "<END>", "a", "red", "blue", "circle", "square", "two"])
}


def toy(cell: str, low: float, high: float):
    """The model of the notebooks, with the id 3 although there are three words, its features and its captions."""
    N, D, T = 10, 20, 13
    word_to_idx = {"<NULL>": 0, "cat": 2, "dog": 3}
    model = CaptioningRNN(word_to_idx, input_dim=D, wordvec_dim=30, hidden_dim=40, cell_type=cell, dtype=np.float64)
    for name, value in model.params.items():
        model.params[name] = np.linspace(-1.4, 1.3, num=value.size).reshape(value.shape)
    features = np.linspace(low, high, num=N * D).reshape(N, D)
    return model, features, (np.arange(N * T) % 3).reshape(N, T)


@pytest.mark.parametrize(
    "cell, low, high, printed",
    [("rnn", -1.5, 0.3, 9.83235591003), ("lstm", -0.5, 1.7, 9.82445935443)],
)
def test_the_loss_as_printed(cell: str, low: float, high: float, printed: float) -> None:
    """RNN_Captioning.ipynb and LSTM_Captioning.ipynb of CS231n, assignment 3, 2016 to 2021."""
    model, features, captions = toy(cell, low, high)
    loss, grads = model.loss(features, captions)
    assert abs(loss - printed) < 1e-10
    assert {name: grad.shape for name, grad in grads.items()} == {n: v.shape for n, v in model.params.items()}


def made(cell: str, D: int = 5, W: int = 4, H: int = 7, seed: int = 0, **options) -> CaptioningRNN:
    """A model with numbers of ordinary size in every parameter."""
    model = CaptioningRNN(WORDS, D, W, H, cell, **{"dtype": np.float64, **options})
    random = np.random.default_rng(seed)
    for name, value in model.params.items():
        model.params[name] = random.normal(0.0, 0.7, value.shape).astype(value.dtype)
    return model


def captions_of(N: int, T: int, seed: int = 1) -> np.ndarray:
    """Captions of different lengths, with <NULL> behind and, here and there, within."""
    random = np.random.default_rng(seed)
    captions = random.integers(0, len(WORDS), (N, T))
    captions[np.arange(T) >= random.integers(2, T + 1, N)[:, None]] = 0
    return captions


def by_torch(model: CaptioningRNN, features: np.ndarray, captions: np.ndarray):
    """The loss and its gradients by autograd, from torch.nn's layers."""
    p = {name: torch.tensor(value, requires_grad=True) for name, value in model.params.items()}
    x, ids = torch.tensor(features), torch.tensor(captions)
    h = x @ p["W_proj"] + p["b_proj"]
    vectors = torch.nn.functional.embedding(ids[:, :-1], p["W_embed"])
    H = h.shape[1]
    own = torch.nn.LSTM if model.cell_type == "lstm" else torch.nn.RNN
    layer = own(vectors.shape[2], H, batch_first=True, dtype=torch.float64)

    def rows(array):  # i f o g in columns -> i f g o in rows
        parts = torch.split(array.T if array.ndim == 2 else array, H)
        return torch.cat([parts[k] for k in (0, 1, 3, 2)] if len(parts) == 4 else parts)

    weights = {"weight_ih_l0": rows(p["Wx"]), "weight_hh_l0": rows(p["Wh"]), "bias_ih_l0": rows(p["b"])}
    weights["bias_hh_l0"] = torch.zeros_like(weights["bias_ih_l0"])
    state = (h[None], torch.zeros_like(h)[None]) if model.cell_type == "lstm" else h[None]
    y, _ = torch.func.functional_call(layer, weights, (vectors, state))
    scores = y @ p["W_vocab"] + p["b_vocab"]
    flat = scores.reshape(-1, scores.shape[2]), ids[:, 1:].reshape(-1)
    loss = torch.nn.functional.cross_entropy(*flat, ignore_index=0, reduction="sum") / len(features)
    loss.backward()
    return loss.item(), {name: value.grad.numpy() for name, value in p.items()}


@pytest.mark.parametrize("N, T", [(1, 2), (3, 5), (17, 9)])
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_all_gradients_against_autograd(cell: str, N: int, T: int) -> None:
    model = made(cell)
    features, captions = np.random.default_rng(2).normal(size=(N, 5)), captions_of(N, T)
    loss, grads = model.loss(features, captions)
    expected, theirs = by_torch(model, features, captions)
    assert loss == pytest.approx(expected, rel=1e-13)
    assert list(grads) == list(model.params) and set(grads) == set(NAMES)
    for name, grad in grads.items():
        scale = max(np.linalg.norm(theirs[name]), 1e-300)
        assert grad.shape == theirs[name].shape and np.linalg.norm(grad - theirs[name]) <= 1e-12 * scale, name


def test_parameters_are_read_anew_and_nothing_is_changed() -> None:
    model = made("lstm")
    features, captions = np.random.default_rng(2).normal(size=(3, 5)), captions_of(3, 6)
    given = [features, captions, *model.params.values()]
    kept = [array.copy() for array in given]
    first, grads = model.loss(features, captions)
    assert model.loss(features, captions)[0] == first
    assert all(np.array_equal(a, b) for a, b in zip(given, kept, strict=True))
    assert not any(np.shares_memory(grads[name], value) for name, value in model.params.items())
    model.params["b"][3] += 0.5
    second, _ = model.loss(features, captions)
    model.params["b"] = kept[2 + list(model.params).index("b")]
    assert first != second and model.loss(features, captions)[0] == first


def test_a_few_updates_by_hand_lower_the_loss_and_the_captions_come_back() -> None:
    """Adam written out, as the assignment's solver does it: entries of params are replaced."""
    np.random.seed(231)
    model = CaptioningRNN(WORDS, input_dim=6, wordvec_dim=16, hidden_dim=32, cell_type="lstm")
    features = np.random.randn(4, 6).astype(np.float32)
    captions = np.array([[1, 3, 4, 6, 2, 0], [1, 8, 5, 7, 2, 0], [1, 3, 5, 2, 0, 0], [1, 8, 4, 6, 6, 2]])
    m = {name: np.zeros_like(value) for name, value in model.params.items()}
    v = {name: np.zeros_like(value) for name, value in model.params.items()}
    for t in range(1, 101):
        loss, grads = model.loss(features, captions)
        for name, grad in grads.items():
            assert grad.dtype == np.float32
            m[name] = 0.9 * m[name] + 0.1 * grad
            v[name] = 0.999 * v[name] + 0.001 * grad**2
            step = 0.02 * m[name] / (1 - 0.9**t) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
            model.params[name] = model.params[name] - step
    assert loss < 0.1
    np.testing.assert_array_equal(model.sample(features, max_length=5), captions[:, 1:])
    np.testing.assert_array_equal(model.sample(features)[:, 5:], 0)


def greedy(model: CaptioningRNN, features: np.ndarray, length: int) -> np.ndarray:
    """Step by step in NumPy; <NULL> after <END>."""
    p = model.params
    h, words, found = features @ p["W_proj"] + p["b_proj"], np.full(len(features), WORDS["<START>"]), []
    c, ended = np.zeros_like(h), np.zeros(len(features), bool)
    for _ in range(length):
        a = p["W_embed"][words] @ p["Wx"] + h @ p["Wh"] + p["b"]
        if model.cell_type == "rnn":
            h = np.tanh(a)
        else:
            i, f, o = (1 / (1 + np.exp(-part)) for part in np.split(a[:, : 3 * h.shape[1]], 3, axis=1))
            c = f * c + i * np.tanh(a[:, 3 * h.shape[1] :])
            h = o * np.tanh(c)
        words = (h @ p["W_vocab"] + p["b_vocab"]).argmax(axis=1)
        found.append(np.where(ended, WORDS["<NULL>"], words))
        ended |= words == WORDS["<END>"]
    return np.stack(found, 1)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
@pytest.mark.parametrize("N, length", [(1, 1), (17, 30)])
def test_captions_are_the_likeliest_word_each_time(cell: str, N: int, length: int) -> None:
    model, features = made(cell), np.random.default_rng(3).normal(size=(N, 5))
    model.params["b_vocab"][WORDS["<END>"]] += 1.0  # some end
    captions = model.sample(features, max_length=length)
    assert captions.shape == (N, length) and captions.dtype.kind == "i"
    np.testing.assert_array_equal(captions, greedy(model, features, length))
    if N > 1:
        assert (captions[:, -1] == 0).any() and len(np.unique(captions)) > 3
        assert model.sample(features).shape == (N, 30)


def test_without_an_end_captions_go_on() -> None:
    words = {word: k for word, k in WORDS.items() if word != "<END>"} | {"other": 2}
    model = CaptioningRNN(words, 5, 4, 7, "rnn")
    model.params["b_vocab"][2] = 100
    assert (model.sample(np.zeros((2, 5)), 4) == 2).all()


@pytest.mark.parametrize("cell, K", [("rnn", 1), ("lstm", 4)])
def test_the_first_weights_are_the_assignment_s(cell: str, K: int) -> None:
    np.random.seed(231)
    model = CaptioningRNN(WORDS, 50, 60, 70, cell, np.float64)
    np.random.seed(231)
    W_embed, W_proj = np.random.randn(9, 60) / 100, np.random.randn(50, 70) / np.sqrt(50)
    Wx, Wh = np.random.randn(60, K * 70) / np.sqrt(60), np.random.randn(70, K * 70) / np.sqrt(70)
    W_vocab = np.random.randn(70, 9) / np.sqrt(70)
    expected = {"W_embed": W_embed, "W_proj": W_proj, "Wx": Wx, "Wh": Wh, "W_vocab": W_vocab}
    expected |= {"b_proj": np.zeros(70), "b": np.zeros(K * 70), "b_vocab": np.zeros(9)}
    assert set(model.params) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(model.params[name], value, rtol=1e-15)


def test_defaults() -> None:
    model = CaptioningRNN(WORDS)
    shapes = {name: value.shape for name, value in model.params.items()}
    assert shapes == {
        "W_embed": (9, 128), "W_proj": (512, 128), "b_proj": (128,), "Wx": (128, 128), "Wh": (128, 128), "b": (128,),
        "W_vocab": (128, 9), "b_vocab": (9,),
    }  # fmt: skip
    assert all(value.dtype == np.float32 for value in model.params.values())


def test_the_dtype_is_that_of_the_parameters() -> None:
    features, captions = np.random.default_rng(2).normal(size=(3, 5)), captions_of(3, 6)
    wide, narrow = made("lstm"), made("lstm", dtype=np.float32)
    loss, grads = narrow.loss(features, captions)
    assert all(grad.dtype == np.float32 for grad in grads.values())
    assert loss == pytest.approx(wide.loss(features, captions)[0], rel=1e-5)
    for name, value in wide.params.items():
        narrow.params[name] = value
    again, grads = narrow.loss(features.astype(np.float32), captions)
    assert all(grad.dtype == np.float64 for grad in grads.values())
    assert again == pytest.approx(wide.loss(features, captions)[0], rel=1e-6)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies(copied) -> None:
    model = made("rnn")
    features, captions = np.random.default_rng(2).normal(size=(3, 5)), captions_of(3, 6)
    assert copied(model).loss(features, captions)[0] == model.loss(features, captions)[0]


def with_param(name: str, value) -> CaptioningRNN:
    model = made("lstm")
    model.params[name] = value
    return model


def without(name: str) -> CaptioningRNN:
    model = made("lstm")
    del model.params[name]
    return model


F, C = np.ones((3, 5)), captions_of(3, 6)


@pytest.mark.parametrize(
    "call, parts",
    [
        (lambda: CaptioningRNN(["a"]), ("word_to_idx:", "dict")),
        (lambda: CaptioningRNN({"a": 0}), ("word_to_idx:", "<NULL>")),
        (lambda: CaptioningRNN({"<NULL>": 0, "a": 1.5}), ("word_to_idx['a']:", "1.5", "whole number")),
        (lambda: CaptioningRNN({"<NULL>": -1}), ("word_to_idx['<NULL>']:", "-1")),
        (lambda: CaptioningRNN(WORDS, input_dim=0), ("input_dim:", "0")),
        (lambda: CaptioningRNN(WORDS, wordvec_dim=1.5), ("wordvec_dim:", "1.5")),
        (lambda: CaptioningRNN(WORDS, hidden_dim=-2), ("hidden_dim:", "-2")),
        (lambda: CaptioningRNN(WORDS, cell_type="gru"), ("cell_type:", "'gru'", "'rnn' or 'lstm'")),
        (lambda: CaptioningRNN(WORDS, dtype="int32"), ("dtype:", "int32", "float32")),
        (lambda: CaptioningRNN(WORDS, dtype=complex), ("dtype:", "complex128")),
        (lambda: made("rnn").loss(np.ones((3, 4)), C), ("features:", "(3, 4)", "(N, 5)")),
        (lambda: made("rnn").loss(np.full((3, 5), np.nan), C), ("features:", "nan at [0, 0]")),
        (lambda: made("rnn").loss(None, C), ("features:", "None")),
        (lambda: made("rnn").loss(F[:0], C[:0]), ("features:", "(0, 5)")),
        (lambda: made("rnn").loss(F, C[:2]), ("captions:", "(2, 6)", "(3, T)")),
        (lambda: made("rnn").loss(F, C[:, :1]), ("captions:", "two words")),
        (lambda: made("rnn").loss(F, C + 0.5), ("captions:", "whole numbers")),
        (lambda: made("rnn").loss(F, C + 7), ("captions:", "the id", "0 to 8")),
        (lambda: made("rnn").loss(F, C - 1), ("captions:", "the id -1", "0 to 8")),
        (lambda: without("Wh").loss(F, C), ("params:", "Wh")),
        (lambda: with_param("Wz", np.ones(3)).loss(F, C), ("params:", "Wz")),
        (lambda: with_param("Wx", np.ones((4, 7))).loss(F, C), ("params['Wx']:", "(4, 7)", "(4, 28)")),
        (lambda: with_param("b_vocab", None).loss(F, C), ("params['b_vocab']:", "None")),
        (lambda: with_param("W_embed", np.ones(4)).loss(F, C), ("params['W_embed']:", "(V, W)")),
        (lambda: with_param("b", np.full(28, np.inf)).loss(F, C), ("params['b']:", "inf at [0]")),
        (lambda: with_param("b", np.ones(28, complex)).loss(F, C), ("params:", "complex128")),
        (lambda: made("rnn").sample(F, 0), ("max_length:", "0")),
        (lambda: made("rnn").sample(F, "5"), ("max_length:", "'5'")),
        (lambda: made("rnn").sample(F[0]), ("features:", "(5,)")),
        (lambda: CaptioningRNN({"<NULL>": 0}, 5).sample(F), ("word_to_idx:", "<START>")),
        (lambda: CaptioningRNN({"<NULL>": 0, "<START>": 4}, 5).sample(F), ("word_to_idx['<START>']:", "4", "below 2")),
    ],
)
def test_what_does_not_fit_is_named(call, parts) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        call()
    message = str(error.value)
    assert message.startswith(parts[0]) and all(part in message for part in parts) and "\n" not in message
