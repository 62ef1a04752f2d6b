"""Schedules against their closed formulas, and against torch's where torch has them."""

from __future__ import annotations

import math

import pytest

from gated.errors import GatedError
from gated.learning.rules import schedules


def test_closed_formulas():
    for step in range(100):
        assert schedules.constant(0.3)(step) == 0.3
        assert schedules.step_decay(0.3, 0.5, every=10)(step) == pytest.approx(0.3 * 0.5 ** math.floor(step / 10))
        assert schedules.exponential_decay(0.3, 0.9)(step) == pytest.approx(0.3 * 0.9**step, rel=1e-14)
        assert schedules.exponential_decay(0.3, 0.1, every=50)(step) == pytest.approx(0.3 * 10 ** (-step / 50))
        wanted = 0.1 + 0.2 * (1 + math.cos(math.pi * min(step, 60) / 60)) / 2
        assert schedules.cosine(0.3, steps=60, final=0.1)(step) == pytest.approx(wanted, rel=1e-14)
        wanted = 0.3 * (step + 1) / 21 if step < 20 else 0.3 * 0.9 ** (step - 20)
        assert schedules.warmup(schedules.exponential_decay(0.3, 0.9), steps=20)(step) == pytest.approx(wanted)
        assert schedules.warmup(0.3, steps=20)(step) == pytest.approx(min(0.3, 0.3 * (step + 1) / 21))


@pytest.mark.parametrize("name", ["StepLR", "ExponentialLR", "CosineAnnealingLR"])
def test_against_torch(name):
    torch = pytest.importorskip("torch")
    ours, arguments = {
        "StepLR": (schedules.step_decay(0.2, 0.3, every=9), (9, 0.3)),
        "ExponentialLR": (schedules.exponential_decay(0.2, 0.95), (0.95,)),
        "CosineAnnealingLR": (schedules.cosine(0.2, steps=40, final=0.01), (40, 0.01)),
    }[name]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    theirs = getattr(torch.optim.lr_scheduler, name)(optimizer, *arguments)
    for step in range(41):
        assert ours(step) == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        theirs.step()


BAD = [
    (lambda: schedules.constant(-1), "lr"),
    (lambda: schedules.step_decay(0.1, 0.0, 3), "factor"),
    (lambda: schedules.step_decay(0.1, 0.5, 0), "every"),
    (lambda: schedules.step_decay(0.1, 0.5, 2.5), "every"),
    (lambda: schedules.exponential_decay(0.1, float("nan")), "factor"),
    (lambda: schedules.cosine(0.1, 0), "steps"),
    (lambda: schedules.cosine(0.1, 10, final=0.2), "final"),
    (lambda: schedules.warmup(0.1, -1), "steps"),
    (lambda: schedules.warmup("slow", 3), "lr"),
]


@pytest.mark.parametrize(("call", "argument"), BAD)
def test_bad_arguments_are_named_in_one_line(call, argument):
    with pytest.raises(GatedError, match=rf"^{argument}: got .*, expected ") as caught:
        call()
    assert "\n" not in str(caught.value)
