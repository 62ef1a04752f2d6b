"""The optimizers against torch.optim, step by step; what each option changes; what bad arguments say."""

from __future__ import annotations

import numpy as np
import pytest

from gated.errors import ArgumentError, ArgumentTypeError, GatedError
from gated.learning import SGD, Adam, AdamW, RMSProp, clip_by_global_norm
from gated.learning.rules import schedules

SIZE, STEPS = 37, 60


def _gradients(steps: int = STEPS) -> list[np.ndarray]:
    """Gradients of ordinary and of tiny size, with some entries zero from beginning to end."""
    rng = np.random.default_rng(3)
    scale = 10.0 ** rng.uniform(-6, 2, SIZE)
    scale[:3] = 0.0
    return [scale * rng.standard_normal(SIZE) for _ in range(steps)]


CASES = {
    "sgd": (SGD, "SGD", {}, {}),
    "sgd momentum": (SGD, "SGD", {"momentum": 0.9}, {"momentum": 0.9}),
    "sgd nesterov": (SGD, "SGD", {"momentum": 0.8, "nesterov": True}, {"momentum": 0.8, "nesterov": True}),
    "sgd decay": (SGD, "SGD", {"momentum": 0.5, "weight_decay": 0.1}, {"momentum": 0.5, "weight_decay": 0.1}),
    "rmsprop": (RMSProp, "RMSprop", {}, {}),
    "rmsprop options": (
        RMSProp,
        "RMSprop",
        {"alpha": 0.9, "eps": 1e-3, "momentum": 0.7},
        {"alpha": 0.9, "eps": 1e-3, "momentum": 0.7},
    ),
    "adam": (Adam, "Adam", {}, {}),
    "adam options": (Adam, "Adam", {"betas": (0.8, 0.95), "eps": 1e-2}, {"betas": (0.8, 0.95), "eps": 1e-2}),
    "adamw": (AdamW, "AdamW", {}, {}),
    "adamw options": (
        AdamW,
        "AdamW",
        {"betas": (0.5, 0.9), "eps": 1e-4, "weight_decay": 0.3},
        {"betas": (0.5, 0.9), "eps": 1e-4, "weight_decay": 0.3},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_step_is_that_of_torch(name):
    torch = pytest.importorskip("torch")
    ours, theirs, options, torch_options = CASES[name]
    theta = np.random.default_rng(1).standard_normal(SIZE)
    parameter = torch.nn.Parameter(torch.tensor(theta))
    optimizer, oracle = ours(0.02, **options), getattr(torch.optim, theirs)([parameter], lr=0.02, **torch_options)
    for step, gradient in enumerate(_gradients()):
        optimizer.update(theta, gradient)
        parameter.grad = torch.tensor(gradient)
        oracle.step()
        expected = parameter.detach().numpy()
        error = np.linalg.norm(theta - expected) / np.linalg.norm(expected)
        assert error < 1e-12, f"step {step}: {error:.2e}"


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_schedule_gives_the_rate_of_each_step(kind):
    torch = pytest.importorskip("torch")
    theta = np.random.default_rng(1).standard_normal(SIZE)
    parameter = torch.nn.Parameter(torch.tensor(theta))
    optimizer = kind(schedules.step_decay(0.1, 0.5, every=7))
    oracle = getattr(torch.optim, kind.__name__)([parameter], lr=0.1)
    decay = torch.optim.lr_scheduler.StepLR(oracle, 7, 0.5)
    for gradient in _gradients():
        assert optimizer.rate == pytest.approx(oracle.param_groups[0]["lr"], rel=1e-14)
        optimizer.update(theta, gradient)
        parameter.grad = torch.tensor(gradient)
        oracle.step()
        decay.step()
        np.testing.assert_allclose(theta, parameter.detach().numpy(), rtol=1e-11, atol=1e-13)


OPTIONS = [
    (SGD, {"momentum": 0.9}, {}),
    (SGD, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9}),
    (SGD, {"weight_decay": 0.1}, {}),
    (RMSProp, {"alpha": 0.5}, {}),
    (RMSProp, {"eps": 0.1}, {}),
    (RMSProp, {"momentum": 0.5}, {}),
    (Adam, {"betas": (0.5, 0.999)}, {}),
    (Adam, {"betas": (0.9, 0.9)}, {}),
    (Adam, {"eps": 0.1}, {}),
    (AdamW, {"weight_decay": 0.5}, {}),
]


def _run(optimizer, dtype="float64", steps=5):
    theta = np.linspace(-1, 1, SIZE).astype(dtype)
    for gradient in _gradients(steps):
        optimizer.update(theta, gradient.astype(dtype))
    return theta


@pytest.mark.parametrize(("kind", "options", "base"), OPTIONS, ids=lambda value: str(value))
def test_each_option_changes_the_result(kind, options, base):
    assert np.max(np.abs(_run(kind(0.1, **options)) - _run(kind(0.1, **base)))) > 1e-3
    assert np.max(np.abs(_run(kind(0.1, **options)) - _run(kind(0.2, **options)))) > 1e-3


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32_and_is_near(name):
    kind, _, options, _ = CASES[name]
    single = _run(kind(0.02, **options), "float32")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, _run(kind(0.02, **options)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_continues_from_its_state_to_the_bit(name):
    kind, _, options, _ = CASES[name]
    theta, gradients = np.linspace(-1, 1, SIZE), _gradients()
    first = kind(0.02, **options)
    for gradient in gradients[:20]:
        first.update(theta, gradient)
    state, copy = first.state(), theta.copy()
    second = kind(0.02, **options)
    second.load_state(state)
    for gradient in gradients[20:]:
        first.update(theta, gradient)
        second.update(copy, gradient)
    np.testing.assert_array_equal(theta, copy)
    assert int(state["updates"]) == 20, "the state returned is a copy: it does not move on with the optimizer"
    assert second.updates == STEPS


def test_the_gradient_is_left_alone():
    for kind, _, options, _ in CASES.values():
        theta, gradient = np.ones(SIZE), np.linspace(-1, 1, SIZE)
        before = gradient.copy()
        kind(0.1, **options).update(theta, gradient)
        np.testing.assert_array_equal(gradient, before)


BAD = [
    (lambda: SGD(0.0), "lr"),
    (lambda: SGD(float("nan")), "lr"),
    (lambda: SGD("fast"), "lr"),
    (lambda: SGD(True), "lr"),
    (lambda: SGD(0.1, momentum=1.0), "momentum"),
    (lambda: SGD(0.1, nesterov=True), "nesterov"),
    (lambda: SGD(0.1, weight_decay=-1), "weight_decay"),
    (lambda: RMSProp(0.1, alpha=1.5), "alpha"),
    (lambda: RMSProp(0.1, eps=0), "eps"),
    (lambda: RMSProp(0.1, momentum=-0.1), "momentum"),
    (lambda: Adam(0.1, betas=(0.9, 1.0)), r"betas\[1\]"),
    (lambda: Adam(0.1, betas=0.9), "betas"),
    (lambda: Adam(0.1, eps=float("inf")), "eps"),
    (lambda: AdamW(0.1, weight_decay=float("inf")), "weight_decay"),
    (lambda: SGD(0.1).update(np.zeros((2, 2)), np.zeros((2, 2))), "theta"),
    (lambda: SGD(0.1).update(np.zeros(2, int), np.zeros(2)), "theta"),
    (lambda: SGD(0.1).update([0.0], np.zeros(1)), "theta"),
    (lambda: SGD(0.1).update(np.zeros(2), np.zeros(3)), "gradient"),
    (lambda: SGD(0.1).update(np.zeros(2), np.zeros(2, "float32")), "gradient"),
    (lambda: Adam(0.1).load_state(SGD(0.1, 0.5).state() | {"momentum": np.zeros(2)}), "state"),
    (lambda: Adam(0.1).load_state({}), "state"),
    (lambda: Adam(0.1).load_state({"updates": np.array(3)}), "state"),
    (
        lambda: Adam(0.1).load_state({"updates": np.array(3), "mean": np.zeros(2), "mean_square": np.zeros(3)}),
        "state",
    ),
]


@pytest.mark.parametrize(("call", "argument"), BAD)
def test_bad_arguments_are_named_in_one_line(call, argument):
    with pytest.raises(GatedError, match=rf"^{argument}: got .*, expected ") as caught:
        call()
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, (ArgumentError, ArgumentTypeError))


def test_a_vector_of_another_length_than_the_state_is_refused():
    optimizer = Adam(0.1)
    optimizer.update(np.zeros(3), np.ones(3))
    with pytest.raises(ArgumentError, match=r"theta: got 4 entries .* expected 3"):
        optimizer.update(np.zeros(4), np.ones(4))


@pytest.mark.parametrize(
    "bad", [np.ones((30, 30)), [0.1] * 2000, {"a": "\n" * 99}, "\x1b[31m"], ids=["array", "list", "dict", "escape"]
)
def test_errors_of_arguments_are_one_short_line(bad):
    """`{value!r}` of an array is many lines, of a list thousands of letters."""
    calls = [
        lambda: SGD(bad), lambda: Adam(bad), lambda: Adam(0.1, betas=bad), lambda: Adam(0.1, betas=(bad, 0.9)),
        lambda: SGD(0.1, momentum=bad), lambda: SGD(0.1, weight_decay=bad), lambda: Adam(0.1, eps=bad),
        lambda: clip_by_global_norm(np.ones(3), bad), lambda: schedules.cosine(bad, 3), lambda: schedules.constant(bad),
        lambda: schedules.cosine(0.1, bad), lambda: schedules.warmup(0.1, bad),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(GatedError) as caught:
            call()
        assert str(caught.value).isprintable() and len(str(caught.value)) < 200
