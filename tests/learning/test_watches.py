"""What the watches see: gates that are driven to their ends, gradients that explode."""

import numpy as np
import pytest
from tests.learning.run_case import HELD_OUT, make_run, network

import gated
from gated.data import Sequences
from gated.learning import GateWatch, GradientWatch
from gated.learning.training.loop import Update


def test_a_gate_that_is_driven_to_1_is_seen_and_told():
    run = make_run(total=4)
    run.training.network.params["rnn.l1.b.f"][:] = 20.0
    run.run()
    watch = run.callbacks[0]
    assert watch.found["rnn.l1.f"] == {"low": 0.0, "high": 1.0, "stuck": 1.0}
    assert watch.found["rnn.l0.f"]["high"] < 0.5
    assert run.lines[0]["gates"]["rnn.l1.f"]["high"] == 1.0
    assert run.notes == ["update 3: gate rnn.l1.f is near 1 in 100% of its values"]
    report = watch.report()
    assert "rnn.l1.f" in report and "100.0%" in report
    assert report.splitlines()[-1] == "! gate rnn.l1.f is near 1 in 100% of its values"


def test_the_numbers_are_those_of_the_tape_within_the_lengths():
    net, watch = network(), GateWatch(HELD_OUT, near=0.45)
    found = watch.look(net)
    _, _, tape = net.forward(HELD_OUT.x, lengths=HELD_OUT.lengths)
    inside = np.arange(len(HELD_OUT.x))[:, None] < HELD_OUT.lengths
    assert set(found) == {f"rnn.l{level}.{gate}" for level in range(2) for gate in "ifo"}
    for name, own in found.items():
        values = tape[1][name.removeprefix("rnn.")][inside]
        assert own["low"] == pytest.approx((values < 0.45).mean())
        assert own["high"] == pytest.approx((values > 0.55).mean())
        assert own["stuck"] == pytest.approx(((values < 0.45).all(0) | (values > 0.55).all(0)).mean())
        np.testing.assert_array_equal(watch.histograms[name], np.histogram(values, 20, (0.0, 1.0))[0])


def test_gates_are_found_from_the_equations_in_any_network():
    @gated.cell
    def mine(x, h, *, W, U, b):
        keep = gated.sigmoid(W.k @ x + U.k @ h + b.k)
        new = gated.tanh(W.n @ x + U.n @ h + b.n)
        h = keep * h + (1 - keep) * new
        return h

    inner = gated.Network({"r": gated.Recurrent(mine, 3, 4, bidirectional=True)})
    net = gated.WiredNetwork({"a": inner, "d": gated.Dense(8, 2)}, {"a": "x"})
    x = np.random.default_rng(0).standard_normal((5, 2, 3)).astype("f")
    assert set(GateWatch(x).look(net)) == {"a.r.keep", "a.r.l0_reverse.keep"}
    assert set(GateWatch(Sequences(x, None)).look(gated.Network({"r": gated.RNN(3, 4)}))) == set()


def test_gradients_that_explode_or_vanish_are_told_once():
    run, watch = make_run(), GradientWatch(times=50.0)
    for step in range(1, 60):
        watch.on_update(run, Update(step, 0, 1.0, 1.0 if step != 40 else 80.0, 0.1, 1))
    assert run.notes == ["update 40: the gradient is 80 long, 80 times the usual 1"]
    for step in range(60, 200):
        watch.on_update(run, Update(step, 0, 1.0, 1e-9, 0.1, 1))
    assert len(run.notes) == 2 and "the gradient vanishes, it is 1e-09 long" in run.notes[1]


def test_the_part_of_clipped_updates_is_in_the_metrics():
    run, watch = make_run(), GradientWatch()
    for norm in (0.5, 2.0, 3.0, 0.1):
        watch.on_update(run, Update(1, 0, 1.0, norm, 0.1, 1))
    line = {"step": 4}
    watch.on_line(run, line)
    assert line["gradient"] == {"median": 1.25, "largest": 3.0, "clipped": 0.5}
