"""The assignment's functions: its notebooks' figures, and every gradient against PyTorch autograd in float64.

The figures are those of the notebooks RNN_Captioning and LSTM_Captioning of CS231n, assignment 3 (2016 to 2021), with
the inputs that they are printed for.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gated.errors import ArgumentError, ArgumentTypeError
from gated.models import cs231n

TOLERANCE = 1e-12  # relative, of the norm
SHAPES = [(1, 1, 1, 1), (2, 1, 3, 5), (3, 4, 5, 2), (7, 6, 3, 9), (17, 3, 1, 33)]  # N, T, D, H
CELLS = {"rnn": 1, "lstm": 4}


def line(low: float, high: float, *shape: int) -> np.ndarray:
    return np.linspace(low, high, num=int(np.prod(shape))).reshape(shape)


def printed(*rows: str) -> np.ndarray:
    return np.array([row.split() for row in rows], float)


def assert_close(ours, theirs) -> None:
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        b = b.detach().numpy() if isinstance(b, torch.Tensor) else b
        assert a.shape == b.shape and a.dtype == b.dtype == np.float64
        assert np.linalg.norm(a - b) <= TOLERANCE * max(np.linalg.norm(b), 1e-300), f"result {k}"


# what the notebooks print


def test_a_step_of_the_rnn_as_printed() -> None:
    N, D, H = 3, 10, 4
    next_h, _ = cs231n.rnn_step_forward(
        line(-0.4, 0.7, N, D), line(-0.2, 0.5, N, H), line(-0.1, 0.9, D, H), line(-0.3, 0.7, H, H), line(-0.2, 0.4, H)
    )
    expected = printed(
        "-0.58172089 -0.50182032 -0.41232771 -0.31410098",
        "0.66854692 0.79562378 0.87755553 0.92795967",
        "0.97934501 0.99144213 0.99646691 0.99854353",
    )
    np.testing.assert_allclose(next_h, expected, rtol=0, atol=5.1e-9)


def test_the_rnn_as_printed() -> None:
    N, T, D, H = 2, 3, 4, 5
    h, _ = cs231n.rnn_forward(
        line(-0.1, 0.3, N, T, D), line(-0.3, 0.1, N, H), line(-0.2, 0.4, D, H), line(-0.4, 0.1, H, H),
        line(-0.7, 0.1, H),
    )  # fmt: skip
    expected = printed(
        "-0.42070749 -0.27279261 -0.11074945 0.05740409 0.22236251",
        "-0.39525808 -0.22554661 -0.0409454 0.14649412 0.32397316",
        "-0.42305111 -0.24223728 -0.04287027 0.15997045 0.35014525",
        "-0.55857474 -0.39065825 -0.19198182 0.02378408 0.23735671",
        "-0.27150199 -0.07088804 0.13562939 0.33099728 0.50158768",
        "-0.51014825 -0.30524429 -0.06755202 0.17806392 0.40333043",
    )
    np.testing.assert_allclose(h, expected.reshape(N, T, H), rtol=0, atol=5.1e-9)


def test_a_step_of_the_lstm_as_printed() -> None:
    N, D, H = 3, 4, 5
    next_h, next_c, _ = cs231n.lstm_step_forward(
        line(-0.4, 1.2, N, D), line(-0.3, 0.7, N, H), line(-0.4, 0.9, N, H),
        line(-2.1, 1.3, D, 4 * H), line(-0.7, 2.2, H, 4 * H), line(0.3, 0.7, 4 * H),
    )  # fmt: skip
    expected_h = printed(
        "0.24635157 0.28610883 0.32240467 0.35525807 0.38474904",
        "0.49223563 0.55611431 0.61507696 0.66844003 0.7159181",
        "0.56735664 0.66310127 0.74419266 0.80889665 0.858299",
    )
    expected_c = printed(
        "0.32986176 0.39145139 0.451556 0.51014116 0.56717407",
        "0.66382255 0.76674007 0.87195994 0.97902709 1.08751345",
        "0.74192008 0.90592151 1.07717006 1.25120233 1.42395676",
    )
    np.testing.assert_allclose(next_h, expected_h, rtol=0, atol=5.1e-9)
    np.testing.assert_allclose(next_c, expected_c, rtol=0, atol=5.1e-9)


def test_the_lstm_as_printed() -> None:
    N, T, D, H = 2, 3, 5, 4
    h, _ = cs231n.lstm_forward(
        line(-0.4, 0.6, N, T, D), line(-0.4, 0.8, N, H), line(-0.2, 0.9, D, 4 * H), line(-0.3, 0.6, H, 4 * H),
        line(0.2, 0.7, 4 * H),
    )  # fmt: skip
    expected = printed(
        "0.01764008 0.01823233 0.01882671 0.0194232",
        "0.11287491 0.12146228 0.13018446 0.13902939",
        "0.31358768 0.33338627 0.35304453 0.37250975",
        "0.45767879 0.4761092 0.4936887 0.51041945",
        "0.6704845 0.69350089 0.71486014 0.7346449",
        "0.81733511 0.83677871 0.85403753 0.86935314",
    )
    np.testing.assert_allclose(h, expected.reshape(N, T, H), rtol=0, atol=5.1e-9)


def test_the_embedding_as_printed() -> None:
    x = np.array([[0, 3, 1, 2], [2, 1, 0, 3]])
    out, _ = cs231n.word_embedding_forward(x, line(0, 1, 5, 3))
    rows = printed(
        "0 0.07142857 0.14285714",
        "0.21428571 0.28571429 0.35714286",
        "0.42857143 0.5 0.57142857",
        "0.64285714 0.71428571 0.78571429",
    )
    np.testing.assert_allclose(out, rows[x], rtol=0, atol=5.1e-9)


@pytest.mark.parametrize("N, T, p, about", [(100, 1, 1.0, 2.3), (100, 10, 1.0, 23), (5000, 10, 0.1, 2.3)])
def test_the_softmax_loss_is_about_what_is_printed(N: int, T: int, p: float, about: float) -> None:
    random = np.random.default_rng(231)
    x, y = 0.001 * random.standard_normal((N, T, 10)), random.integers(10, size=(N, T))
    loss, _ = cs231n.temporal_softmax_loss(x, y, random.random((N, T)) <= p)
    assert loss == pytest.approx(about, rel=0.02)


# gradients against autograd


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def torch_step(x, states, Wx, Wh, b):
    a = x @ Wx + states[0] @ Wh + b
    if len(states) == 1:
        return (torch.tanh(a),)
    i, f, o, g = torch.chunk(a, 4, dim=1)
    c = torch.sigmoid(f) * states[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def torch_forward(cell, x, h0, Wx, Wh, b):
    states, h = (h0, torch.zeros_like(h0))[: 1 + (cell == "lstm")], []
    for t in range(x.shape[1]):
        states = torch_step(x[:, t], states, Wx, Wh, b)
        h.append(states[0])
    return torch.stack(h, 1)


def drawn(*shapes: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(0.0, 0.7, shape) for shape in shapes]


@pytest.mark.parametrize("N, T, D, H", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_sequences_against_autograd(cell: str, N: int, T: int, D: int, H: int) -> None:
    K = CELLS[cell]
    *given, dh = drawn((N, T, D), (N, H), (D, K * H), (H, K * H), (K * H,), (N, T, H))
    h, cache = getattr(cs231n, f"{cell}_forward")(*given)
    theirs = tensors(*given)
    expected = torch_forward(cell, *theirs)
    expected.backward(torch.tensor(dh))
    grads = getattr(cs231n, f"{cell}_backward")(dh, cache)
    assert_close([h, *grads], [expected, *(each.grad for each in theirs)])


@pytest.mark.parametrize("N, D, H", [(1, 1, 1), (3, 4, 5), (18, 3, 33)])
@pytest.mark.parametrize("cell", CELLS)
def test_steps_against_autograd(cell: str, N: int, D: int, H: int) -> None:
    K, count = CELLS[cell], 1 + (cell == "lstm")
    arrays = drawn((N, D), *[(N, H)] * count, (D, K * H), (H, K * H), (K * H,), *[(N, H)] * count)
    given, cotangents = arrays[:-count], arrays[-count:]
    *after, cache = getattr(cs231n, f"{cell}_step_forward")(*given)
    x, *rest = theirs = tensors(*given)
    expected = torch_step(x, rest[:count], *rest[count:])
    torch.autograd.backward(expected, [torch.tensor(each) for each in cotangents])
    grads = getattr(cs231n, f"{cell}_step_backward")(*cotangents, cache)
    assert_close([*after, *grads], [*expected, *(each.grad for each in theirs)])


@pytest.mark.parametrize("N, T, D, M", [(1, 1, 1, 1), (3, 5, 4, 7), (2, 1, 17, 33)])
def test_affine_against_autograd(N: int, T: int, D: int, M: int) -> None:
    *given, dout = drawn((N, T, D), (D, M), (M,), (N, T, M))
    out, cache = cs231n.temporal_affine_forward(*given)
    x, w, b = theirs = tensors(*given)
    (expected := x @ w + b).backward(torch.tensor(dout))
    grads = cs231n.temporal_affine_backward(dout, cache)
    assert_close([out, *grads], [expected, *(each.grad for each in theirs)])


@pytest.mark.parametrize("N, T, V, D", [(1, 1, 1, 1), (50, 3, 5, 6), (2, 7, 13, 3)])
def test_embedding_against_autograd(N: int, T: int, V: int, D: int) -> None:
    W, dout = drawn((V, D), (N, T, D))
    ids = np.random.default_rng(1).integers(V, size=(N, T))
    out, cache = cs231n.word_embedding_forward(ids, W)
    (theirs,) = tensors(W)
    (expected := theirs[torch.tensor(ids)]).backward(torch.tensor(dout))
    assert_close([out, cs231n.word_embedding_backward(dout, cache)], [expected, theirs.grad])


@pytest.mark.parametrize("N, T, V", [(1, 1, 1), (7, 8, 9), (3, 1, 33)])
def test_softmax_against_autograd(N: int, T: int, V: int) -> None:
    (x,) = drawn((N, T, V))
    random = np.random.default_rng(1)
    y, mask = random.integers(V, size=(N, T)), random.random((N, T)) > 0.5
    y[~mask] = -1  # what does not count is not looked at
    x[~mask] = np.nan
    loss, dx = cs231n.temporal_softmax_loss(x, y, mask)
    (theirs,) = tensors(np.where(mask[..., None], x, 0.0))
    rows = torch.log_softmax(theirs, 2)[torch.tensor(mask)]
    expected = -rows[torch.arange(len(rows)), torch.tensor(y[mask])].sum() / N
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-13) and isinstance(loss, float)
    assert_close([dx], [theirs.grad])


@pytest.mark.parametrize("cell", CELLS)
def test_complex_numbers_go_through_for_a_check_by_the_complex_step(cell: str) -> None:
    K, step = CELLS[cell], 1e-30
    x, h0, Wx, Wh, b, dh = drawn((2, 3, 4), (2, 5), (4, K * 5), (5, K * 5), (K * 5,), (2, 3, 5))
    forward, backward = getattr(cs231n, f"{cell}_forward"), getattr(cs231n, f"{cell}_backward")
    moved = np.zeros(Wh.shape)
    moved[1, 2] = step
    slope = np.sum(dh * forward(x, h0, Wx, Wh + 1j * moved, b)[0].imag) / step
    assert backward(dh, forward(x, h0, Wx, Wh, b)[1])[3][1, 2] == pytest.approx(slope, rel=1e-11)


# what is given and what comes back

CALLS = {  # name -> shapes of what is given, of the cotangents
    "rnn_step": ([(3, 4), (3, 5), (4, 5), (5, 5), (5,)], [(3, 5)]),
    "rnn": ([(3, 2, 4), (3, 5), (4, 5), (5, 5), (5,)], [(3, 2, 5)]),
    "lstm_step": ([(3, 4), (3, 5), (3, 5), (4, 20), (5, 20), (20,)], [(3, 5), (3, 5)]),
    "lstm": ([(3, 2, 4), (3, 5), (4, 20), (5, 20), (20,)], [(3, 2, 5)]),
    "temporal_affine": ([(3, 2, 4), (4, 5), (5,)], [(3, 2, 5)]),
}


def both(name: str, given, cotangents):
    """The results of a forward function and of its backward function, which is called twice."""
    *results, cache = getattr(cs231n, f"{name}_forward")(*given)
    first = getattr(cs231n, f"{name}_backward")(*cotangents, cache)
    again = getattr(cs231n, f"{name}_backward")(*cotangents, cache)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    return [*results, *first]


@pytest.mark.parametrize("name", CALLS)
def test_nothing_given_is_changed_and_nothing_is_shared(name: str) -> None:
    shapes, dshapes = CALLS[name]
    given, cotangents = drawn(*shapes), drawn(*dshapes, seed=1)
    kept = [array.copy() for array in (*given, *cotangents)]
    for array in (*given, *cotangents):
        array.flags.writeable = False
    results = both(name, given, cotangents)
    assert all(np.array_equal(a, b) for a, b in zip((*given, *cotangents), kept, strict=True))
    for k, result in enumerate(results):
        assert result.flags.writeable and result.flags.c_contiguous
        assert not any(np.shares_memory(result, other) for other in (*given, *cotangents, *results[:k]))


@pytest.mark.parametrize("name", CALLS)
def test_a_cache_is_of_the_forward_pass_whatever_is_written_afterwards(name: str) -> None:
    shapes, dshapes = CALLS[name]
    given, cotangents = drawn(*shapes), drawn(*dshapes, seed=1)
    expected = both(name, given, cotangents)
    *results, cache = getattr(cs231n, f"{name}_forward")(*given)
    for array in (*given, *results):
        array[...] = 7.0
    got = getattr(cs231n, f"{name}_backward")(*cotangents, cache)
    assert all(np.array_equal(a, b) for a, b in zip(got, expected[len(results) :], strict=True))


@pytest.mark.parametrize("name", CALLS)
def test_the_dtype_is_that_of_the_arguments(name: str) -> None:
    shapes, dshapes = CALLS[name]
    given, cotangents = drawn(*shapes), drawn(*dshapes, seed=1)
    wide = both(name, given, cotangents)
    narrow = both(name, [a.astype("float32") for a in given], [a.astype("float32") for a in cotangents])
    assert all(result.dtype == np.float32 for result in narrow)
    for a, b in zip(narrow, wide, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    mixed = both(name, [given[0].astype("float32"), *given[1:]], [np.ones(shape, int) for shape in dshapes])
    assert all(result.dtype == np.float64 for result in mixed)
    turned = both(name, [np.asfortranarray(a) for a in given], [np.asfortranarray(a) for a in cotangents])
    assert all(np.array_equal(a, b) for a, b in zip(turned, wide, strict=True))


def test_the_loss_says_the_shape_if_asked(capsys: pytest.CaptureFixture[str]) -> None:
    given = np.zeros((2, 3, 4)), np.zeros((2, 3), int), np.ones((2, 3), bool)
    cs231n.temporal_softmax_loss(*given)
    assert capsys.readouterr().out == ""
    cs231n.temporal_softmax_loss(*given, verbose=True)
    assert "(2, 3, 4)" in capsys.readouterr().out


def test_weights_without_any_word_that_counts() -> None:
    loss, dx = cs231n.temporal_softmax_loss(np.ones((2, 3, 4)), np.zeros((2, 3), int), np.zeros((2, 3), bool))
    assert loss == 0.0 and not dx.any()


# what does not fit


@pytest.mark.parametrize("name", CALLS)
def test_every_argument_that_does_not_fit_is_named(name: str) -> None:
    import inspect

    shapes, dshapes = CALLS[name]
    forward, backward = getattr(cs231n, f"{name}_forward"), getattr(cs231n, f"{name}_backward")
    given, cotangents = drawn(*shapes), drawn(*dshapes)
    *_, cache = forward(*given)
    for call, arguments in ((forward, given), (backward, cotangents)):
        rest = [cache] if call is backward else []
        for k, argument in enumerate(list(inspect.signature(call).parameters)[: len(arguments)]):
            for bad in (None, "text", np.ones(arguments[k].shape, bool), np.ones((2, 2, 2, 2)), arguments[k][..., :0]):
                others = [bad if j == k else each for j, each in enumerate(arguments)]
                with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
                    call(*others, *rest)
                message = str(error.value)
                # a matrix of another width may as well be told of the one that it does not fit
                assert message.partition(":")[0] in [argument, *(["Wh", "b"] if "W" in argument else [])], message
                assert "\n" not in message
    for bad in (None, (1, 2), cs231n.word_embedding_forward([[0]], [[1.0]])[1]):
        with pytest.raises(ArgumentTypeError, match=f"^cache: got .*{name}_forward"):
            backward(*cotangents, bad)


@pytest.mark.parametrize(
    "call, parts",
    [
        (lambda: cs231n.word_embedding_forward([[0, 5]], np.ones((5, 2))), ("x:", "id 5", "0 to 4")),
        (lambda: cs231n.word_embedding_forward([[0, -1]], np.ones((5, 2))), ("x:", "id -1", "0 to 4")),
        (lambda: cs231n.word_embedding_forward([[0.5]], np.ones((5, 2))), ("x:", "whole numbers")),
        (lambda: cs231n.word_embedding_forward([0, 1], np.ones((5, 2))), ("x:", "(N, T)")),
        (lambda: cs231n.word_embedding_forward([[0]], np.ones(5)), ("W:", "(V, D)")),
        (lambda: cs231n.temporal_softmax_loss(np.ones((1, 2, 3)), [[0, 3]], [[1, 1]]), ("y:", "3 at [0, 1]", "0 to 2")),
        (lambda: cs231n.temporal_softmax_loss(np.ones((1, 2, 3)), [[0, 1]], [[1]]), ("mask:", "(1, 2)")),
        (lambda: cs231n.temporal_softmax_loss(np.ones((1, 2, 3)), [[0, 1]], [[1, -1]]), ("mask:", "negative")),
        (lambda: cs231n.temporal_softmax_loss(np.ones((1, 2, 3)), [[0, 1]], None), ("mask:", "None")),
        (lambda: cs231n.temporal_softmax_loss(np.full((1, 1, 3), np.nan), [[0]], [[1]]), ("x:", "NaN at [0, 0, 0]")),
        (lambda: cs231n.temporal_softmax_loss(np.ones((1, 1, 3), complex), [[0]], [[1]]), ("x:", "real numbers")),
        (lambda: cs231n.temporal_softmax_loss(np.ones((1, 1, 3), "float16"), [[0]], [[1]]), ("x:", "float32")),
    ],
)
def test_words_that_do_not_fit_are_named(call, parts) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        call()
    message = str(error.value)
    assert message.startswith(parts[0]) and all(part in message for part in parts) and "\n" not in message
